# SPDX-License-Identifier: Apache-2.0
"""Orders that need no learning: the larger instance, or the lower one, is in front. InstaOrder's baselines.

Masks are uint8 or bool [N, H, W], modal. Nothing is ever mutual or equal in depth: of two that are alike the first is
in front, as officially.
"""
from __future__ import annotations

import numpy as np

from modot_ros.model.instaorder.pair_orders import touching


def occlusion_by_area(masks: np.ndarray) -> np.ndarray:
    """The larger of two touching instances occludes the other; int64 [N, N]."""
    return (_in_front(_areas(masks)) & _touching(masks)).astype(np.int64)


def occlusion_by_height(masks: np.ndarray, as_published: bool = False) -> np.ndarray:
    """The lower in the picture of two touching instances occludes the other; int64 [N, N].

    `as_published`: the official code takes the *higher* one here, though not for depth, and of two that are level the
    second.
    """
    front = _in_front(_mean_rows(masks))
    return ((front.T if as_published else front) & _touching(masks)).astype(np.int64)


def depth_by_area(masks: np.ndarray) -> np.ndarray:
    """The larger of any two instances is closer; int64 [N, N], 1 = row closer."""
    return _in_front(_areas(masks)).astype(np.int64)


def depth_by_height(masks: np.ndarray) -> np.ndarray:
    """The lower in the picture of any two instances is closer; int64 [N, N], 1 = row closer."""
    return _in_front(_mean_rows(masks)).astype(np.int64)


def _in_front(value: np.ndarray) -> np.ndarray:
    """bool [N, N]: the row's value is larger; where neither is, the row comes before the column."""
    larger = value[:, None] > value[None]
    before = np.triu(np.ones_like(larger), 1)
    return np.where(before, ~larger.T, larger)


def _touching(masks: np.ndarray) -> np.ndarray:
    return touching(np.asarray(masks).astype(np.uint8))


def _areas(masks: np.ndarray) -> np.ndarray:
    return np.asarray(masks).astype(bool).sum(axis=(1, 2))


def _mean_rows(masks: np.ndarray) -> np.ndarray:
    """Mean row of every mask; NaN where it is empty, which is larger than no other, nor any other than it."""
    masks = np.asarray(masks).astype(bool)
    with np.errstate(invalid="ignore"):
        return (masks.sum(axis=2) @ np.arange(masks.shape[1])) / masks.sum(axis=(1, 2))
