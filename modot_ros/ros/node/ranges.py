# SPDX-License-Identifier: Apache-2.0
"""Ranges of another sensor beside the camera, as points in the camera's optical frame.

    laser_scan   sensor_msgs/LaserScan
    depth_image  sensor_msgs/Image of a depth camera, 16UC1 millimetres or 32FC1 metres; one in the image's own frame is taken as
                 aligned to it, any other needs its CameraInfo on `range_camera_info`
    single       sensor_msgs/Range, of a time-of-flight or ultrasonic sensor
"""
from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image, LaserScan, Range

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.camera import Camera
from modot_ros.ros.messages.convert import BadFrame, check_image, pixels
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.sync import stamp_ns
from modot_ros.ros.transforms import Transforms, mount, moved
from modot_ros.scene.geometry import points
from modot_ros.scene.navigation.depth_fusion import depth_of_points, resized_sensor
from modot_ros.scene.navigation.range_scale import MOST_POINTS, points_of_cone, points_of_scan

TYPES = {"laser_scan": LaserScan, "depth_image": Image, "single": Range}
DEPTH_ENCODINGS = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}
MOST_KEPT = 10                                          # messages, of which that of an image's time is taken


@dataclass(frozen=True)
class Ranges:
    """points_m float64 [N, 3] in the camera's optical frame; `cone`: where the one range of a single sensor may be."""

    points_m: np.ndarray
    cone: bool = False


