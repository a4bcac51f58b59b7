# SPDX-License-Identifier: Apache-2.0
"""Which instances there are, by what robots run for it: label images, vision_msgs, yolo_ros and Isaac ROS.

The message packages vision_msgs and yolo_msgs are imported here and only when they are asked for.

    labels                  a label image; its values are the ids
    labels_and_detections   the same, and a vision_msgs/Detection2DArray of its stamp for names and scores
    isaac_ros               a mask of classes (U-NET, SegFormer) or of one class (Segment Anything), of any resolution,
                            and a vision_msgs/Detection2DArray of its stamp whose boxes part it into instances
    yolo_ros                yolo_msgs/DetectionArray with masks, of mgonzs13/yolo_ros with a "-seg" model
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from sensor_msgs.msg import Image

from modot_ros.ros.messages.convert import BadFrame, labels_of

# Type of instances -> whether an image on `instances` and detections on `detections` say them.
TYPES = {"labels": (True, False), "labels_and_detections": (True, True), "isaac_ros": (True, True),
         "yolo_ros": (False, True)}
MAX_ID = 65535
SAME_BOX = 0.5                                          # IoU from which a detection is meant to be a region
SAME_ASPECT = 0.02                                      # relative difference up to which a mask is only scaled


@dataclass(frozen=True)
class Labelling:
    """The instances of one picture. `lasting`: whoever sent them tracks, so that ids mean the same in every frame."""

    labels: np.ndarray                                  # int32 [H, W], 0 = background
    names: dict[int, str] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    lasting: bool = True


def detections_type(instances_type: str) -> type | None:
    """The message on `detections`, None when there is none. Raises ValueError when its package is not installed."""
    if not TYPES[instances_type][1]:
        return None
    package = "yolo_msgs" if instances_type == "yolo_ros" else "vision_msgs"
    try:
        if package == "yolo_msgs":
            from yolo_msgs.msg import DetectionArray
            return DetectionArray
        from vision_msgs.msg import Detection2DArray
        return Detection2DArray
    except ImportError as error:
        raise ValueError(f"instances_type is {instances_type!r}: it needs the messages of {package}, which cannot be "
                         f"imported ({error}). {INSTALL[package]}") from error


INSTALL = {
    "vision_msgs": "Install ros-$ROS_DISTRO-vision-msgs, or choose instances_type 'labels'",
    "yolo_msgs": "Build yolo_msgs of github.com/mgonzs13/yolo_ros in this workspace, or choose instances_type 'labels'",
}


def labelling_of(instances_type: str, messages: tuple[Any, ...], shape: tuple[int, int]) -> Labelling:
    """messages: what came of one stamp, image before detections; shape (H, W) of the picture. Raises BadFrame."""
    if instances_type == "labels":
        return Labelling(labels_of(messages[0], shape))
    if instances_type == "labels_and_detections":
        return named(labels_of(messages[0], shape), messages[1].detections)
    if instances_type == "isaac_ros":
        return parted(mask_of(messages[0], shape), messages[1].detections)
    return rasterised(messages[0].detections, shape)


def named(labels: np.ndarray, detections: Iterable[Any]) -> Labelling:
    """Labels with the names and scores of vision_msgs/Detection2D.

    A detection whose id is a label is that region; others are the regions whose boxes fit theirs best.
    """
    present = np.flatnonzero(np.bincount(np.maximum(labels, 0).ravel())[1:]) + 1
    known, unknown = {}, []
    for detection in detections:
        number = _number(detection.id)
        if number in present and number not in known:
            known[number] = detection
        else:
            unknown.append(detection)
    left = [number for number in present.tolist() if number not in known]
    if left and unknown:
        boxes = np.array([cv2.boundingRect((labels == number).view(np.uint8)) for number in left], float)
        boxes[:, 2:] += boxes[:, :2]
        iou = _iou(boxes, np.array([box_of(detection) for detection in unknown]))
        for row, column in zip(*linear_sum_assignment(iou, maximize=True)):
            if iou[row, column] >= SAME_BOX:
                known[left[row]] = unknown[column]
    names, scores = {}, {}
    for number, detection in known.items():
        names[number], scores[number] = best_of(detection)
    return Labelling(labels, names, scores)


def mask_of(message: Image, shape: tuple[int, int]) -> np.ndarray:
    """int32 [H, W] of a mask of classes, brought to the picture's size. Raises BadFrame when it was cut or padded."""
    mask = labels_of(message, (message.height, message.width))
    height, width = shape
    if abs(message.width * height / (message.height * width) - 1) > SAME_ASPECT:
        raise BadFrame("labels", f"mask is {message.width}x{message.height}, the image {width}x{height}: they must "
                       "have one aspect, so that only the scale differs")
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def parted(mask: np.ndarray, detections: Iterable[Any]) -> Labelling:
    """The instances of a mask of classes: in every box of vision_msgs/Detection2D the pixels of its commonest class.

    Where boxes share pixels of a class, these belong to the box whose middle is nearer, measured by its size. What lies
    in no box is background: classes alone part no instances.

    mask   int32 [H, W], 0 = background, of the picture's size, whose pixels the boxes are in, too
    """
    height, width = mask.shape
    labels, nearest = np.zeros(mask.shape, np.int32), np.full(mask.shape, np.inf, np.float32)
    detections = list(detections)
    ids, lasting = _ids([detection.id for detection in detections])
    names, scores = {}, {}
    for number, detection in zip(ids, detections):
        box = box_of(detection)
        left, top, right, bottom = np.clip(np.rint(box), 0, (width, height, width, height)).astype(int)
        classes = np.bincount(np.maximum(mask[top:bottom, left:right], 0).ravel(), minlength=1)
        classes[0] = 0
        if not classes.any():
            continue
        across = (np.arange(left, right) + 0.5 - (box[0] + box[2]) / 2) / max(box[2] - box[0], 1)
        down = (np.arange(top, bottom) + 0.5 - (box[1] + box[3]) / 2) / max(box[3] - box[1], 1)
        away = np.hypot(across, down[:, None]).astype(np.float32)
        here = np.s_[top:bottom, left:right]
        mine = (mask[here] == classes.argmax()) & (away < nearest[here])
        labels[here][mine], nearest[here][mine] = number, away[mine]
        names[number], scores[number] = best_of(detection)
    return Labelling(labels, names, scores, lasting)


