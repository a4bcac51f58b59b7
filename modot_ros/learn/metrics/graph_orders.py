# SPDX-License-Identifier: Apache-2.0
"""How right an order graph is, against the exact orders of a synthetic view.

Occlusion is a set of directed pairs (occluder, occludee). True are those whose common boundary is at least
`min_length_px` pixel pairs long. Two instances with a shorter boundary only are not judged, whatever is claimed;
everything else that is claimed and not true is wrong. Depth order is a choice among nearer, farther and equal for every
pair of visible instances; a pair that the graph leaves out is wrong.

Two ways to one number: "pooled" counts over all views together; "per view" is InstaOrder's (Lee and Park, CVPR 2022):
recall, precision and F1 of every view (1 where nothing is true, or nothing claimed), then their plain mean; WHDR (the
weighted human disagreement rate of Bell et al., SIGGRAPH 2014, with equal weights) of every view that has a pair, then
the mean. That of equal and that of unequal pairs, apart, is how Zoran et al. (ICCV 2015) report it.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from modot_ros.learn.synthetic.view import View
from modot_ros.prediction import OrderGraph

MIN_LENGTH_PX = 4


@dataclass(frozen=True)
class Verdicts:
    """What one graph claims, in its order, and which claims are right; what it misses.

    Claims about two instances whose true boundary is too short are not in here.
    """

    occlusion_right: np.ndarray                         # bool [C]
    occlusion_confidence: np.ndarray                    # float [C]
    occlusions_missed: int                              # true directed pairs without a claim
    depth_right: np.ndarray                             # bool [P], one per true pair
    depth_overlapping: np.ndarray                       # bool [P], of the truth
    depth_equal: np.ndarray                             # bool [P], of the truth
    depth_confidence: np.ndarray                        # float [P]; NaN where the graph has no order


@dataclass(frozen=True)
class OrderScores:
    """All in 0..1; `whdr` lower is better. Without any pair NaN."""

    views: int
    occlusions: int                                     # true directed pairs
    f1: float                                           # pooled
    precision: float
    recall: float
    f1_per_view: float
    precision_per_view: float
    recall_per_view: float
    whdr: float                                         # pooled
    whdr_equal: float                                   # pooled, pairs of truly equal depth
    whdr_unequal: float
    whdr_per_view: float
    whdr_distinct_per_view: float                       # true pairs whose depth ranges do not overlap
    whdr_overlapping_per_view: float


@dataclass(frozen=True)
class Reliability:
    """Claims by confidence, in equal bins from 0 to 1."""

    confidence: np.ndarray                              # float [B], mean in the bin; NaN where it is empty
    right: np.ndarray                                   # float [B], share that is right
    count: np.ndarray                                   # int [B]
    error: float                                        # expected calibration error: mean |right - confidence| by count


def judge(graph: OrderGraph, view: View, min_length_px: int = MIN_LENGTH_PX) -> Verdicts:
    """Compares a graph over the labels of a view with the view's truth."""
    length = {(front, back): pixels for front, back, pixels in view.occlusions.tolist()}
    def judged(front: int, back: int) -> bool:
        longest = max(length.get((front, back), 0), length.get((back, front), 0))
        return longest == 0 or longest >= min_length_px

    claims = [o for o in graph.occlusions if judged(o.occluder, o.occludee)]
    right = np.array([length.get((o.occluder, o.occludee), 0) >= min_length_px for o in claims], bool)
    true = sum(pixels >= min_length_px for pixels in length.values())

    predicted = {(min(o.near, o.far), max(o.near, o.far)): o for o in graph.depths}
    depth_right, overlapping, equals, confidence = [], [], [], []
    for near, far, equal, overlaps in view.depth_orders:
        claim = predicted.get((min(near, far), max(near, far)))
        depth_right.append(claim is not None and claim.equal == equal and (equal or claim.near == near))
        overlapping.append(overlaps)
        equals.append(equal)
        confidence.append(np.nan if claim is None else claim.confidence)
    return Verdicts(right, np.array([o.confidence for o in claims], float), int(true - right.sum()),
                    np.array(depth_right, bool), np.array(overlapping, bool), np.array(equals, bool),
                    np.array(confidence, float))


def score(verdicts: Iterable[Verdicts]) -> OrderScores:
    """Scores over views. Raises ValueError without any."""
    verdicts = list(verdicts)
    if not verdicts:
        raise ValueError("no views to score")
    hits = np.array([v.occlusion_right.sum() for v in verdicts])
    claimed = np.array([len(v.occlusion_right) for v in verdicts])
    true = hits + [v.occlusions_missed for v in verdicts]

    def mean_share(part: np.ndarray, whole: np.ndarray) -> float:
        return float(np.mean(np.where(whole > 0, part / np.maximum(whole, 1), 1.0)))

    def whdr_per_view(chosen: Iterable[np.ndarray]) -> float:
        shares = [1 - right.mean() for right in chosen if len(right)]
        return float(np.mean(shares)) if shares else np.nan

    wrong = ~np.concatenate([v.depth_right for v in verdicts])
    equal = np.concatenate([v.depth_equal for v in verdicts])
    return OrderScores(
        len(verdicts), int(true.sum()), _ratio(2 * hits.sum(), (claimed + true).sum()),
        _ratio(hits.sum(), claimed.sum()), _ratio(hits.sum(), true.sum()), mean_share(2 * hits, claimed + true),
        mean_share(hits, claimed), mean_share(hits, true), _ratio(wrong.sum(), len(wrong)),
        _ratio(wrong[equal].sum(), equal.sum()), _ratio(wrong[~equal].sum(), (~equal).sum()),
        whdr_per_view(v.depth_right for v in verdicts),
        whdr_per_view(v.depth_right[~v.depth_overlapping] for v in verdicts),
        whdr_per_view(v.depth_right[v.depth_overlapping] for v in verdicts))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """How often claims of a confidence are right. confidence float [C] in [0, 1], NaN is left out; right bool [C]."""
    known = ~np.isnan(confidence)
    confidence, right = confidence[known], right[known]
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(index, confidence, bins) / count
        share = np.bincount(index, right, bins) / count
    filled = count > 0
    error = _ratio(np.sum(count[filled] * np.abs(share - mean)[filled]), count.sum())
    return Reliability(mean, share, count, error)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
