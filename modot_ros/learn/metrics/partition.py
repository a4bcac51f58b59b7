# SPDX-License-Identifier: Apache-2.0
"""How well a class-agnostic partition follows the true instances.

Covering (Arbelaez et al., "Contour Detection and Hierarchical Image Segmentation", PAMI 2011): every true region counts
with its area and the best intersection over union that any found region has with it. F at IoU 0.5: a found instance is
right when it shares more than half of its union with a true one, so that no two can claim the same.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_AREA = 0.001                        # of the picture: smaller true instances are not asked for


@dataclass(frozen=True)
class PartitionScores:
    """covering in 0..1; counts of instances, to be summed over pictures before a ratio is taken."""

    covering: float                                     # of all true regions, the background being one
    object_covering: float                              # of true instances alone; NaN where there is none
    right: int                                          # found instances with a true one at IoU > 0.5
    found: int
    true: int                                           # instances of at least MIN_AREA


def partition_scores(found: np.ndarray, true: np.ndarray) -> PartitionScores:
    """Compares labels [H, W] (0 = background) with true ones. Raises ValueError when their shapes differ."""
    if found.shape != true.shape:
        raise ValueError(f"labels {found.shape} and truth {true.shape} must be of one size")
    found_ids, found_at = np.unique(found, return_inverse=True)
    true_ids, true_at = np.unique(true, return_inverse=True)
    shape = len(true_ids), len(found_ids)
    shared = np.bincount(true_at.ravel() * shape[1] + found_at.ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    true_area, found_area = shared.sum(1), shared.sum(0)
    overlap = shared / (true_area[:, None] + found_area - shared)
    best = overlap.max(1)
    objects = true_ids > 0
    matched = (overlap > 0.5) & objects[:, None] & (found_ids > 0)
    asked = objects & (true_area >= MIN_AREA * true.size)
    excused = matched[objects & ~asked].sum()           # right, and not asked for
    covered = float((best * true_area)[objects].sum() / true_area[objects].sum()) if objects.any() else np.nan
    return PartitionScores(float((best * true_area).sum() / true.size), covered, int(matched[asked].sum()),
                           int((found_ids > 0).sum() - excused), int(asked.sum()))
