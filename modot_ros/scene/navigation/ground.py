# SPDX-License-Identifier: Apache-2.0
"""The floor that a camera sees: a plane fitted to points, and what of a depth image stands on it.

Points are in the optical frame (x right, y down, z forward), metres. A plane n.p + h = 0 with the unit normal n that
points up and the camera's height h above it is written as m.p = -1 with m = n / h. The residual 1 + m.p of a point
is its height above the plane as a share of h, and at the same time the relative error of its depth: p moves along its
ray, so that on the floor m.p = -1 becomes -(1 + e). Hence residuals of near and far floor are alike, thresholds need no
unit, and a scale that is wrong everywhere changes h and nothing else.

Fitted by random samples (RANSAC, Fischler and Bolles 1981) and least squares over the inliers.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UP = (0.0, -1.0, 0.0)                   # of a camera that looks straight ahead
HEIGHT_RATIO = 1.5                      # a known height of the camera and the floor's are alike but for the scale of depth
STRIDE_PX = 8                           # a floor is sought among one pixel of so many in each direction
MOST_POINTS = 1500                      # so many of the points are looked at
SAMPLES = 150                           # planes through three points each
TOLERANCE = 0.05                        # inliers lie within this share of the camera's height
BELOW_WEIGHT = 5.0                      # a point below the plane counts against so many on it: nothing is below a floor
TILT_DEG = 30.0                         # planes count less the farther they are from level, to 1 / e here
MIN_SHARE = 0.05                        # a floor has at least this share of all points
MIN_SPREAD = 0.15                       # and spreads over this share of the camera's height, across as well as along
REFINEMENTS = 4
KEPT_S = 5.0                            # how long a floor is believed in that is out of sight
FLOOR_SLOPE = 0.02                      # heights above the plane are known up to this share of the distance (1.1 degrees)


@dataclass(frozen=True)
class Ground:
    """A floor.

    normal    float64 [3], unit, up, in the optical frame
    height_m  of the camera's centre above it, > 0
    inliers   share in 0..1 of the points that lie on it
    """

    normal: np.ndarray
    height_m: float
    inliers: float

    def heights(self, points: np.ndarray) -> np.ndarray:
        """Heights [...] above the floor of points [..., 3], in metres."""
        return points @ self.normal.astype(points.dtype) + points.dtype.type(self.height_m)


def sparse_points(depth_m: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """float32 [N, 3] of depth float32 [H, W] and rays float32 [H, W, 3]: enough points to find a floor among."""
    grid = (slice(STRIDE_PX // 2, None, STRIDE_PX),) * 2
    depth_m, directions = depth_m[grid].ravel(), directions[grid].reshape(-1, 3)
    at = np.flatnonzero(np.isfinite(depth_m) & np.isfinite(directions[:, 0]))
    return directions[at] * depth_m[at, None]


def fit_ground(points: np.ndarray, up: tuple[float, float, float] = UP, max_tilt_deg: float = 40.0,
               heights_m: tuple[float, float] = (0.0, np.inf)) -> Ground | None:
    """The floor in a cloud; None when there is none to be seen.

    A floor has the camera above it, no more points below it than errors explain, and spreads in two directions: the foot
    of a wall is none. A table top is taken for one only where nothing lower is in sight.

    points        float [N, 3] in the optical frame; points that are not finite are passed over
    up            unit vector, a guess where up is; the default is a level camera's
    max_tilt_deg  the normal lies within this angle of it: pitch and roll that the camera may have
    heights_m     least and largest height of the camera above it, in the points' own scale
    raises        ValueError for points of another shape
    """
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points are {points.shape}: they must be [N, 3]")
    points = np.asarray(points, np.float64)
    points = points[np.isfinite(points).all(1)]
    points = points[np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(np.intp)]
    if len(points) < 3:
        return None
    least_cosine = np.cos(np.radians(max_tilt_deg))
    m = _best_sample(points, np.asarray(up, np.float64), least_cosine, heights_m)
    if m is None:
        return None
    tolerance = TOLERANCE
    for _ in range(REFINEMENTS):
        residuals = np.abs(1 + points @ m)
        on_it = points[residuals < tolerance]
        if len(on_it) < 3:
            return None
        # three standard deviations, so that the foot of a wall does not pull the floor up
        tolerance = np.clip(4.4 * np.median(residuals[residuals < tolerance]), TOLERANCE / 8, TOLERANCE)
        m = np.linalg.lstsq(on_it, -np.ones(len(on_it)), rcond=None)[0]
    height_m = 1 / np.linalg.norm(m)
    normal = m * height_m
    on_it = points[np.abs(1 + points @ m) < TOLERANCE]
    share = len(on_it) / len(points)
    if share < MIN_SHARE or normal @ up < least_cosine or not heights_m[0] <= height_m <= heights_m[1]:
        return None
    spread_m = np.linalg.svd(on_it - on_it.mean(0), compute_uv=False)[1] / np.sqrt(len(on_it))
    return Ground(normal, float(height_m), float(share)) if spread_m >= MIN_SPREAD * height_m else None


class GroundMemory:
    """The floor of a camera that is fixed to its robot: the one in sight, or else the last one, for KEPT_S."""

    def __init__(self) -> None:
        self._last: Ground | None = None
        self._time_s = 0.0

    def latest(self, ground: Ground | None, time_s: float) -> Ground | None:
        """Of a picture taken at `time_s`, given the floor that was found in it, if any. Pictures may come out of order."""
        if ground is not None:
            self._last, self._time_s = ground, time_s
        return self._last if abs(time_s - self._time_s) <= KEPT_S else None


def _best_sample(points: np.ndarray, up: np.ndarray, least_cosine: float, heights_m: tuple[float, float]
                 ) -> np.ndarray | None:
    """float64 [3], m of the plane through three points that most lie on and fewest below; the same for the same points."""
    below = points[points @ up < 0]
    if len(below) < 3:
        return None
    a, b, c = below[np.random.default_rng(0).integers(0, len(below), (SAMPLES, 3))].transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    some = lengths > 1e-9
    normals = normals[some] / lengths[some, None]
    normals *= np.where(normals @ up < 0, -1.0, 1.0)[:, None]
    heights = -np.einsum("nc,nc->n", normals, a[some])
    plausible = (heights > 1e-3) & (normals @ up >= least_cosine) & (heights >= heights_m[0]) & (heights <= heights_m[1])
    if not plausible.any():
        return None
    m = normals[plausible] / heights[plausible, None]
    residuals = 1 + m.astype(np.float32) @ points.T.astype(np.float32)
    scores = np.maximum(0, 1 - (residuals / TOLERANCE) ** 2).sum(1) - BELOW_WEIGHT * (residuals < -2 * TOLERANCE).sum(1)
    tilts = np.degrees(np.arccos(np.clip(normals[plausible] @ up, -1, 1)))
    scores = np.where(scores > 0, scores * np.exp(-(tilts / TILT_DEG) ** 2), scores)
    return m[np.argmax(scores)] if scores.max() > 0 else None


def mounted_up(pitch_deg: float, turn_deg: int = 0) -> tuple[float, float, float]:
    """Where up is, in the optical frame, of a camera that looks down by `pitch_deg` and whose pictures are turned clockwise by
    `turn_deg`."""
    pitch, turn = np.radians(pitch_deg), np.radians(turn_deg)
    return float(np.sin(turn) * np.cos(pitch)), float(-np.cos(turn) * np.cos(pitch)), float(-np.sin(pitch))


def obstacles(points: np.ndarray, ground: Ground, min_height_m: float, max_height_m: float) -> np.ndarray:
    """Which points stand on the floor: neither the floor itself, nor what a robot passes under, as a ceiling.

    The least height grows by FLOOR_SLOPE per metre of distance, for the tilt of the fitted plane and for depth that is not
    wrong by the same factor everywhere; a factor that is the same everywhere lifts no floor (see the top).

    points        float [..., 3]; NaN is no obstacle
    min_height_m  above the floor, at the camera; max_height_m: above the floor
    returns       bool [...]
    raises        ValueError unless min_height_m < max_height_m
    """
    if not min_height_m < max_height_m:
        raise ValueError(f"heights are {min_height_m} to {max_height_m} m: the first must be below the second")
    heights = ground.heights(points)
    distances = np.sqrt(np.einsum("...c,...c->...", points, points))
    return (heights > min_height_m + FLOOR_SLOPE * distances) & (heights < max_height_m)


def nearest_of_blocks(depth_m: np.ndarray, block_px: int) -> np.ndarray:
    """One pixel of every block: the nearest, so that a pole thinner than a block is kept.

    depth_m   float32 [H, W]; only finite depth counts. Rows and columns that fill no block are left out
    returns   int64 [N], flat indices in row-major order of the blocks, of blocks with a finite depth
    raises    ValueError for blocks below 1
    """
    if block_px < 1:
        raise ValueError(f"block_px is {block_px}: it must be at least 1")
    height, width = (length // block_px for length in depth_m.shape)
    nearest = np.full((height, width), np.inf, np.float32)
    offset = np.zeros((height, width), np.intp)
    for v in range(block_px):
        for u in range(block_px):
            depth = depth_m[v:height * block_px:block_px, u:width * block_px:block_px]
            nearer = (depth < nearest) & (depth > -np.inf)              # NaN is not
            np.copyto(nearest, depth, where=nearer)
            np.copyto(offset, v * depth_m.shape[1] + u, where=nearer)
    at = (np.arange(height)[:, None] * depth_m.shape[1] + np.arange(width)) * block_px + offset
    return at[np.isfinite(nearest)]
