# SPDX-License-Identifier: Apache-2.0
"""Instances by what robots run. vision_msgs and yolo_msgs are plain classes here, with the fields of the real ones."""
import sys
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pytest
from std_msgs.msg import Header

from modot_ros.ros.messages.convert import BadFrame, image_message
from modot_ros.ros.node.labelling import box_of, detections_type, labelling_of

HEADER = Header(frame_id="camera")


@dataclass
class Point2D:                                          # of both packages
    x: float = 0.0
    y: float = 0.0


@dataclass
class Pose2D:                                           # of both packages
    position: Point2D = field(default_factory=Point2D)
    theta: float = 0.0


# vision_msgs 4.1


@dataclass
class BoundingBox2D:
    center: Pose2D = field(default_factory=Pose2D)
    size_x: float = 0.0
    size_y: float = 0.0


@dataclass
class ObjectHypothesis:
    class_id: str = ""
    score: float = 0.0


@dataclass
class ObjectHypothesisWithPose:
    hypothesis: ObjectHypothesis = field(default_factory=ObjectHypothesis)
    pose: object = None


@dataclass
class Detection2D:
    header: Header = field(default_factory=Header)
    results: list = field(default_factory=list)
    bbox: BoundingBox2D = field(default_factory=BoundingBox2D)
    id: str = ""


@dataclass
class Detection2DArray:
    header: Header = field(default_factory=Header)
    detections: list = field(default_factory=list)


def detection(name: str, score: float, left=0, top=0, right=0, bottom=0, id="", theta=0.0) -> Detection2D:
    box = BoundingBox2D(Pose2D(Point2D((left + right) / 2, (top + bottom) / 2), theta), right - left, bottom - top)
    results = [ObjectHypothesisWithPose(ObjectHypothesis("something", score / 2)),
               ObjectHypothesisWithPose(ObjectHypothesis(name, score))]
    return Detection2D(results=results, bbox=box, id=id)


# yolo_msgs of mgonzs13/yolo_ros


@dataclass
class Mask:
    height: int = 0
    width: int = 0
    data: list = field(default_factory=list)


@dataclass
class Detection:
    class_id: int = 0
    class_name: str = ""
    score: float = 0.0
    id: str = ""
    mask: Mask = field(default_factory=Mask)


@dataclass
class DetectionArray:
    header: Header = field(default_factory=Header)
    detections: list = field(default_factory=list)


def contour(name: str, score: float, *corners: tuple[float, float], id="", size=(24, 32)) -> Detection:
    return Detection(0, name, score, id, Mask(*size, [Point2D(x, y) for x, y in corners]))


