# SPDX-License-Identifier: Apache-2.0
"""A picture with its boundaries and the strokes of a person on it."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modot_ros.scene.strokes import Stroke, stroke_maps

COLOURS = {"missing": (0, 200, 0), "false": (230, 0, 0)}
LINE = (255, 255, 255)
STROKE_SHARE = 0.45                     # of a stroke's colour over the picture


def stroke_overlay(rgb: np.ndarray, mask: np.ndarray, strokes: Sequence[Stroke] = ()) -> np.ndarray:
    """The picture, uint8 [H, W, 3]: strokes where a boundary is missing in green, where one is false in red, boundaries white.

    mask  bool [H, W]. Raises ValueError when it is of another size, and as `stroke_maps`.
    """
    if mask.shape != rgb.shape[:2]:
        raise ValueError(f"boundaries are {mask.shape}, the picture {rgb.shape[:2]}")
    picture = rgb.copy()
    drawn = stroke_maps(strokes, rgb.shape[1], rgb.shape[0])
    for where, colour in zip(drawn, COLOURS.values()):
        picture[where] = np.rint((1 - STROKE_SHARE) * picture[where] + STROKE_SHARE * np.array(colour))
    picture[mask] = LINE
    return picture
