# SPDX-License-Identifier: Apache-2.0
"""InstaOrder's scores (Lee and Park, CVPR 2022), all in percent: recall, precision and F1 of occlusion, WHDR of depth.

The published number of a data set is the mean over pictures; `pooled` counts over all pictures together instead, so
that a picture with two instances does not weigh as much as one with ten. Both start from tallies of one picture.

WHDR is the weighted human disagreement rate of Bell et al. (SIGGRAPH 2014). InstaOrder weighs a pair by 2 / `count`,
the number of annotators it took until two agreed.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np

# Groups of pairs: whether the depth ranges of both overlap, and whether one is closer. The published columns are
# distinct_all, overlap_all and all_all.
GROUPS = tuple(f"{overlap}_{relation}" for overlap in ("distinct", "overlap", "all")
               for relation in ("equal", "unequal", "all"))


@dataclass(frozen=True)
class OcclusionScores:
    """Percent. The F1 of a data set's mean is a mean of F1, not the harmonic mean of the other two."""

    recall: float
    precision: float
    f1: float


@dataclass(frozen=True)
class OcclusionTally:
    """Directed pairs (occluder, occludee) of one picture, or of many."""

    hits: int                                           # claimed and true
    claimed: int
    true: int

    def scores(self, empty: float = 100.0) -> OcclusionScores:
        """`empty` stands for 0/0: nothing true (recall), nothing claimed (precision), neither (F1)."""
        def percent(part: float, whole: int) -> float:
            return 100.0 * part / whole if whole else empty

        return OcclusionScores(percent(self.hits, self.true), percent(self.hits, self.claimed),
                               percent(2 * self.hits, self.claimed + self.true))


@dataclass(frozen=True)
class DepthTally:
    """Weights of the annotated pairs of one picture, or of many, in the order of GROUPS."""

    wrong: np.ndarray                                   # float64 [9]
    weight: np.ndarray                                  # float64 [9]

    def whdr(self) -> dict[str, float]:
        """Group -> percent; NaN without a pair."""
        with np.errstate(invalid="ignore"):
            return dict(zip(GROUPS, (100.0 * self.wrong / self.weight).tolist()))


def occlusion_tally(predicted: np.ndarray, true: np.ndarray) -> OcclusionTally:
    """Counts over all entries with true != -1. int [N, N] each.

    The diagonal counts as soon as `true` has 0 there, as officially; it is never claimed. Raises ValueError when the
    shapes differ.
    """
    _same_square(predicted, true)
    annotated = true != -1
    claimed, positive = (predicted == 1) & annotated, true == 1
    return OcclusionTally(int((claimed & positive).sum()), int(claimed.sum()), int(positive.sum()))


def depth_tally(predicted: np.ndarray, true: np.ndarray, overlap: np.ndarray, count: np.ndarray) -> DepthTally:
    """Weights over the pairs above the diagonal with true != -1 and overlap != -1. int [N, N] each.

    Raises ValueError when the shapes differ, or an annotated pair has no positive count.
    """
    _same_square(predicted, true, overlap, count)
    above = np.triu_indices(len(true), 1)
    predicted, true, overlap, count = (matrix[above] for matrix in (predicted, true, overlap, count))
    annotated = (true != -1) & (overlap != -1)
    if (count[annotated] <= 0).any():
        raise ValueError(f"annotated pairs need a count of annotators > 0, got {count[annotated].min()}")
    weight = np.where(annotated, 2.0 / np.maximum(count, 1), 0.0)
    wrong = weight * (predicted != true)
    chosen = [over & relation for over in (overlap == 0, overlap == 1, annotated)
              for relation in (true == 2, (true == 0) | (true == 1), annotated)]
    return DepthTally(np.array([wrong[c].sum() for c in chosen]), np.array([weight[c].sum() for c in chosen]))


def mean_occlusion(tallies: Iterable[OcclusionTally]) -> OcclusionScores:
    """The published score of a data set: plain mean over all pictures. Raises ValueError without any."""
    scores = [tally.scores() for tally in _some(tallies)]
    return OcclusionScores(*np.mean([astuple(s) for s in scores], axis=0).tolist())


def mean_whdr(tallies: Iterable[DepthTally]) -> dict[str, float]:
    """The published score of a data set: mean over the pictures that have a pair of the group; NaN where none has.

    As officially the number of pictures is increased by 1e-6, which lowers a score of 50 by 50e-6 / pictures.
    """
    per_picture = [tally.whdr() for tally in _some(tallies)]
    means = {}
    for group in GROUPS:
        known = [scores[group] for scores in per_picture if not np.isnan(scores[group])]
        means[group] = sum(known) / (len(known) + 1e-6) if known else float("nan")
    return means


def pooled_occlusion(tallies: Iterable[OcclusionTally]) -> OcclusionScores:
    """Scores of all pairs of all pictures together. Raises ValueError without a picture."""
    tallies = _some(tallies)
    return OcclusionTally(*np.sum([astuple(t) for t in tallies], axis=0).tolist()).scores()


def pooled_whdr(tallies: Iterable[DepthTally]) -> dict[str, float]:
    """WHDR of all pairs of all pictures together; NaN without a pair. Raises ValueError without a picture."""
    tallies = _some(tallies)
    return DepthTally(sum(t.wrong for t in tallies), sum(t.weight for t in tallies)).whdr()


def _some(tallies: Iterable) -> list:
    tallies = list(tallies)
    if not tallies:
        raise ValueError("no pictures to score")
    return tallies


def _same_square(*matrices: np.ndarray) -> None:
    shapes = [matrix.shape for matrix in matrices]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or shapes[0][0] != shapes[0][1]:
        raise ValueError(f"order matrices must be [N, N] and of one size, got {shapes}")
