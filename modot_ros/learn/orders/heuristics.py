# SPDX-License-Identifier: Apache-2.0
"""Orders that need no learning: the larger instance, or the lower one, is in front. InstaOrder's baselines.

Masks are uint8 or bool [N, H, W], modal. Nothing is ever mutual or equal in depth.
"""
from __future__ import annotations

import numpy as np

from modot_ros.model.pair_orders import touching


def occlusion_by_area(masks: np.ndarray) -> np.ndarray:
    """The larger of two touching instances occludes the other; int64 [N, N]."""
    area = _areas(masks)
    return ((area[:, None] > area[None]) & _touching(masks)).astype(np.int64)


def occlusion_by_height(masks: np.ndarray, as_published: bool = False) -> np.ndarray:
    """The lower in the picture of two touching instances occludes the other; int64 [N, N].

    `as_published`: the official code takes the *higher* one here, though not for depth.
    """
    row = _mean_rows(masks)
    front = row[:, None] < row[None] if as_published else row[:, None] > row[None]
    return (front & _touching(masks)).astype(np.int64)


def depth_by_area(masks: np.ndarray) -> np.ndarray:
    """The larger of any two instances is closer; int64 [N, N], 1 = row closer."""
    area = _areas(masks)
    return (area[:, None] > area[None]).astype(np.int64)


def depth_by_height(masks: np.ndarray) -> np.ndarray:
    """The lower in the picture of any two instances is closer; int64 [N, N], 1 = row closer."""
    row = _mean_rows(masks)
    return (row[:, None] > row[None]).astype(np.int64)


def _touching(masks: np.ndarray) -> np.ndarray:
    return touching(np.asarray(masks).astype(np.uint8))


def _areas(masks: np.ndarray) -> np.ndarray:
    return np.asarray(masks).astype(bool).sum(axis=(1, 2))


def _mean_rows(masks: np.ndarray) -> np.ndarray:
    """Mean row of every mask; NaN where it is empty, which is neither higher nor lower than any other."""
    masks = np.asarray(masks).astype(bool)
    with np.errstate(invalid="ignore"):
        return (masks.sum(axis=2) @ np.arange(masks.shape[1])) / masks.sum(axis=(1, 2))
