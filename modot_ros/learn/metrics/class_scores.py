# SPDX-License-Identifier: Apache-2.0
"""Scores of semantic classes, and two predictions without a network that a network has to beat.

Pixel accuracy, mean accuracy and mean IoU as in FCN (Long et al., CVPR 2015), from one confusion matrix over all pictures. Pixels
whose true class is unknown do not count; a predicted unknown is wrong everywhere else.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from modot_ros.classes import CLASS_NAMES, NYU13_NAMES, ROBOT_NAMES, UNKNOWN_CLASS, merged

NAMES = {20: CLASS_NAMES, 13: NYU13_NAMES, 6: ROBOT_NAMES}
_COUNT = len(CLASS_NAMES)
ROWS = 48                                               # bands of a picture that `ClassByRow` tells apart


@dataclass(frozen=True)
class ClassScores:
    """All in [0, 1]; NaN where no pixel has a known class."""

    pixel_accuracy: float                               # share of pixels with the right class
    mean_accuracy: float                                # mean over true classes of the share of their pixels that is right
    mean_iou: float                                     # mean over true classes of shared pixels / pixels of either
    iou: dict[str, float]                               # of every true class, by its name


def confusion(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Pixels int64 [20, 21] by true and by predicted class, the last column unknown; to be summed over pictures.

    found, true: uint8 [H, W], ids of CLASS_NAMES or UNKNOWN_CLASS. Raises ValueError for maps of different sizes and for ids that
    are above the table.
    """
    if found.shape != true.shape:
        raise ValueError(f"classes {list(found.shape)} and truth {list(true.shape)} must be of one size")
    found, true = merged(found, _COUNT), merged(true, _COUNT)           # checks both
    known = true != UNKNOWN_CLASS
    columns = np.minimum(found[known].astype(np.int64), _COUNT)
    return np.bincount(true[known] * np.int64(_COUNT + 1) + columns,
                       minlength=_COUNT * (_COUNT + 1)).reshape(_COUNT, _COUNT + 1)


def class_scores(pixels: np.ndarray, count: int = _COUNT) -> ClassScores:
    """Scores of a confusion matrix [20, 21] with 20 classes, or merged into 13 or 6. Raises ValueError for another count."""
    place = np.append(merged(np.arange(_COUNT, dtype=np.uint8), count), count)
    table = np.zeros((count, count + 1), np.int64)
    np.add.at(table, (place[:-1, None], place[None]), pixels)
    right, true, found = np.diagonal(table), table.sum(1), table.sum(0)[:-1]
    there = true > 0
    if not there.any():
        return ClassScores(np.nan, np.nan, np.nan, {})
    iou = right[there] / (true + found - right)[there]
    return ClassScores(float(right.sum() / true.sum()), float(np.mean(right[there] / true[there])), float(iou.mean()),
                       {NAMES[count][k]: float(value) for k, value in zip(np.flatnonzero(there), iou)})


class ClassByRow:
    """The commonest class of each of ROWS bands of a picture, of all views that it has seen: floors are below.

    commonest: id of the commonest class of all their pixels.
    """

    def __init__(self, views: Iterable[np.ndarray]) -> None:
        """views: classes uint8 [H, W] each. Raises ValueError when no pixel of them is known."""
        pixels = np.zeros((ROWS, _COUNT), np.int64)
        for classes in views:
            band = np.broadcast_to(_bands(len(classes))[:, None], classes.shape)
            known = merged(classes, _COUNT) != UNKNOWN_CLASS
            pixels += np.bincount(band[known] * _COUNT + classes[known].astype(np.int64),
                                  minlength=pixels.size).reshape(pixels.shape)
        if not pixels.any():
            raise ValueError("no pixel of these views has a known class")
        self.commonest = int(pixels.sum(0).argmax())
        self._of_band = np.where(pixels.any(1), pixels.argmax(1), self.commonest).astype(np.uint8)

    def predict(self, height: int, width: int) -> np.ndarray:
        """uint8 [height, width]."""
        return np.repeat(self._of_band[_bands(height)][:, None], width, axis=1)


def _bands(height: int) -> np.ndarray:
    """The band [height] of every row."""
    return np.arange(height) * ROWS // height