def square(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def label_image(labels: np.ndarray, encoding="16UC1"):
    return image_message(labels.astype({"16UC1": np.uint16, "mono8": np.uint8}[encoding]), encoding, HEADER)


# The packages


@pytest.mark.parametrize("instances_type, package", [
    ("labels_and_detections", "vision_msgs"), ("isaac_ros", "vision_msgs"), ("yolo_ros", "yolo_msgs")])
def test_a_missing_package_is_named_with_what_to_do(instances_type, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=rf"'{instances_type}'.*{package}.*(Install|Build).*'labels'"):
        detections_type(instances_type)


@pytest.mark.parametrize("instances_type, package, message", [
    ("labels_and_detections", "vision_msgs", Detection2DArray), ("isaac_ros", "vision_msgs", Detection2DArray),
    ("yolo_ros", "yolo_msgs", DetectionArray)])
def test_only_the_package_that_is_needed_is_imported(instances_type, package, message, monkeypatch):
    for name in ("vision_msgs", "yolo_msgs"):
        monkeypatch.setitem(sys.modules, name, None)
    assert detections_type("labels") is None
    modules = {package: ModuleType(package), f"{package}.msg": ModuleType(f"{package}.msg")}
    setattr(modules[f"{package}.msg"], message.__name__, message)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    assert detections_type(instances_type) is message


# Label image


def test_a_label_image_alone():
    labels = np.zeros((24, 32), int)
    labels[4:10, 4:10] = 300
    said = labelling_of("labels", (label_image(labels),), (24, 32))
    np.testing.assert_array_equal(said.labels, labels)
    assert (said.names, said.scores, said.lasting) == ({}, {}, True)


def test_names_and_scores_come_by_id_and_otherwise_by_box():
    labels = np.zeros((24, 32), int)
    labels[2:12, 2:12], labels[2:12, 20:30], labels[14:22, 2:8] = 7, 9, 11
    boxes = Detection2DArray(detections=[
        detection("cup", 0.75, 0, 0, 1, 1, id="9"),     # by its id, wherever its box is
        detection("bowl", 0.5, 1, 1, 12, 13, id="track_4"),
        detection("ghost", 0.9, 20, 12, 30, 22)])       # on no region
    said = labelling_of("labels_and_detections", (label_image(labels), boxes), (24, 32))
    assert said.names == {9: "cup", 7: "bowl"} and said.scores == {9: 0.75, 7: 0.5}
    assert said.lasting and said.labels.max() == 11


def test_of_two_boxes_on_one_region_the_better_one_names_it():
    labels = np.zeros((24, 32), int)
    labels[2:12, 2:12] = 7
    boxes = Detection2DArray(detections=[detection("rim", 0.9, 2, 2, 12, 8), detection("cup", 0.6, 2, 2, 12, 12)])
    assert labelling_of("labels_and_detections", (label_image(labels), boxes), (24, 32)).names == {7: "cup"}


def test_a_detection_without_hypothesis_names_nothing_and_scores_stay_within_bounds():
    labels = np.full((24, 32), 7)
    nobody = Detection2D(id="7")
    assert labelling_of("labels_and_detections", (label_image(labels), Detection2DArray(detections=[nobody])),
                        (24, 32)).names == {7: ""}
    too_sure = detection("cup", 1.5, id="7")
    sure = Detection2DArray(detections=[too_sure])
    said = labelling_of("labels_and_detections", (label_image(labels), sure), (24, 32))
    assert said.scores == {7: 1.0}


def test_the_box_about_a_turned_one():
    np.testing.assert_allclose(box_of(detection("", 1, 10, 10, 30, 14)), (10, 10, 30, 14))
    np.testing.assert_allclose(box_of(detection("", 1, 10, 10, 30, 14, theta=np.pi / 2)), (18, 2, 22, 22), atol=1e-9)


# Isaac ROS


def test_boxes_part_a_mask_of_classes_into_instances():
    mask = np.zeros((24, 32), int)
    mask[4:20, 2:28] = 2                                # two people side by side, of class 2
    mask[0:2, :] = 5                                    # something that nothing was detected in
    boxes = Detection2DArray(detections=[detection("person", 0.9, 2, 4, 16, 20),
                                         detection("person", 0.8, 14, 4, 28, 20),
                                         detection("dog", 0.7, 0, 21, 5, 24)])      # where the mask says nothing
    said = labelling_of("isaac_ros", (label_image(mask, "mono8"), boxes), (24, 32))
    expected = np.zeros((24, 32), int)
    expected[4:20, 2:15], expected[4:20, 15:28] = 1, 2
    np.testing.assert_array_equal(said.labels, expected)
    assert said.names == {1: "person", 2: "person"} and said.scores == {1: 0.9, 2: 0.8}
    assert not said.lasting, "ids that were counted here mean nothing in the next frame"


def test_a_binary_mask_of_another_resolution_is_scaled_and_ids_are_kept():
    mask = np.zeros((12, 16), int)
    mask[2:6, 2:6] = 255
    boxes = Detection2DArray(detections=[detection("cup", 0.9, 3, 3, 13, 13, id="42")])     # pixels of the image
    said = labelling_of("isaac_ros", (label_image(mask, "mono8"), boxes), (24, 32))
    assert np.argwhere(said.labels == 42).min(0).tolist() == [4, 4]
    assert (said.labels == 42).sum() == 64 and said.names == {42: "cup"} and said.lasting


def test_a_mask_that_was_cut_or_padded_is_refused():
    with pytest.raises(BadFrame, match="mask is 16x16, the image 32x24.*aspect"):
        labelling_of("isaac_ros", (label_image(np.zeros((16, 16)), "mono8"), Detection2DArray()), (24, 32))


def test_boxes_outside_the_picture_are_cut():
    boxes = Detection2DArray(detections=[detection("a", 0.9, -10, -10, 8, 8), detection("b", 0.9, 40, 30, 50, 40)])
    said = labelling_of("isaac_ros", (label_image(np.ones((24, 32)), "mono8"), boxes), (24, 32))
    assert (said.labels > 0).sum() == 64 and said.names == {1: "a"}


# yolo_ros


def test_contours_are_filled_under_the_ids_of_the_tracker():
    sent = DetectionArray(detections=[contour("cup", 0.9, *square(4, 4, 11, 11), id="17"),
                                      contour("table", 0.6, *square(0, 8, 31, 23), id="3")])
    said = labelling_of("yolo_ros", (sent,), (24, 32))
    expected = np.zeros((24, 32), int)
    expected[8:, :], expected[4:12, 4:12] = 3, 17       # the surer on top
    np.testing.assert_array_equal(said.labels, expected)
    assert said.names == {17: "cup", 3: "table"} and said.scores == {17: 0.9, 3: 0.6} and said.lasting


def test_contours_of_another_resolution_are_scaled():
    sent = DetectionArray(detections=[contour("cup", 0.9, *square(8, 8, 22, 22), id="1", size=(48, 64))])
    labels = labelling_of("yolo_ros", (sent,), (24, 32)).labels
    np.testing.assert_array_equal(np.argwhere(labels == 1)[[0, -1]], [[4, 4], [11, 11]])


@pytest.mark.parametrize("ids, expected, lasting", [
    (("", ""), {1, 2}, False), (("5", ""), {5, 1}, False), (("5", "5"), {5, 1}, False), (("x", "0"), {1, 2}, False),
    (("65536", "7"), {1, 7}, True)])
def test_ids_that_are_none_are_counted_and_do_not_last(ids, expected, lasting):
    sent = DetectionArray(detections=[contour("a", 0.5, *square(0, 0, 9, 9), id=ids[0]),
                                      contour("b", 0.6, *square(12, 0, 20, 9), id=ids[1])])
    said = labelling_of("yolo_ros", (sent,), (24, 32))
    assert set(np.unique(said.labels)) - {0} == expected == set(said.names)
    assert said.lasting is lasting


def test_no_detection_is_an_empty_picture_and_detections_without_masks_are_refused():
    assert not labelling_of("yolo_ros", (DetectionArray(),), (24, 32)).labels.any()
    with pytest.raises(BadFrame, match="1 detections and no mask.*-seg"):
        labelling_of("yolo_ros", (DetectionArray(detections=[Detection(class_name="cup")]),), (24, 32))


def test_contours_that_are_no_numbers_or_far_away_do_no_harm():
    far = DetectionArray(detections=[contour("a", 0.5, *square(-1e12, -1e12, 1e12, 1e12))])
    assert (labelling_of("yolo_ros", (far,), (24, 32)).labels == 1).all()
    bad = DetectionArray(detections=[contour("a", 0.5, (np.nan, 0), (1, 1), (2, 0), id="4")])
    with pytest.raises(BadFrame, match="'4'.*not finite"):
        labelling_of("yolo_ros", (bad,), (24, 32))
