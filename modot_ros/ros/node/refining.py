# SPDX-License-Identifier: Apache-2.0
"""The service ~/refine_boundaries: boundaries of one of the last pictures, corrected by strokes.

It is answered in a thread of its own, so that frames go on while it computes. rclpy binds a service to the executor of its node,
and a callback that awaits would keep that executor busy; so the service belongs to a hidden node with an executor in that thread,
as the listener of tf2_ros does it. The network is loaded by the first call, for most robots never ask.
"""
from __future__ import annotations

import atexit
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from modot_ros.msg import Scribble
from modot_ros.ros.messages.convert import image_message, rgb_of
from modot_ros.scene.strokes import RADIUS_PX, Stroke
from modot_ros.scene.suppression import PREVIOUS_THRESHOLD
from modot_ros.srv import RefineBoundaries

MOST_KEPT = 30                                          # pictures; a second of a 30 Hz camera
MOST_KEPT_BYTES = 32_000_000                            # of them: 30 pictures of 640x480, one of 3840x2160


def make_refiner(parameters: Any) -> Any:
    """Imported only here: torch takes seconds, and tests bring one of their own."""
    from modot_ros.predictor import Predictor
    return Predictor("scribble_nano", None, parameters.device, parameters.precision)


class Refining:
    """The last pictures of one camera, by stamp, and the network that corrects their boundaries. Any thread keeps and forgets
    pictures, one answers.

    refuse: called for why nothing is answered at present; empty when all is well.
    """

    def __init__(self, parameters: Callable[[], Any], refuse: Callable[[], str]) -> None:
        self._parameters, self._refuse = parameters, refuse
        self._pictures: OrderedDict[tuple[int, int], Image | CompressedImage] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()                   # of the pictures
        self._refiner: Any = None

    def keep(self, message: Image | CompressedImage) -> None:
        """Remember a picture, and forget the oldest ones of too many or too much; the last one always stays."""
        stamp = message.header.stamp.sec, message.header.stamp.nanosec
        with self._lock:
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
        with self._lock:
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
            with self._lock:
                if stamp not in self._pictures:
                    raise ValueError(f"no picture of stamp {stamp[0]}.{stamp[1]:09d} is kept: {self._kept()}")
                picture = self._pictures[stamp]
        threshold = request.threshold or PREVIOUS_THRESHOLD
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold is {threshold}: must be above 0 and at most 1")
        strokes = [stroke_of(number, scribble) for number, scribble in enumerate(request.scribbles, start=1)]
        rgb = rgb_of(picture)
        refiner = self._refiner or make_refiner(self._parameters())
        refiner.boundary_threshold = threshold
        found = first = refiner.refine(rgb)
        if strokes:
            found = refiner.refine(rgb, strokes, first.boundary_probability)
        if not self._refuse():                          # the node may have been cleaned up meanwhile
            self._refiner = refiner
        response.probability = image_message(found.boundary_probability.astype(np.float32), "32FC1", picture.header)
        response.mask = image_message(found.boundary_mask.astype(np.uint8) * 255, "mono8", picture.header)
        response.changed_px = int(np.count_nonzero(found.boundary_mask != first.boundary_mask))
        response.success = True

    def _kept(self) -> str:
        if not self._pictures:
            return "none has come since the node was activated"
        (first, last), count = (list(self._pictures)[k] for k in (0, -1)), len(self._pictures)
        return f"there are {count} of {first[0]}.{first[1]:09d} to {last[0]}.{last[1]:09d}"


class RefiningThread:
    """Runs the service of `node` from its making to `stop`. answer: the service's callback."""

    def __init__(self, node: Node, answer: Callable[[Any, Any], Any]) -> None:
        # a leading underscore hides it from `ros2 node list`; the service has the name that `node` gives it, remapped or not
        self._node = rclpy.create_node(f"_{node.get_name()}_refining", namespace=node.get_namespace(), context=node.context,
                                       use_global_arguments=False, enable_rosout=False, start_parameter_services=False,
                                       parameter_overrides=[rclpy.Parameter("start_type_description_service", value=False)])
        self._node.create_service(RefineBoundaries, node.resolve_service_name("~/refine_boundaries"), answer)
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(self._node)
        # a program that never destroys its node must end all the same, and not while the thread waits in C++
        atexit.register(self.stop)
        self._thread = threading.Thread(target=self._spin, name="modot refining", daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass
        self._node.destroy_node()

    def stop(self, timeout_s: float = 1.0) -> None:
        """No call is taken any more; so long is waited for the one that is worked on, and it is not answered later."""
        atexit.unregister(self.stop)
        self._executor.shutdown(timeout_sec=0)
        self._thread.join(timeout_s)


def stroke_of(number: int, scribble: Scribble) -> Stroke:
    """Raises ValueError, naming the scribble by its number, when it has not as many u as v; `refine` checks all else."""
    if len(scribble.u_px) != len(scribble.v_px):
        raise ValueError(f"scribble {number}: {len(scribble.u_px)} u_px and {len(scribble.v_px)} v_px: must be as many")
    points = np.stack([np.asarray(scribble.u_px, float), np.asarray(scribble.v_px, float)], axis=1)
    return Stroke(scribble.kind, points, int(scribble.radius_px) or RADIUS_PX)
