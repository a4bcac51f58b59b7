# SPDX-License-Identifier: Apache-2.0
"""From a frame of messages to all that is known of it: decoded, predicted, its instances recognised and related."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from modot_ros.prediction import Prediction
from modot_ros.ros.calibration import Calibration
from modot_ros.ros.camera import Camera
from modot_ros.ros.lasting_frontiers import LastingFrontiers
from modot_ros.ros.messages.convert import rgb_of
from modot_ros.ros.node.health import Health
from modot_ros.ros.node.labelling import Labelling, labelling_of
from modot_ros.ros.node.metres import Metres
from modot_ros.ros.node.outputs import Result
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.sizes import reduced, resized_labels
from modot_ros.ros.node.sync import ALL, INSTANCES_ONLY, WITHOUT_INSTANCES, Frame, stamp_ns
from modot_ros.ros.transforms import Transforms
from modot_ros.scene.instances import validate_labels
from modot_ros.scene.navigation.ground import GroundMemory
from modot_ros.scene.picture_faults import TEXTS, USELESS, PictureWatch
from modot_ros.scene.steady_scale import SteadyScale
from modot_ros.scene.tone import Tone
from modot_ros.scene.tracking import Tracker

DOUBTFUL = 1.0                                          # standard deviation of ln z of pictures that show nothing
MAX_KEPT = 8                                            # pictures that wait for their labels


@dataclass(frozen=True)
class _Seen:
    """A picture at the size that is worked on, and what a network predicts of it."""

    rgb: np.ndarray
    upright: np.ndarray                                 # the picture turned as the network wants it, and so is the prediction
    camera: Camera
    image_camera: Camera                                # of the image as it came
    prediction: Prediction


class Perception:
    """Feed it the frames of one camera.

    predictor   has `predict`, `relate`, `boundary_threshold` and `max_instances`
    rectified   whether the images are; None: when their CameraInfo has no distortion
    turn_deg    how the camera is turned, clockwise as seen in the picture: 0, 90, 180 or 270
    metres      what gives the scale of depth; None: without another sensor
    simulated   time is a simulation's, whose pictures may well stay the same
    lasting     frontiers in a frame that does not move with the camera; None: there is none
    """

    def __init__(self, predictor: Any, rectified: bool | None = None, turn_deg: int = 0, metres: Metres | None = None,
                 simulated: bool = False, lasting: LastingFrontiers | None = None) -> None:
        self.predictor = predictor
        self.rectified = rectified
        self.simulated = simulated
        self.lasting = lasting
        self.quarters = turn_deg // 90                  # counterclockwise, to set the picture upright
        self.tracker = Tracker()
        self._steady = SteadyScale()
        self.ground = GroundMemory()
        self.metres = metres or Metres()
        self.watch = PictureWatch()
        self.picture_fault = ""                         # of TEXTS of scene.picture_faults, when it lasts
        self.left_out = ""                              # said of labels beyond max_instances; empty when there are none
        self._tone = Tone()
        self._kept: OrderedDict[int, _Seen] = OrderedDict()

    def result(self, frame: Frame, parts: Collection[str], parameters: Parameters, later: Collection[str] = ()
               ) -> Result:
        """What of modot_ros.prediction.PARTS is wanted of a frame.

        later   what will be asked of this frame when its labels have come, so that it is predicted once
        Raises BadFrame for messages that cannot be used and ValueError for what the predictor refuses.
        """
        absent = set() if getattr(self.predictor, "has_semantics", False) else {"classes"}
        wanted = set(parts) - absent
        related = not wanted.isdisjoint(("instances", "order"))
        needed = wanted - {"order"}
        if "order" in wanted or later:
            needed |= {"depth", "boundary"} | {"classes"}.intersection(later) - absent
        if related and parameters.track_instances:
            needed.add("depth")
        if related and frame.labels is None:
            needed.add("instances")
        elif related:
            needed.discard("instances")
        seen = self._kept.pop(stamp_ns(frame.image), None) if frame.purpose == INSTANCES_ONLY else None
        if seen is None or not needed <= _parts_of(seen.prediction):
            seen = self._see(frame, needed, parameters)
        if later and frame.purpose == WITHOUT_INSTANCES:
            self._kept[stamp_ns(frame.image)] = seen
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        elif frame.purpose == ALL:                      # no labels follow any more
            self._kept.clear()
        prediction, image_labels = seen.prediction, None
        if related:
            prediction, image_labels = self._relate(frame, seen, "order" in wanted, parameters)
        return Result(header_of(frame.image, parameters.frame_id), seen.rgb, seen.camera, prediction.turned(-self.quarters),
                      parameters, self.ground, seen.image_camera, image_labels, self.metres, frame.image, self.lasting)

    def _see(self, frame: Frame, parts: set[str], parameters: Parameters) -> _Seen:
        image = rgb_of(frame.image, self._tone)
        rgb = reduced(image)
        image_camera, camera = (camera_of(frame.camera_info, picture.shape[1], picture.shape[0], self.rectified)
                                for picture in (image, rgb))
        self.predictor.boundary_threshold = parameters.boundary_threshold
        self.predictor.max_instances = parameters.max_instances
        upright = np.ascontiguousarray(np.rot90(rgb, self.quarters))
        focal_px = None if camera.k is None else float(camera.k[self.quarters % 2, self.quarters % 2])
        prediction = self.predictor.predict(upright, focal_px, parts=parts)
        self.picture_fault = self.watch.fault(rgb, stamp_ns(frame.image) * 1e-9)
        if self.picture_fault and parameters.bad_picture == "mark" and prediction.depth is not None:
            prediction = marked(prediction)
        if parameters.steady_scale and prediction.depth is not None:
            factor = self._steady.factor(upright, prediction.depth, stamp_ns(frame.image) * 1e-9, prediction.log_depth_std)
            prediction = replace(prediction, depth=prediction.depth * np.float32(factor))
        if prediction.depth is not None and prediction.depth_kind == "metric":
            depth = np.rot90(prediction.depth, -self.quarters)
            factor = self.metres.factor(depth, camera, prediction.focal_px, frame.image, parameters)
            if factor != 1.0:
                prediction = replace(prediction, depth=prediction.depth * np.float32(factor))
        return _Seen(rgb, upright, camera, image_camera, prediction)

    def report(self, health: Health, parameters: Parameters, with_depth: bool) -> str:
        """Tell the diagnostics what is wrong with pictures, labels and scale. Returns why clouds, scan and frontiers cannot be
        trusted; empty when they can."""
        fault = self.picture_fault
        stops = fault in USELESS and parameters.bad_picture == "stop" and not (fault == "frozen" and self.simulated)
        health.fail("picture", f"no clouds, scan and frontiers: {TEXTS[fault]}" if stops else "")
        health.warn("picture", TEXTS[fault] if fault and not stops else "")
        health.warn("lasting_frontiers", "" if self.lasting is None else self.lasting.problem)
        health.warn("labels_left_out", self.left_out)
        problem = self.metres.problem(parameters) if with_depth else ""
        health.fail("scale", problem and f"no clouds, scan and frontiers: {problem}")
        return problem or (TEXTS[fault] if stops else "")

    def _largest(self, labels: np.ndarray, most: int) -> np.ndarray:
        """The labels, all but the `most` largest regions made background."""
        areas = np.bincount(np.maximum(labels, 0).ravel())
        areas[0] = 0
        there = int(np.count_nonzero(areas))
        self.left_out = "" if there <= most else (f"{there} labels came and max_instances is {most}: only the largest "
                                                  "are used")
        if there <= most:
            return labels
        kept = np.zeros(len(areas), bool)
        kept[np.argsort(areas, kind="stable")[-most:]] = True
        return np.where(kept[np.maximum(labels, 0)], labels, 0)

    def _relate(self, frame: Frame, seen: _Seen, ordered: bool, parameters: Parameters) -> tuple[Prediction, np.ndarray | None]:
        """The prediction with the frame's instances and, when `ordered`, their graph; labels that came, at the image's size."""
        rgb, prediction, image_labels = seen.upright, seen.prediction, None
        if frame.labels is None:
            said = Labelling(prediction.labels, lasting=False)
        else:
            said = labelling_of(parameters.instances_type, frame.labels, (seen.image_camera.height, seen.image_camera.width))
            image_labels = self._largest(said.labels, parameters.max_instances)
            labels = resized_labels(image_labels, seen.rgb.shape[:2])
            said = replace(said, labels=np.ascontiguousarray(np.rot90(labels, self.quarters)))
            validate_labels(said.labels, rgb.shape[:2], parameters.max_instances)
        labels, names, scores = said.labels, said.names, said.scores
        if parameters.track_instances:
            self.tracker.hidden_timeout_s = parameters.hidden_timeout_s
            labels, lasting = self.tracker.recognise(labels, rgb, prediction.depth, stamp_ns(frame.image) * 1e-9,
                                                     said.lasting)
            names, scores = ({lasting[label]: value for label, value in values.items() if label in lasting}
                             for values in (names, scores))
            if image_labels is not None:
                image_labels = renumbered(image_labels, lasting)
        if not ordered:
            return replace(prediction, labels=labels), image_labels
        prediction = self.predictor.relate(rgb, prediction, labels, names, scores, found=frame.labels is None)
        if parameters.track_instances:
            prediction = replace(prediction, graph=self.tracker.remember(prediction.graph))
        return prediction, image_labels


def lasting_frontiers(parameters: Parameters, transforms: Transforms) -> LastingFrontiers | None:
    """As the parameters have it."""
    if not parameters.frontier_frame_id:
        return None
    transforms.listen()
    return LastingFrontiers(parameters.frontier_frame_id, transforms)


def marked(prediction: Prediction) -> Prediction:
    """With a standard deviation of at least DOUBTFUL everywhere."""
    std = prediction.log_depth_std
    doubtful = np.full(prediction.depth.shape, DOUBTFUL, np.float32)
    return replace(prediction, log_depth_std=doubtful if std is None else np.maximum(std, doubtful))


def header_of(image: Any, frame_id: str) -> Header:
    """Header of the outputs: the image's, with `frame_id` when it is given, and without the slash that tf2 refuses."""
    return Header(stamp=image.header.stamp, frame_id=frame_id or image.header.frame_id.lstrip("/"))


def camera_of(info: CameraInfo | None, width: int, height: int, rectified: bool | None) -> Camera:
    """The camera of an image; one whose message is no calibration at all, as of size 0x0, is a problem, too."""
    try:
        calibration = None if info is None else Calibration.of_message(info)
    except ValueError as error:
        return Camera(width, height, problem=f"CameraInfo can't be used: {error}")
    return Camera.of(calibration, width, height, rectified)


def renumbered(labels: np.ndarray, lasting: dict[int, int]) -> np.ndarray:
    """Labels int32 [H, W] under their lasting ids; those that have none become background."""
    table = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    for label, number in lasting.items():
        if label < len(table):
            table[label] = number
    return table[labels]


def _parts_of(prediction: Prediction) -> set[str]:
    values = {"depth": prediction.depth, "boundary": prediction.boundary_mask, "instances": prediction.labels,
              "classes": prediction.classes}
    return {part for part, value in values.items() if value is not None}
