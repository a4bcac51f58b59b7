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


def field_of_view(directions: np.ndarray, up: np.ndarray) -> tuple[float, float, int]:
    """Lowest azimuth and angle from beam to beam, in radians, and count of beams: one per pixel as in the picture's middle,
    over what the camera sees at the horizon, or nearest to it.

    directions  float32 [H, W, 3], the ray of every pixel, z = 1; NaN where there is none
    up          unit vector, in the optical frame
    raises      ValueError when no pixel has a ray, and for a picture of one column
    """
    height, width = directions.shape[:2]
    if width < 2:
        raise ValueError(f"picture is {width} wide: a scan needs two columns at least")
    increment = float(np.linalg.norm(np.diff(directions[height // 2, width // 2 - 1:width // 2 + 1], axis=0)))
    rays = directions @ level_axes(up).astype(np.float32).T
    slopes = np.abs(rays[..., 2]) / np.hypot(rays[..., 0], rays[..., 1])
    there = np.isfinite(slopes)
    if not there.any():
        raise ValueError("no pixel has a ray: there is nothing to scan along")
    # the most level ray of every column, or of every row when the camera lies on its side
    across = 0 if abs(up[1]) >= abs(up[0]) else 1
    most_level = np.expand_dims(np.where(there, slopes, np.inf).argmin(across), across)
    horizon = np.take_along_axis(rays, most_level[..., None], across)[..., :2].reshape(-1, 2)
    azimuths = np.arctan2(horizon[:, 1], horizon[:, 0])
    azimuths = azimuths[np.isfinite(azimuths)]
    return float(azimuths.min()), increment, int(np.ptp(azimuths) / increment) + 1


def scan(obstacles: np.ndarray, depth_m: np.ndarray, directions: np.ndarray, up: np.ndarray, range_max_m: float,
         mounted_up: np.ndarray | None = None) -> Scan:
    """The scan over the camera's field of view.

    obstacles   float32 [N, 3] in the optical frame, as from ground.obstacles
    depth_m     float32 [H, W], for what is seen and what is unknown: +inf is seen, NaN and -inf are unknown. A sparse grid of
                the picture is enough, and makes as much fewer beams
    directions  as in `field_of_view`
    up          unit vector, in the optical frame, as measured in this picture
    mounted_up  the same of the camera's mount, for beams that are the same in all pictures, as SLAM wants them; None = up
    raises      ValueError when no pixel has a ray
    """
    angle_min, increment, count = field_of_view(directions, up if mounted_up is None else mounted_up)
    axes = level_axes(up).astype(np.float32)

    def beams(points: np.ndarray) -> np.ndarray:
        """Of points [N, 3] in the level frame; `count` for those outside the field of view."""
        number = np.rint((np.arctan2(points[:, 1], points[:, 0]) - angle_min) / increment).astype(np.intp)
        return np.where((number >= 0) & (number < count), number, count)

    level = obstacles @ axes.T
    distances = np.hypot(level[:, 0], level[:, 1])
    within = distances <= range_max_m
    nearest = np.full(count + 1, np.inf, np.float32)
    np.minimum.at(nearest, beams(level[within]), distances[within])

    there = np.isfinite(directions[..., 0])
    beam = beams(directions[there] @ axes.T)
    known = depth_m[there] > 0                                          # +inf is, NaN and -inf are not
    seen, all_of_it = (np.bincount(beam, weights, count + 1) for weights in (known, None))
    nearest[np.isinf(nearest) & (seen <= (1 - MOST_UNKNOWN) * all_of_it)] = np.nan
    return Scan(angle_min, increment, nearest[:count])
