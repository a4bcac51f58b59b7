# SPDX-License-Identifier: Apache-2.0
"""Transforms between frames: tf2 where it is installed, and mounts that a parameter gives. As float64 [4, 4] matrices.

tf2_ros is part of every ROS distribution; ROS from wheels lacks it, and then no transform is ever known.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# From a camera's body, x forward, y left, z up, to its optical frame, x right, y down, z forward (REP 103).
OPTICAL_OF_BODY = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])


def matrix_of_quaternion(x: float, y: float, z: float, w: float) -> np.ndarray:
    """float64 [3, 3] of a quaternion, which need not be normalised. Raises ValueError for one that is zero or not finite."""
    length = x * x + y * y + z * z + w * w
    if not (np.isfinite(length) and length > 1e-12):
        raise ValueError(f"quaternion is ({x}, {y}, {z}, {w}): it must be finite and not zero")
    s = 2 / length
    return np.array([[1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
                     [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
                     [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)]])


def matrix_of_message(transform: Any) -> np.ndarray:
    """Of a geometry_msgs/Transform: what takes points of the child frame to the parent. Raises ValueError, as above."""
    matrix, at = np.eye(4), transform.translation
    matrix[:3, :3] = matrix_of_quaternion(transform.rotation.x, transform.rotation.y, transform.rotation.z, transform.rotation.w)
    matrix[:3, 3] = at.x, at.y, at.z
    return matrix


def mount(text: str) -> np.ndarray:
    """What takes points of a sensor's frame to the camera's optical frame, of "x y z roll pitch yaw" in metres and degrees:
    where the sensor's frame is as seen from the camera's body (x forward, y left, z up). Raises ValueError for other texts."""
    try:
        x, y, z, *angles = (float(word) for word in text.split())
        roll, pitch, yaw = np.radians(angles)
        if not np.isfinite([x, y, z, roll, pitch, yaw]).all():
            raise ValueError
    except ValueError:
        raise ValueError(f"mount is {text!r}: it must be six numbers, x y z in metres and roll pitch yaw in degrees") from None
    matrix = np.eye(4)
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(angle), np.sin(angle)) for angle in (roll, pitch, yaw))
    matrix[:3, :3] = [[cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
                      [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr], [-sp, cp * sr, cp * cr]]
    matrix[:3, 3] = x, y, z
    return OPTICAL_OF_BODY @ matrix


def moved(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [N, 3] taken to the other frame."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def points_up(frame: str, parents: Mapping[str, tuple[str, np.ndarray]]) -> bool:
    """Whether z of a frame points up, as that of a camera's body does, and not forward, as that of its pictures.

    parents  by frame: its parent, and what takes its points there. Up is z of the last frame that they lead to; False for a
             frame without parent
    """
    z, seen = np.array([0.0, 0, 1]), {frame}
    while frame in parents:
        frame, matrix = parents[frame]
        z = matrix[:3, :3] @ z
        if frame in seen:                               # frames in a circle have no up
            return False
        seen.add(frame)
    return len(seen) > 1 and bool(z[2] > np.cos(np.radians(30)))


class Transforms:
    """What tf2 knows, from `listen` on. `problem`: why the last transform was not known; empty when it was."""

    def __init__(self, node: Any) -> None:
        self.problem = ""
        self._node, self._buffer, self._listener = node, None, None

    def listen(self) -> None:
        """Subscribe to tf, once. Without tf2 nothing is ever known, and `problem` says why."""
        if self._buffer is not None:
            return
        try:
            from tf2_ros import Buffer, TransformListener
        except ImportError as error:
            self.problem = f"tf2_ros cannot be imported ({error}); it comes with a ROS distribution"
            return
        self._buffer = Buffer()
        self._listener = TransformListener(self._buffer, self._node)

    def lookup(self, target: str, source: str, stamp: Any = None, timeout_s: float = 0.0) -> np.ndarray | None:
        """What takes points of frame `source` to frame `target`; None while it is not known.

        stamp      builtin_interfaces/Time; None: the newest, as for what is fixed to one body
        timeout_s  waits so long for it; never in the executor's thread, which must receive it
        """
        if target == source:
            return np.eye(4)
        if self._buffer is None:
            return None
        from rclpy.duration import Duration
        from rclpy.time import Time
        try:
            time = Time() if stamp is None else Time.from_msg(stamp)
            found = self._buffer.lookup_transform(target, source, time, Duration(seconds=timeout_s))
            self.problem = ""
            return matrix_of_message(found.transform)
        except Exception as error:                      # tf2's exceptions have no base class of their own
            self.problem = f"no transform from {source!r} to {target!r}: {error}"
            return None
