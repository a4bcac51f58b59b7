# SPDX-License-Identifier: Apache-2.0
"""Class maps from polygons that a person drew: a few corners a surface, in order from the back to the front."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from modot_ros.classes import ROBOT_NAMES, UNKNOWN_CLASS, class_id

UNLABELLED = "unlabelled"                               # a polygon of pixels that the person could not tell

# Polygons know the 6 classes of robots only: a class of CLASS_NAMES that merges into each, so that scores of 6 classes hold.
_MEMBER = {"structure": "wall", "floor": "floor", "opening": "window", "furniture": "table", "object": "object",
           "person": "person"}


def drawn_classes(polygons: Sequence[dict[str, Any]], height: int, width: int) -> np.ndarray:
    """Classes uint8 [height, width], ids of CLASS_NAMES that merge into the drawn class of ROBOT_NAMES; UNKNOWN_CLASS elsewhere.

    polygons: `class` (of ROBOT_NAMES, or UNLABELLED) and `polygon` [[x, y], ...] as shares of width and height; later ones cover
    earlier ones. A pixel whose centre lies inside belongs to it, and so does one that the outline runs through.
    Raises ValueError for another class, fewer than three corners and corners outside the picture.
    """
    classes = np.full((height, width), UNKNOWN_CLASS, np.uint8)
    for k, one in enumerate(polygons):
        name, corners = one["class"], np.asarray(one["polygon"], np.float64)
        if name not in (*ROBOT_NAMES, UNLABELLED):
            raise ValueError(f"polygon {k} is of class {name!r}: choose one of {', '.join((*ROBOT_NAMES, UNLABELLED))}")
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise ValueError(f"polygon {k} ({name}) must have three corners [x, y] or more")
        if not ((corners >= 0) & (corners <= 1)).all():
            raise ValueError(f"polygon {k} ({name}) has a corner outside 0..1: corners are shares of width and height")
        pixels = np.clip(np.rint(corners * (width, height) - 0.5), 0, (width - 1, height - 1)).astype(np.int32)
        cv2.fillPoly(classes, [pixels], UNKNOWN_CLASS if name == UNLABELLED else class_id(_MEMBER[name]))
    return classes
