# SPDX-License-Identifier: Apache-2.0
"""What every data set gives to an evaluation: one picture and what is known of it."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modot_ros.learn.datasets.order_sample import OrderTruth


@dataclass(frozen=True)
class PointPair:
    """Two points of a picture, row and column counted from 1, and which is closer. Raises ValueError for another relation."""

    a: tuple[int, int]
    b: tuple[int, int]
    relation: str                                       # "<": a is closer, ">": b, "=": neither

    def __post_init__(self):
        if self.relation not in ("<", ">", "="):
            raise ValueError(f"relation {self.relation!r} is unknown: choose one of < > =")


@dataclass(frozen=True)
class Sample:
    """One picture with its truth, everything at the picture's size.

    Raises ValueError where sizes differ.
    """

    rgb: np.ndarray                                     # uint8 [H, W, 3]
    depth_m: np.ndarray | None                          # float32 [H, W], z; NaN = unknown; None = the set has none
    valid: np.ndarray                                   # bool [H, W], where depth may be scored; False without depth
    boundary: np.ndarray | None                         # bool [H, W], occlusion boundary; None = the set has none
    K: np.ndarray | None                                # float64 [3, 3], pixel centres at whole numbers; None = unknown
    name: str
    orders: OrderTruth | None = None                    # of its instances; None = the set has none
    drawings: np.ndarray | None = None                  # bool [A, H, W], a boundary by each of A people, all in `boundary`
    points: PointPair | None = None                     # None = the set has none
    classes: np.ndarray | None = None                   # uint8 [H, W], ids of CLASS_NAMES, 255 unknown; None = the set has none

    def __post_init__(self):
        for what in ("depth_m", "valid", "boundary", "classes"):
            truth = getattr(self, what)
            if truth is not None and truth.shape != self.rgb.shape[:2]:
                raise ValueError(f"{what} is {truth.shape}, the picture {self.rgb.shape[:2]}")
        if self.drawings is not None and self.drawings.shape[1:] != self.rgb.shape[:2]:
            raise ValueError(f"drawings are {self.drawings.shape[1:]}, the picture {self.rgb.shape[:2]}")
        if self.orders is not None and self.orders.modal.shape[1:] != self.rgb.shape[:2]:
            raise ValueError(f"masks are {self.orders.modal.shape[1:]}, the picture {self.rgb.shape[:2]}")


def sample(name: str, rgb: np.ndarray, depth_m: np.ndarray | None = None, valid: np.ndarray | None = None,
           boundary: np.ndarray | None = None, K: np.ndarray | None = None, orders: OrderTruth | None = None,
           points: PointPair | None = None) -> Sample:
    """Sample whose depth is NaN where it is not finite, not positive or not `valid`, and valid everywhere else."""
    if depth_m is None:
        return Sample(rgb, None, np.zeros(rgb.shape[:2], bool), boundary, K, name, orders, points=points)
    depth_m = depth_m.astype(np.float32)
    known = np.isfinite(depth_m) & (depth_m > 0)
    if valid is not None:
        if valid.shape != depth_m.shape:
            raise ValueError(f"the mask is {valid.shape}, the depth {depth_m.shape}")
        known &= valid
    return Sample(rgb, np.where(known, depth_m, np.float32(np.nan)), known, boundary, K, name, orders, points=points)


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Camera matrix, float64 [3, 3]."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def depth_along_axis(range_m: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Distance from the camera's centre -> z, [H, W] in metres."""
    height, width = range_m.shape
    x = (np.arange(width) - K[0, 2]) / K[0, 0]
    y = (np.arange(height) - K[1, 2]) / K[1, 1]
    return range_m / np.sqrt(x[None] ** 2 + y[:, None] ** 2 + 1.0)
