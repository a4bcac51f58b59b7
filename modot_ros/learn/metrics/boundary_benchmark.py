# SPDX-License-Identifier: Apache-2.0
"""ODS, OIS and AP of boundary maps, with one-to-one matching, in the two ways in which papers compute them.

Both follow the BSDS benchmark (Arbelaez et al., TPAMI 2011) and differ enough that numbers of one must never stand
beside those of the other:

- "doobnet": the MATLAB scripts of DOOBNet and IOBE (the papers' numbers). Suppression without smoothing, no thinning
  after the threshold. The masks of falling thresholds grow, so that one matching serves all of them, exactly.
- "bsds": the Python port of the BSDS code. Smoothed before suppression, probability rounded to 8 bits, thinned after
  each threshold; one exact matching per threshold, several times slower.

One truth a picture, which is not thinned. Thresholds are 0.01 to 0.99; the scripts of "doobnet" as released compute
those from 0.51 on only (`FIRST_RELEASED`) and leave the others at recall and precision 0, so that their AP is no area
under the whole curve. They read maps from pictures of 8 bits that hold (1 - p) * 255 cut off: what they see is
ceil(255 p) / 255.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modot_ros.learn.metrics.matching import largest_matching, matches_by_rank, tolerance_px
from modot_ros.learn.metrics.thinning import thinned
from modot_ros.scene.suppression import suppress

PIPELINES = ("doobnet", "bsds")
THRESHOLDS = np.arange(1, 100) / 100
FIRST_RELEASED = 0.51
_BETWEEN = 100                                          # points from one threshold to the next, for ODS


@dataclass(frozen=True)
class BoundaryCurve:
    """Scores of a set of pictures, all in [0, 1]."""

    ods: float                                          # F at the best threshold for the whole set
    ois: float                                          # F with the best threshold of every picture
    ap: float                                           # mean precision over recall 0, 0.01 .. 1
    ods_threshold: float
    precision: tuple[float, ...]                        # at every threshold, the first one first
    recall: tuple[float, ...]
    thresholds: tuple[float, ...]


class BoundaryBenchmark:
    """Counts picture by picture; `curve` gives precision and recall of them.

    pipeline   one of PIPELINES.
    first      lowest threshold, 0.51 as "doobnet" was released, 0.01 for the whole curve. Those below it count as if
               nothing had been found.
    tolerance  of the picture's diagonal; NYUD has been scored with 0.011.

    Raises ValueError for another pipeline and for a `first` above all thresholds.
    """

    def __init__(self, pipeline: str = "doobnet", first: float = 0.01, tolerance: float = 0.0075) -> None:
        if pipeline not in PIPELINES:
            raise ValueError(f"pipeline {pipeline!r} is unknown: choose one of {', '.join(PIPELINES)}")
        self.pipeline, self.tolerance = pipeline, tolerance
        self.thresholds = THRESHOLDS[THRESHOLDS >= first - 1e-9]
        if not len(self.thresholds):
            raise ValueError(f"first is {first}: the highest threshold is {THRESHOLDS[-1]}")
        self._counts: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Count one picture.

        Args:
            probability: [H, W] in 0..1. truth: [H, W], non-zero on a boundary, or [A, H, W] by several people: then recall
                counts the pixels of each, and a predicted pixel is right when it has a partner in any. Which have one depends on
                the matching: here the most probable first.

        Returns int64 [thresholds, 4]: pairs, predicted pixels, true pixels, predicted pixels with a partner. Raises ValueError
        for unequal shapes.
        """
        truths = truth[None] != 0 if truth.ndim == 2 else truth != 0
        if not len(truths) or probability.shape != truths.shape[1:]:
            raise ValueError(f"maps must have one shape, got {probability.shape} and {truth.shape}")
        count = self._nested if self.pipeline == "doobnet" else self._one_by_one
        pairs, predicted, right = count(probability, truths, tolerance_px(probability.shape, self.tolerance))
        counts = np.stack([pairs, predicted, np.full(len(pairs), np.count_nonzero(truths)), right], 1)
        self._counts.append(counts)
        return counts

    def curve(self) -> BoundaryCurve:
        """Scores of all pictures so far. Raises ValueError when there is none."""
        if not self._counts:
            raise ValueError("no pictures to score")
        counts = np.stack(self._counts)                                 # [pictures, thresholds, 4]
        recall, precision = _rates(counts.sum(0))
        ods, at = _best_between(recall, precision, self.thresholds)
        each = np.array([_f(*_rates(one)).argmax() for one in counts])
        ois = float(_f(*_rates(counts[np.arange(len(counts)), each].sum(0)[None]))[0])
        left_out = [0.0] * (len(self.thresholds) < len(THRESHOLDS))
        ap = _average_precision(np.append(left_out, recall), np.append(left_out, precision))
        return BoundaryCurve(ods, ois, ap, at, tuple(precision.tolist()), tuple(recall.tolist()),
                             tuple(self.thresholds.tolist()))

    def _nested(self, probability: np.ndarray, truths: np.ndarray, tolerance: float) -> tuple[np.ndarray, ...]:
        ridge = suppress(probability).ravel()
        pixels = np.flatnonzero(ridge >= np.float32(self.thresholds[0]))
        pixels = pixels[np.argsort(-ridge[pixels], kind="stable")]
        matched = np.stack([matches_by_rank(pixels, truth, tolerance) for truth in truths])
        predicted = np.searchsorted(-ridge[pixels], -self.thresholds.astype(np.float32), side="right")
        pairs, right = (np.concatenate([[0], np.cumsum(each)])[predicted] for each in (matched.sum(0), matched.any(0)))
        return pairs, predicted, right

    def _one_by_one(self, probability: np.ndarray, truths: np.ndarray, tolerance: float) -> tuple[np.ndarray, ...]:
        ridge = np.rint(suppress(probability, smooth=1) * 255) / 255
        pairs, predicted, right = np.zeros((3, len(self.thresholds)), np.int64)
        levels = np.searchsorted(np.unique(ridge), self.thresholds)    # thresholds of one level have one mask
        for level in np.unique(levels):
            same = levels == level
            mask = thinned(ridge >= self.thresholds[same][0])
            predicted[same] = np.count_nonzero(mask)
            if len(truths) == 1:                                        # the number of pairs is enough, and faster to have
                pairs[same] = right[same] = largest_matching(mask, truths[0], tolerance)
                continue
            pixels = np.flatnonzero(mask)
            pixels = pixels[np.argsort(-ridge.ravel()[pixels], kind="stable")]
            matched = np.stack([matches_by_rank(pixels, truth, tolerance) for truth in truths])
            pairs[same], right[same] = np.count_nonzero(matched), np.count_nonzero(matched.any(0))
        return pairs, predicted, right