def rasterised(detections: Iterable[Any], shape: tuple[int, int]) -> Labelling:
    """The contours of yolo_msgs/Detection, filled; the surer lies on top. Ids are those of yolo_ros's tracking node.

    Raises BadFrame when there are detections and none has a mask.
    """
    detections = list(detections)
    masked = sorted((one for one in detections if len(one.mask.data) >= 3), key=lambda one: one.score)
    if detections and not masked:
        raise BadFrame("labels", f"{len(detections)} detections and no mask: yolo_ros sends masks with a "
                       "segmentation model, one whose name ends in -seg")
    labels = np.zeros(shape, np.int32)
    ids, lasting = _ids([detection.id for detection in masked])
    names, scores = {}, {}
    for number, detection in zip(ids, masked):
        contour = np.array([(point.x, point.y) for point in detection.mask.data], float)
        contour *= (shape[1] / (detection.mask.width or shape[1]), shape[0] / (detection.mask.height or shape[0]))
        if not np.isfinite(contour).all():
            raise BadFrame("labels", f"mask of detection {detection.id!r} has points that are not finite")
        cv2.fillPoly(labels, [np.clip(np.rint(contour), -1, 2 * max(shape)).astype(np.int32)], number)
        names[number], scores[number] = detection.class_name, _share(detection.score)
    return Labelling(labels, names, scores, lasting)


def box_of(detection: Any) -> np.ndarray:
    """float64 [4]: left, top, right, bottom of a vision_msgs/Detection2D in pixels; of the box about a turned one."""
    centre, theta = detection.bbox.center.position, detection.bbox.center.theta
    size = np.abs(np.array([[np.cos(theta), np.sin(theta)], [np.sin(theta), np.cos(theta)]]))
    half = size @ (detection.bbox.size_x, detection.bbox.size_y) / 2
    return np.array([centre.x - half[0], centre.y - half[1], centre.x + half[0], centre.y + half[1]])


def best_of(detection: Any) -> tuple[str, float]:
    """Class and score of a vision_msgs/Detection2D; "" and 1 when it has no hypothesis."""
    if not detection.results:
        return "", 1.0
    best = max((result.hypothesis for result in detection.results), key=lambda one: one.score)
    return best.class_id, _share(best.score)


def _share(score: float) -> float:
    return min(max(float(score), 0.0), 1.0)


def _number(text: str) -> int:
    """The id that a text says, 0 for none. Trackers count on for ever, labels begin anew after MAX_ID."""
    return (int(text) - 1) % MAX_ID + 1 if text.isdecimal() and int(text) > 0 else 0


def _ids(texts: list[str]) -> tuple[list[int], bool]:
    """An id per detection, none twice, and whether they all are those that the texts say."""
    ids = [_number(text) for text in texts]
    taken = {number for number in ids if number}
    lasting = bool(ids) and len(taken) == len(ids)
    free = (number for number in range(1, MAX_ID + 1) if number not in taken)
    seen: set[int] = set()
    for place, number in enumerate(ids):
        if not number or number in seen:
            ids[place] = next(free)
        seen.add(number)
    return ids, lasting


def _iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64 [n, m] of boxes [n, 4] and [m, 4]: left, top, right, bottom."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    sizes = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (a, b))
    return common / np.maximum(np.add.outer(*sizes) - common, 1e-9)
