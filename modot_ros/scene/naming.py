# SPDX-License-Identifier: Apache-2.0
"""Names of instances from a map of semantic classes."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS

MOST_VOTES = 160_000                                    # pixels; of a larger picture every second one of every second row counts
_COUNT = len(CLASS_NAMES)


def names_of(labels: np.ndarray, classes: np.ndarray, probability: np.ndarray) -> tuple[dict[int, str], dict[int, float]]:
    """Name and score of every instance by the majority of its pixels.

    Args:
        labels: integers [H, W], 0 = background.
        classes: uint8 [H, W], ids of CLASS_NAMES or UNKNOWN_CLASS.
        probability: float32 [H, W] in 0..1, of the pixel's class.

    Returns the name of each label that has a pixel with a known class (of a picture of more than MOST_VOTES every second one of
    every second row is asked), and its score: the probabilities of the pixels that have
    this class, as a share of all its pixels. Raises ValueError for maps of different sizes and for ids above the table.
    """
    if not labels.shape == classes.shape == probability.shape:
        raise ValueError(f"labels {labels.shape}, classes {classes.shape} and probability {probability.shape} must be [H, W] of "
                         "one size")
    largest = int(np.where(classes == UNKNOWN_CLASS, 0, classes).max())
    if largest >= _COUNT:
        raise ValueError(f"class id {largest} is above the table: ids are 0..{_COUNT - 1}, or {UNKNOWN_CLASS} for unknown")
    if labels.size > MOST_VOTES:                        # classes are coarser than a large picture: a quarter of it says as much
        labels, classes, probability = labels[::2, ::2], classes[::2, ::2], probability[::2, ::2]
    flat = labels.ravel()
    ids = np.flatnonzero(np.bincount(flat))
    place = np.zeros(int(ids[-1]) + 1, np.int32)
    place[ids] = np.arange(len(ids)) * (_COUNT + 1)     # where the row of an instance begins; its last column is unknown
    cells = place[flat] + np.minimum(classes, _COUNT).ravel()
    shape = len(ids), _COUNT + 1
    votes = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    weight = np.bincount(cells, probability.ravel(), shape[0] * shape[1]).reshape(shape)
    area, best = votes.sum(axis=1), votes[:, :-1].argmax(axis=1)
    named = [k for k, number in enumerate(ids) if number and votes[k, best[k]]]
    return ({int(ids[k]): CLASS_NAMES[best[k]] for k in named},
            {int(ids[k]): float(weight[k, best[k]] / area[k]) for k in named})


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
