# SPDX-License-Identifier: Apache-2.0
"""What a planar laser scanner at the camera's place would measure, of a depth image and the floor in it.

The scan lies in the level plane through the camera's centre: x is the camera's line of sight laid into that plane, y is
left, z up, angles count from x to y (REP 103, sensor_msgs/LaserScan). Unlike depthimage_to_laserscan, which takes a few
rows of a level camera, every obstacle in a band of heights counts, and the camera may look down.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modot_ros.scene.ground import UP, Ground, nearest_of_blocks, obstacles

MOST_UNKNOWN = 0.5                      # a beam with a larger share of unknown pixels is unknown, unless it hits something


@dataclass(frozen=True)
class Scan:
    """Beam i looks along angle_min + i * angle_increment, radians.

    ranges_m  float32 [N]: distance of the nearest obstacle in the level plane; +inf: seen, and nothing there; NaN: unknown
    """

    angle_min: float
    angle_increment: float
    ranges_m: np.ndarray

    @property
    def angle_max(self) -> float:
        return self.angle_min + (len(self.ranges_m) - 1) * self.angle_increment


def level_axes(up: np.ndarray) -> np.ndarray:
    """float64 [3, 3], rows forward, left and up of the level frame, in the optical frame. ValueError for a camera that looks
    straight up or down."""
    up = np.asarray(up, np.float64)
    forward = np.array([0.0, 0.0, 1.0]) - up[2] * up
    length = np.linalg.norm(forward)
    if length < 1e-3:
        raise ValueError(f"up is {up}: a camera that looks along it has no level line of sight")
    return np.stack([forward / length, np.cross(up, forward / length), up])


def scan(depth_m: np.ndarray, rays: np.ndarray, ground: Ground | None, min_height_m: float, max_height_m: float,
         range_max_m: float, stride_px: int = 1) -> Scan:
    """The scan over the camera's field of view, a beam per `stride_px` columns where these are widest.

    depth_m   float32 [H, W]; +inf is free, NaN and -inf are unknown
    rays      float32 [H, W, 3], the ray of every pixel, z = 1
    ground    the floor; without one every point counts, whatever its height, and the camera is taken to be level
    heights   above the floor, as in ground.obstacles
    """
    axes = level_axes(UP if ground is None else ground.normal).astype(np.float32)
    column = rays[:, depth_m.shape[1] // 2] @ axes.T
    row = rays[np.abs(column[:, 2]).argmin(), stride_px // 2::stride_px] @ axes.T   # the horizon's, or the nearest to it
    azimuths = np.arctan2(row[:, 1], row[:, 0])                         # fall from left to right
    increment = float(np.abs(np.diff(azimuths)).max(initial=1e-3))
    angle_min = float(azimuths[-1])
    count = max(1, int((float(azimuths[0]) - angle_min) / increment) + 1)
    flat = rays.reshape(-1, 3)

    def beams(points: np.ndarray) -> np.ndarray:
        """Of points [N, 3] in the level frame; `count` for those outside the field of view."""
        number = np.rint((np.arctan2(points[:, 1], points[:, 0]) - angle_min) / increment).astype(np.intp)
        return np.where((number >= 0) & (number < count), number, count)

    at = nearest_of_blocks(depth_m, stride_px)
    points = flat.take(at, axis=0) * depth_m.take(at)[:, None]
    if ground is not None:
        points = points[obstacles(points, ground, min_height_m, max_height_m)]
    level = points @ axes.T
    distances = np.hypot(level[:, 0], level[:, 1])
    within = (distances <= range_max_m) & (distances > 0)
    nearest = np.full(count + 1, np.inf, np.float32)
    np.minimum.at(nearest, beams(level[within]), distances[within])

    looked_at = np.s_[stride_px // 2::stride_px, stride_px // 2::stride_px]
    beam = beams(rays[looked_at].reshape(-1, 3) @ axes.T)
    known = (depth_m[looked_at] > 0).ravel()                            # +inf is, NaN and -inf are not
    seen, all_of_it = (np.bincount(beam, weights, count + 1) for weights in (known, None))
    nearest[np.isinf(nearest) & (seen <= (1 - MOST_UNKNOWN) * all_of_it)] = np.nan
    return Scan(angle_min, increment, nearest[:count])
