# SPDX-License-Identifier: Apache-2.0
"""What a planar laser scanner at the camera's place would measure, of obstacles in a depth image.

The scan lies in the level plane through the camera's centre: x is the camera's line of sight laid into that plane, y is
left, z up, angles count from x to y (REP 103, sensor_msgs/LaserScan). Unlike depthimage_to_laserscan, which takes a few
rows of a level camera, every obstacle in a band of heights counts, and the camera may look down.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def scan(obstacles: np.ndarray, depth_m: np.ndarray, directions: np.ndarray, up: np.ndarray, range_max_m: float) -> Scan:
    """The scan over the camera's field of view at the horizon, a beam per pixel as in the picture's middle.

    obstacles   float32 [N, 3] in the optical frame, as from ground.obstacles
    depth_m     float32 [H, W], for what is seen and what is unknown: +inf is seen, NaN and -inf are unknown. A sparse grid of
                the picture is enough, and makes as much fewer beams
    directions  float32 [H, W, 3], the ray of every pixel, z = 1; NaN where there is none
    up          unit vector, in the optical frame
    raises      ValueError when no pixel has a ray
    """
    axes = level_axes(up).astype(np.float32)
    height, width = depth_m.shape
    pixel = float(np.linalg.norm(np.diff(directions[height // 2, width // 2 - 1:width // 2 + 1], axis=0)))
    rays = directions.reshape(-1, 3) @ axes.T
    there = np.flatnonzero(np.isfinite(rays[:, 0]))
    if not len(there):
        raise ValueError("no pixel has a ray: there is nothing to scan along")
    rays = rays[there]
    slopes = np.abs(rays[:, 2]) / np.hypot(rays[:, 0], rays[:, 1])
    horizon = rays[slopes <= slopes.min() + pixel]
    azimuths = np.arctan2(horizon[:, 1], horizon[:, 0])
    angle_min = float(azimuths.min())
    count = int((float(azimuths.max()) - angle_min) / pixel) + 1

    def beams(points: np.ndarray) -> np.ndarray:
        """Of points [N, 3] in the level frame; `count` for those outside the field of view."""
        number = np.rint((np.arctan2(points[:, 1], points[:, 0]) - angle_min) / pixel).astype(np.intp)
        return np.where((number >= 0) & (number < count), number, count)

    level = obstacles @ axes.T
    distances = np.hypot(level[:, 0], level[:, 1])
    within = distances <= range_max_m
    nearest = np.full(count + 1, np.inf, np.float32)
    np.minimum.at(nearest, beams(level[within]), distances[within])

    beam = beams(rays)
    known = depth_m.ravel().take(there) > 0                             # +inf is, NaN and -inf are not
    seen, all_of_it = (np.bincount(beam, weights, count + 1) for weights in (known, None))
    nearest[np.isinf(nearest) & (seen <= (1 - MOST_UNKNOWN) * all_of_it)] = np.nan
    return Scan(angle_min, pixel, nearest[:count])
