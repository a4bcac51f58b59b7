# SPDX-License-Identifier: Apache-2.0
"""Names of instances from a map of semantic classes."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS


def names_of(labels: np.ndarray, classes: np.ndarray, probability: np.ndarray) -> tuple[dict[int, str], dict[int, float]]:
    """Name and score of every instance by the majority of its pixels.

    Args:
        labels: integers [H, W], 0 = background.
        classes: uint8 [H, W], ids of CLASS_NAMES or UNKNOWN_CLASS.
        probability: float32 [H, W] in 0..1, of the pixel's class.

    Returns the name of each label that has a pixel with a known class, and its score: the probabilities of the pixels that have
    this class, as a share of all its pixels. Raises ValueError for maps of different sizes and for ids above the table.
    """
    if not labels.shape == classes.shape == probability.shape:
        raise ValueError(f"labels {labels.shape}, classes {classes.shape} and probability {probability.shape} must be [H, W] of "
                         "one size")
    instance = labels > 0
    known = instance & (classes != UNKNOWN_CLASS)
    if not known.any():
        return {}, {}
    if classes[known].max() >= len(CLASS_NAMES):
        raise ValueError(f"class id {classes[known].max()} is above the table: ids are 0..{len(CLASS_NAMES) - 1}, or "
                         f"{UNKNOWN_CLASS} for unknown")
    ids, place = np.unique(labels[instance], return_inverse=True)
    area = np.bincount(place)
    place = place[known[instance]]
    cells = place * len(CLASS_NAMES) + classes[known]
    votes = np.bincount(cells, minlength=len(ids) * len(CLASS_NAMES)).reshape(len(ids), -1)
    weight = np.bincount(cells, probability[known], minlength=votes.size).reshape(votes.shape)
    best = votes.argmax(axis=1)
    named = votes.any(axis=1)
    names = {int(ids[k]): CLASS_NAMES[best[k]] for k in np.flatnonzero(named)}
    return names, {int(ids[k]): float(weight[k, best[k]] / area[k]) for k in np.flatnonzero(named)}


def completed(labels: np.ndarray, classes: np.ndarray | None, probability: np.ndarray | None,
              names: Mapping[int, str] | None = None, scores: Mapping[int, float] | None = None
              ) -> tuple[dict[int, str], dict[int, float]]:
    """Names and scores that were given, and for labels without a name those of `names_of`, where there are classes."""
    names, scores = dict(names or {}), dict(scores or {})
    if classes is None or probability is None:
        return names, scores
    own_names, own_scores = names_of(labels, classes, probability)
    nameless = [label for label in own_names if not names.get(label)]
    return ({**names, **{label: own_names[label] for label in nameless}},
            {**scores, **{label: own_scores[label] for label in nameless}})