def _rates(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision [n] of counts [n, 4]; 0 where nothing is there."""
    pairs, predicted, true, right = counts.T
    return pairs / np.maximum(true, 1), right / np.maximum(predicted, 1)


def _f(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    both = recall + precision
    return 2 * recall * precision / np.where(both > 0, both, 1.0)


def _best_between(recall: np.ndarray, precision: np.ndarray, thresholds: np.ndarray) -> tuple[float, float]:
    """Largest F and its threshold, recall and precision being straight lines between thresholds."""
    last = len(thresholds) - 1
    at = np.interp(np.linspace(0, last, last * (_BETWEEN - 1) + 1), np.arange(last + 1), thresholds)
    f = _f(np.interp(at, thresholds, recall), np.interp(at, thresholds, precision))
    return float(f.max()), float(at[f.argmax()])


def _average_precision(recall: np.ndarray, precision: np.ndarray) -> float:
    """Mean of precision over recall 0, 0.01 .. 1, a straight line between thresholds, 0 outside of them.

    The sum of 101 values is divided by 100, as in the benchmark.
    """
    recall, first = np.unique(recall, return_index=True)
    if len(recall) < 2:
        return 0.0
    return float(min(1.0, np.interp(np.arange(101) / 100, recall, precision[first], left=0.0, right=0.0).sum() / 100))
