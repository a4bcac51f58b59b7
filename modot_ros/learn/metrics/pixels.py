# SPDX-License-Identifier: Apache-2.0
"""Boundary pixels right and wrong without any tolerance, as MoDOT (WACV 2026) is scored.

No thinning, no matching: a boundary that is right and lies one pixel off counts as wrong twice.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PixelMetrics:
    """All in [0, 1]; precision of an empty prediction, recall of an empty truth and F of no hit are 0."""

    precision: float
    recall: float
    accuracy: float                                     # share of pixels, on or off, that are right
    f1: float


def pixel_metrics(probability: np.ndarray, truth: np.ndarray, threshold: float = 0.7) -> PixelMetrics:
    """Scores of one picture. The paper's are plain means over pictures.

    Args:
        probability: [H, W].
        truth: [H, W], non-zero on a boundary.
        threshold: probability from which a pixel counts: 0.7 in the paper, 0.5 in its zero-shot script.

    Raises ValueError for unequal shapes.
    """
    if probability.shape != truth.shape:
        raise ValueError(f"maps must have one shape, got {probability.shape} and {truth.shape}")
    found, true = probability >= threshold, truth != 0
    hits = int((found & true).sum())
    precision, recall = hits / max(1, int(found.sum())), hits / max(1, int(true.sum()))
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return PixelMetrics(precision, recall, float((found == true).mean()), f1)
