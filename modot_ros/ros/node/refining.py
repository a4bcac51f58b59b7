# SPDX-License-Identifier: Apache-2.0
"""The service ~/refine_boundaries: boundaries of one of the last pictures, corrected by strokes.

It is answered in the executor's thread: while it computes no image is taken, as with any overload. The network is loaded by the
first call, for most robots never ask.
"""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from modot_ros.msg import Scribble
from modot_ros.ros.messages.convert import image_message, rgb_of
from modot_ros.scene.strokes import RADIUS_PX, Stroke
from modot_ros.scene.suppression import PREVIOUS_THRESHOLD

MOST_KEPT = 30                                          # pictures; a second of a 30 Hz camera
MOST_KEPT_BYTES = 32_000_000                            # of them: 30 pictures of 640x480, one of 3840x2160


def make_refiner(parameters: Any) -> Any:
    """Imported only here: torch takes seconds, and tests bring one of their own."""
    from modot_ros.predictor import Predictor
    return Predictor("scribble_nano", None, parameters.device, parameters.precision)


class Refining:
    """The last pictures of one camera, by stamp, and the network that corrects their boundaries.

    refuse: called for why nothing is answered at present; empty when all is well.
    """

    def __init__(self, parameters: Callable[[], Any], refuse: Callable[[], str]) -> None:
        self._parameters, self._refuse = parameters, refuse
        self._pictures: OrderedDict[tuple[int, int], Image | CompressedImage] = OrderedDict()
        self._kept_bytes = 0
        self._refiner: Any = None

    def keep(self, message: Image | CompressedImage) -> None:
        """Remember a picture, and forget the oldest ones of too many or too much; the last one always stays."""
        stamp = message.header.stamp.sec, message.header.stamp.nanosec
        self._forget(stamp)
        self._pictures[stamp] = message
        self._kept_bytes += len(message.data)
        while len(self._pictures) > 1 and (len(self._pictures) > MOST_KEPT or self._kept_bytes > MOST_KEPT_BYTES):
            self._forget(next(iter(self._pictures)))

    def _forget(self, stamp: tuple[int, int]) -> None:
        if stamp in self._pictures:
            self._kept_bytes -= len(self._pictures.pop(stamp).data)

    def forget(self) -> None:
        """Pictures and network."""
        self._pictures.clear()
        self._kept_bytes, self._refiner = 0, None

    def answer(self, request: Any, response: Any) -> Any:
        """The service's callback; what can't be answered is refused with the reason."""
        try:
            if reason := self._refuse():
                raise ValueError(reason)
            self._fill(request, response)
        except Exception as error:                      # the node never dies of a call
            response.success = False
            response.reason = str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}"
        return response

    def _fill(self, request: Any, response: Any) -> None:
        picture = request.image
        if not picture.width and not picture.height:
            stamp = request.stamp.sec, request.stamp.nanosec
            if stamp not in self._pictures:
                raise ValueError(f"no picture of stamp {stamp[0]}.{stamp[1]:09d} is kept: {self._kept()}")
            picture = self._pictures[stamp]
        threshold = request.threshold or PREVIOUS_THRESHOLD
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold is {threshold}: must be above 0 and at most 1")
        strokes = [stroke_of(number, scribble) for number, scribble in enumerate(request.scribbles, start=1)]
        rgb = rgb_of(picture)
        if self._refiner is None:
            self._refiner = make_refiner(self._parameters())
        self._refiner.boundary_threshold = threshold
        found = first = self._refiner.refine(rgb)
        if strokes:
            found = self._refiner.refine(rgb, strokes, first.boundary_probability)
        response.probability = image_message(found.boundary_probability.astype(np.float32), "32FC1", picture.header)
        response.mask = image_message(found.boundary_mask.astype(np.uint8) * 255, "mono8", picture.header)
        response.changed_px = int(np.count_nonzero(found.boundary_mask != first.boundary_mask))
        response.success = True

    def _kept(self) -> str:
        if not self._pictures:
            return "none has come since the node was activated"
        (first, last), count = (list(self._pictures)[k] for k in (0, -1)), len(self._pictures)
        return f"there are {count} of {first[0]}.{first[1]:09d} to {last[0]}.{last[1]:09d}"


def stroke_of(number: int, scribble: Scribble) -> Stroke:
    """Raises ValueError, naming the scribble by its number, when it has not as many u as v; `refine` checks all else."""
    if len(scribble.u_px) != len(scribble.v_px):
        raise ValueError(f"scribble {number}: {len(scribble.u_px)} u_px and {len(scribble.v_px)} v_px: must be as many")
    points = np.stack([np.asarray(scribble.u_px, float), np.asarray(scribble.v_px, float)], axis=1)
    return Stroke(scribble.kind, points, int(scribble.radius_px) or RADIUS_PX)