class RangeSensor:
    """Fed by callbacks, read by the worker. `problem`: why the last frame had no ranges; empty when it had.

    range_type  one of TYPES; mount_text: as `transforms.mount`, empty = by `transforms`
    """

    def __init__(self, range_type: str, mount_text: str, transforms: Transforms) -> None:
        self.problem = ""
        self._type, self._transforms = range_type, transforms
        self._mount = mount(mount_text) if mount_text else None
        self._lock = threading.Lock()
        self._kept: deque[Any] = deque(maxlen=MOST_KEPT)
        self._info: CameraInfo | None = None

    def topics(self) -> list[tuple[type, str, Any]]:
        """Type, topic and callback of what is to be subscribed."""
        more = [(CameraInfo, "range_camera_info", self.receive_info)] if self._type == "depth_image" else []
        return [(TYPES[self._type], "range", self.receive), *more]

    def receive(self, message: Any) -> None:
        with self._lock:
            self._kept.append(message)

    def receive_info(self, message: CameraInfo) -> None:
        self._info = message

    def nearest(self, time_ns: int, max_age_s: float) -> Any:
        """The message nearest in time; None when none is within `max_age_s`, and then `problem` says so."""
        with self._lock:
            kept = list(self._kept)
        best = min(kept, key=lambda message: abs(stamp_ns(message) - time_ns), default=None)
        apart_s = float("inf") if best is None else abs(stamp_ns(best) - time_ns) * 1e-9
        if apart_s > max_age_s:
            self.problem = "nothing has come on 'range'" if best is None else (
                f"what comes on 'range' is {apart_s:.2f} s away from the image, range_max_age_s is {max_age_s:g}")
            return None
        self.problem = ""
        return best

    def _to_camera(self, message: Any, image_frame: str) -> np.ndarray | None:
        """What takes its points to the camera's optical frame; None when that is not known."""
        if self._mount is not None:
            return self._mount
        frame = message.header.frame_id.lstrip("/")
        if frame == image_frame:
            return np.eye(4)
        found = self._transforms.lookup(image_frame, frame)
        if found is None:
            self.problem = f"{self._transforms.problem}. Give range_mount"
        return found

    def _is_aligned(self, message: Any, image_frame: str) -> bool:
        return self._mount is None and message.header.frame_id.lstrip("/") == image_frame

    def ranges(self, image: Any, max_age_s: float, camera: Camera, focal_px: float) -> Ranges | None:
        """Of the time of `image`, the message, whose camera is given. None, with `problem`, when there are none."""
        message, image_frame = self.nearest(stamp_ns(image), max_age_s), image.header.frame_id.lstrip("/")
        if message is None:
            return None
        if self._type == "depth_image":
            found = self._points_of_depth(message, image_frame, camera, focal_px)
            return None if found is None else Ranges(found[np.linspace(0, len(found) - 1, min(len(found), MOST_POINTS)
                                                                      ).astype(np.intp)])
        to_camera = self._to_camera(message, image_frame)
        if to_camera is None:
            return None
        if self._type == "laser_scan":
            return Ranges(moved(to_camera, points_of_scan(message.ranges, message.angle_min, message.angle_increment,
                                                          message.range_min, message.range_max)))
        if not (np.isfinite(message.range) and message.min_range <= message.range <= message.max_range
                and message.min_range < message.max_range):
            self.problem = f"range is {message.range}: outside {message.min_range} to {message.max_range} m"
            return None
        return Ranges(moved(to_camera, points_of_cone(message.range, message.field_of_view)), cone=True)

    def _points_of_depth(self, message: Image, image_frame: str, camera: Camera, focal_px: float) -> np.ndarray | None:
        try:
            depth_m = depth_of_message(message)
        except BadFrame as error:
            self.problem = f"depth on 'range': {error}"
            return None
        height, width = depth_m.shape
        if self._is_aligned(message, image_frame):
            depth_m = resized_sensor(depth_m, (camera.height, camera.width))
            return points(depth_m, camera.rays(focal_px), depth_m > 0).astype(np.float64)
        if self._info is None:
            self.problem = "depth on 'range' is of another frame than the image: its CameraInfo is needed on 'range_camera_info'"
            return None
        try:
            own = Camera.of(Calibration.of_message(self._info), width, height)
            wrong = own.problem or own.no_rays or ("it is empty" if own.k is None else "")
        except ValueError as error:                     # of a size that no picture has: the frame goes on without ranges
            wrong = str(error)
        if wrong:
            self.problem = f"calibration on 'range_camera_info' can't be used: {wrong}"
            return None
        to_camera = self._to_camera(message, image_frame)
        return None if to_camera is None else moved(to_camera, points(depth_m, own.rays(0.0), depth_m > 0).astype(np.float64))

    def depth(self, image: Any, max_age_s: float, camera: Camera, focal_px: float) -> np.ndarray | None:
        """A depth camera's depth in the image's pixels, float32 [H, W] metres, NaN where it has none; None as in `ranges`."""
        message, image_frame = self.nearest(stamp_ns(image), max_age_s), image.header.frame_id.lstrip("/")
        if message is None:
            return None
        if self._is_aligned(message, image_frame):
            try:
                return resized_sensor(depth_of_message(message), (camera.height, camera.width))
            except BadFrame as error:
                self.problem = f"depth on 'range': {error}"
                return None
        found = self._points_of_depth(message, image_frame, camera, focal_px)
        if found is None:
            return None
        return depth_of_points(found, camera.pixels(found, focal_px), (camera.height, camera.width))


def range_sensor(parameters: Parameters, transforms: Transforms) -> RangeSensor | None:
    """The one that the parameters name; None without."""
    if parameters.range_type == "none":
        return None
    if not parameters.range_mount:
        transforms.listen()
    return RangeSensor(parameters.range_type, parameters.range_mount, transforms)


def depth_of_message(message: Image) -> np.ndarray:
    """float32 [H, W] metres, NaN where there is none, of 16UC1 millimetres or 32FC1 metres. Raises BadFrame."""
    check_image(message, DEPTH_ENCODINGS)
    values = pixels(message, DEPTH_ENCODINGS[message.encoding])
    depth_m = values.astype(np.float32)
    if message.encoding != "32FC1":
        depth_m *= np.float32(1e-3)
    return np.where(depth_m > 0, depth_m, np.float32(np.nan))
