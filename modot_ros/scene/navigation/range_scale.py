# SPDX-License-Identifier: Apache-2.0
"""By which factor depth is wrong, told by a few measured ranges: of a laser scanner, a depth camera or a single sensor.

A measured point is laid into the picture; its z by the depth there is one factor. Points on edges, points that another sensor
sees and the camera does not, and reflections are wrong by anything, so the factors' median comes first, and a mean that weighs
by Huber's rule (Annals of Mathematical Statistics, 1964) over those near it second. All in ln, where too far and too near
by one factor are alike.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LEAST_POINTS = 20                       # of a scan or a depth image
LEAST_SHARE = 0.5                       # of the points that must agree
ALIKE = 0.2                             # factors that agree differ by no more from their median, in ln
EDGE = 0.15                             # a point is not used where depth varies by more in 3x3 pixels, in ln
ASIDE = 0.02                            # of a ray's tangent, by which the pixel of a point may miss it
MOST_POINTS = 4000                      # of a depth image so many are looked at
HUBER, LEAST_SPREAD = 1.345, 0.005      # in standard deviations; of a spread that is 0 in drawings
CONE_RINGS, CONE_SPREAD = 3, 0.2        # directions within a cone; a cone is used where factors in it differ by no more, in ln


@dataclass(frozen=True)
class RangeFit:
    """factor that depth must be multiplied with; share in 0..1 of the points that agree; count of the points."""

    factor: float
    share: float
    count: int


def points_of_scan(ranges_m: np.ndarray, angle_min: float, angle_increment: float, range_min_m: float, range_max_m: float
                   ) -> np.ndarray:
    """float64 [N, 3] in the scanner's frame (x forward, z up) of those ranges [M] that lie within its limits."""
    ranges_m = np.asarray(ranges_m, np.float64)
    there = np.isfinite(ranges_m) & (ranges_m >= range_min_m) & (ranges_m <= range_max_m) & (ranges_m > 0)
    angles = angle_min + np.flatnonzero(there) * angle_increment
    return ranges_m[there, None] * np.column_stack([np.cos(angles), np.sin(angles), np.zeros(len(angles))])


def points_of_cone(range_m: float, field_of_view: float) -> np.ndarray:
    """float64 [N, 3] in the sensor's frame (x forward): where what it measured may be, over its cone. `field_of_view` in radians
    is the whole angle of the cone, as in sensor_msgs/Range."""
    points = [[range_m, 0.0, 0.0]]
    for ring in range(1, CONE_RINGS + 1):
        off = 0.5 * field_of_view * ring / CONE_RINGS
        for turn in np.linspace(0, 2 * np.pi, 8 * ring, endpoint=False):
            points.append([range_m * np.cos(off), range_m * np.sin(off) * np.cos(turn), range_m * np.sin(off) * np.sin(turn)])
    return np.array(points)


def factors(depth: np.ndarray, directions: np.ndarray, points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """ln of z by depth of the points that the camera sees on a surface, float64 [M].

    depth       float32 [H, W], in the scale that is to be put right
    directions  float32 [H, W, 3], the ray of every pixel, z = 1; NaN where there is none
    points      float [N, 3], metres, in the optical frame
    pixels      float [N, 2], (u, v) of the points; NaN where the camera has none
    """
    height, width = depth.shape
    inside = (np.isfinite(pixels).all(1) & (points[:, 2] > 0) & (pixels > -0.5).all(1)
              & (pixels[:, 0] < width - 0.5) & (pixels[:, 1] < height - 0.5))
    points = points[inside]
    u, v = np.rint(pixels[inside]).astype(np.intp).T
    known = np.isfinite(depth) & (depth > 0)
    log_depth = np.log(np.where(known, depth, np.float32(1)))
    window = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(log_depth, window), cv2.dilate(log_depth, window)
    usable = (high - low < EDGE) & (cv2.erode(known.view(np.uint8), window) > 0)
    # beyond the lens's field of view a lens model may lay points anywhere
    aside = np.linalg.norm(directions[v, u, :2] - points[:, :2] / points[:, 2:], axis=1)
    kept = usable[v, u] & (aside < ASIDE)
    return np.log(points[kept, 2]) - log_depth[v[kept], u[kept]]


def huber_mean(values: np.ndarray) -> float:
    """Mean of values [N] in which those farther than HUBER standard deviations from it weigh less, as 1 / distance."""
    mean = float(np.median(values))
    for _ in range(10):
        distance = np.abs(values - mean)
        limit = HUBER * max(1.4826 * float(np.median(distance)), LEAST_SPREAD)
        weights = np.minimum(1.0, limit / np.maximum(distance, 1e-12))
        mean = float(np.sum(weights * values) / np.sum(weights))
    return mean


def fit_points(logs: np.ndarray, least_points: int = LEAST_POINTS) -> RangeFit | None:
    """The one factor of `factors` [N]; None for fewer than `least_points`, or when less than LEAST_SHARE of them agree."""
    if len(logs) < max(1, least_points):
        return None
    near = np.abs(logs - np.median(logs)) <= ALIKE
    share = float(near.mean())
    return RangeFit(float(np.exp(huber_mean(logs[near]))), share, len(logs)) if share >= LEAST_SHARE else None


def fit_cone(logs: np.ndarray) -> RangeFit | None:
    """The factor of a single range from `factors` [N] over its cone; None unless the cone sees one surface, and most of it is
    in the picture: a sensor that measures the nearest and one that measures the mean then agree."""
    if len(logs) < len(points_of_cone(1.0, 0.1)) / 2:
        return None
    low, high = np.quantile(logs, (0.1, 0.9))
    return RangeFit(float(np.exp(np.median(logs))), 1.0, 1) if high - low <= CONE_SPREAD else None
