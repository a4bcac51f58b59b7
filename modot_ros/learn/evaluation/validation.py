# SPDX-License-Identifier: Apache-2.0
"""How good a network is while it trains, on views with exact truth: medians over views, of the maps a user would get.

Boundaries are scored after thinning, with one pixel of tolerance; depth in metres, without any alignment.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from modot_ros.classes import CLASS_NAMES
from modot_ros.learn.metrics.class_scores import ClassScores, class_scores, confusion
from modot_ros.learn.training.views import Views, plain_batch
from modot_ros.scene.boundaries import thin
from modot_ros.scene.pixel_scores import boundary_f, depth_scores

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Scores:
    """Medians over views; the boundary scores are those at `threshold`, the best of THRESHOLDS."""

    views: int
    delta1: float                                       # share of pixels with max(z / truth, truth / z) < 1.25
    abs_rel: float                                      # mean |z - truth| / truth
    rmse_m: float
    scale: float                                        # median truth / z of a view: what z should be multiplied by
    threshold: float
    boundary_f: float
    boundary_precision: float
    boundary_recall: float
    boundary_f_at_half: float                           # at probability 0.5, which is what a user gets


def score(results: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> Scores:
    """Scores of (depth_m, probability, true_depth_m, true_boundary) per view, all [h, w]."""
    depths, boundaries = [], []
    for depth_m, probability, true_depth_m, true_boundary in results:
        agreement = depth_scores(depth_m, true_depth_m)
        known = np.isfinite(true_depth_m) & (true_depth_m > 0)
        error = np.sqrt(np.mean((depth_m[known] - true_depth_m[known]) ** 2)) if known.any() else np.nan
        scale = np.median(true_depth_m[known] / depth_m[known]) if known.any() else np.nan
        depths.append((agreement.delta1, agreement.abs_rel, error, scale))
        found = [boundary_f(thin(probability, depth_m, threshold)[0], true_boundary) for threshold in THRESHOLDS]
        boundaries.append([(s.f, s.precision, s.recall) for s in found])
    if not depths:
        raise ValueError("no views to score")
    delta1, abs_rel, rmse_m, scale = np.nanmedian(np.array(depths), axis=0)
    by_threshold = np.median(np.array(boundaries), axis=0)              # [threshold, (f, precision, recall)]
    best = int(by_threshold[:, 0].argmax())
    f, precision, recall = by_threshold[best]
    values = (delta1, abs_rel, rmse_m, scale, THRESHOLDS[best], f, precision, recall,
              by_threshold[THRESHOLDS.index(0.5), 0])
    return Scores(len(depths), *(round(float(value), 4) for value in values))


@torch.inference_mode()
def score_network(network: nn.Module, views: Views, width: int, height: int, canonical_focal: float) -> Scores:
    """Scores of a network in evaluation mode on views at one size, in the canonical camera."""
    def results() -> Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        for indices in torch.arange(len(views)).split(8):
            batch = plain_batch(views, indices, width, height, canonical_focal)
            depth_m, logits, *_ = network(batch.image)
            for k in range(len(indices)):
                yield (depth_m[k, 0].numpy(), torch.sigmoid(logits[-1][k, 0]).numpy(), batch.depth_m[k, 0].numpy(),
                       batch.boundary[k, 0].numpy() > 0)
    return score(results())


@torch.inference_mode()
def score_classes(network: nn.Module, views: Views, width: int, height: int) -> ClassScores:
    """Scores of the classes that a network in evaluation mode predicts, at stride 2, on views at one size."""
    pixels = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES) + 1), np.int64)
    for indices in torch.arange(len(views)).split(8):
        batch = plain_batch(views, indices, width, height, 1.0)
        *_, logits = network(batch.image, depth=False, boundary=False, classes=True)
        for found, true in zip(logits.argmax(1).byte().numpy(), batch.classes[:, 0, ::2, ::2].numpy()):
            pixels += confusion(found, true)
    return class_scores(pixels)
