# SPDX-License-Identifier: Apache-2.0
"""From a frame of messages to all that is known of it: decoded, predicted, its instances recognised and related."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modot_ros.prediction import Prediction
from modot_ros.ros.camera import Camera
from modot_ros.ros.convert import rgb_of
from modot_ros.ros.node.labelling import Labelling, labelling_of
from modot_ros.ros.node.outputs import Result
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.sync import ALL, INSTANCES_ONLY, WITHOUT_INSTANCES, Frame, stamp_ns
from modot_ros.scene.instances import validate_labels
from modot_ros.scene.tracking import Tracker

MAX_KEPT = 8                                            # pictures that wait for their labels


@dataclass(frozen=True)
class _Seen:
    """A picture and what a network said of it."""

    rgb: np.ndarray
    camera: Camera
    prediction: Prediction


class Perception:
    """Feed it the frames of one camera. `predictor` has `predict`, `relate`, `boundary_threshold`, `max_instances`."""

    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor
        self.tracker = Tracker()
        self._kept: OrderedDict[int, _Seen] = OrderedDict()

    def result(self, frame: Frame, parts: Collection[str], parameters: Parameters, labels_follow: bool = False
               ) -> Result:
        """What of modot_ros.prediction.PARTS is wanted of a frame.

        labels_follow   instances and order of this frame will be asked for when its labels have come
        Raises BadFrame for messages that cannot be used and ValueError for what the predictor refuses.
        """
        wanted = set(parts)
        related = not wanted.isdisjoint(("instances", "order"))
        needed = wanted - {"order"}
        if "order" in wanted or labels_follow:
            needed |= {"depth", "boundary"}
        if related and parameters.track_instances:
            needed.add("depth")
        if related and frame.labels is None:
            needed.add("instances")
        elif related:
            needed.discard("instances")
        seen = self._kept.pop(stamp_ns(frame.image), None) if frame.purpose == INSTANCES_ONLY else None
        if seen is None or not needed <= _parts_of(seen.prediction):
            seen = self._see(frame, needed, parameters)
        if labels_follow and frame.purpose == WITHOUT_INSTANCES:
            self._kept[stamp_ns(frame.image)] = seen
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        elif frame.purpose == ALL:                      # no labels follow any more
            self._kept.clear()
        prediction = self._relate(frame, seen, "order" in wanted, parameters) if related else seen.prediction
        return Result(frame.image.header, seen.rgb, seen.camera, prediction, parameters)

    def _see(self, frame: Frame, parts: set[str], parameters: Parameters) -> _Seen:
        rgb = rgb_of(frame.image)
        camera = Camera.of(frame.camera_info, rgb.shape[1], rgb.shape[0])
        self.predictor.boundary_threshold = parameters.boundary_threshold
        self.predictor.max_instances = parameters.max_instances
        return _Seen(rgb, camera, self.predictor.predict(rgb, camera.focal_px, parts=parts))

    def _relate(self, frame: Frame, seen: _Seen, ordered: bool, parameters: Parameters) -> Prediction:
        """The prediction with the frame's instances and, when `ordered`, their graph."""
        rgb, prediction = seen.rgb, seen.prediction
        if frame.labels is None:
            said = Labelling(prediction.labels, lasting=False)
        else:
            said = labelling_of(parameters.instances_type, frame.labels, rgb.shape[:2])
            validate_labels(said.labels, rgb.shape[:2], parameters.max_instances)
        labels, names, scores = said.labels, said.names, said.scores
        if parameters.track_instances:
            self.tracker.hidden_timeout_s = parameters.hidden_timeout_s
            labels, lasting = self.tracker.recognise(labels, rgb, prediction.depth, stamp_ns(frame.image) * 1e-9,
                                                     said.lasting)
            names, scores = ({lasting[label]: value for label, value in values.items() if label in lasting}
                             for values in (names, scores))
        if not ordered:
            return replace(prediction, labels=labels)
        prediction = self.predictor.relate(rgb, prediction, labels, names, scores)
        if parameters.track_instances:
            prediction = replace(prediction, graph=self.tracker.remember(prediction.graph))
        return prediction


def _parts_of(prediction: Prediction) -> set[str]:
    values = {"depth": prediction.depth, "boundary": prediction.boundary_mask, "instances": prediction.labels}
    return {part for part, value in values.items() if value is not None}
