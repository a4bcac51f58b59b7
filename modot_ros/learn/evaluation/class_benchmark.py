# SPDX-License-Identifier: Apache-2.0
"""Semantic classes over a set of pictures, beside two predictions that see no picture."""
from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS
from modot_ros.learn.metrics.class_scores import ClassByRow, ClassScores, class_scores, confusion

COUNTS = (20, 13, 6)                                    # tables of classes that are scored
SMALLEST_NAMED_PX = 30                                  # an instance whose name is scored has so many pixels


class ClassBenchmark:
    """Pixels by true and predicted class, and how many instances of true masks have the right name."""

    def __init__(self) -> None:
        self._pixels = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES) + 1), np.int64)
        self._truths: list[np.ndarray] = []
        self._named = self._right = 0

    def add(self, found: np.ndarray, true: np.ndarray, labels: np.ndarray | None = None,
            names: Mapping[int, str] | None = None) -> None:
        """One picture.

        Args:
            found, true: uint8 [H, W], ids of CLASS_NAMES or UNKNOWN_CLASS.
            labels: integers [H, W], true instances, 0 = background; None where the set has none.
            names: what the instances were named.
        Raises ValueError as `confusion`.
        """
        self._pixels += confusion(found, true)
        self._truths.append(true)
        for label in () if labels is None else np.unique(labels[labels > 0]).tolist():
            classes = true[labels == label]
            known = classes[classes != UNKNOWN_CLASS]
            if len(classes) >= SMALLEST_NAMED_PX and len(known):
                self._named += 1
                self._right += (names or {}).get(label) == CLASS_NAMES[np.bincount(known).argmax()]

    def scores(self, count: int) -> ClassScores:
        """Of all pictures so far, with 20 classes or merged into 13 or 6."""
        return class_scores(self._pixels, count)

    @property
    def names_right(self) -> float:
        """Share of the instances that have the name of their true class; NaN without instances."""
        return self._right / self._named if self._named else math.nan

    def record(self) -> dict[str, float]:
        """The scores by name, as JSON has them."""
        found = {}
        for count in COUNTS:
            one = self.scores(count)
            found |= {f"pixel_accuracy_{count}": one.pixel_accuracy, f"mean_accuracy_{count}": one.mean_accuracy,
                      f"mean_iou_{count}": one.mean_iou}
        return {key: round(value, 4) for key, value in {**found, "names_right": self.names_right}.items()
                if not math.isnan(value)}

    def lines(self, model: str) -> list[str]:
        """Markdown of the model beside the commonest class and the commonest class of every row, both of this very set."""
        by_row = ClassByRow(self._truths)
        blind = {"commonest class of the set": lambda true: np.full_like(true, by_row.commonest),
                 "commonest class of every row": lambda true: by_row.predict(*true.shape)}
        rows = {model: self._pixels} | {name: np.sum([confusion(guess(true), true) for true in self._truths], axis=0)
                                        for name, guess in blind.items()}
        lines = ["| | " + " | ".join(f"{count} classes: pixel accuracy | mean accuracy | mIoU" for count in COUNTS) + " |",
                 "| --- |" + " --- |" * (3 * len(COUNTS))]
        for name, pixels in rows.items():
            cells = [f"{value:.3f}" for count in COUNTS for one in [class_scores(pixels, count)]
                     for value in (one.pixel_accuracy, one.mean_accuracy, one.mean_iou)]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines += ["", "IoU: " + ", ".join(f"{name} {value:.2f}" for name, value in self.scores(20).iou.items())]
        if self._named:
            lines += ["", f"Names of true instances of {SMALLEST_NAMED_PX} px and more: {self.names_right:.3f} of {self._named} "
                      "are right."]
        return lines
