# SPDX-License-Identifier: Apache-2.0
"""Thinning of a mask to lines of one pixel, as MATLAB's `bwmorph(mask, "thin", inf)` and the BSDS benchmark do it.

Guo and Hall, "Parallel Thinning with Two-Subiteration Algorithms" (CACM 1989), by one table per turn.
"""
from __future__ import annotations

import cv2
import numpy as np

# Bit of each neighbour in a pixel's code, counter-clockwise from the right, and the filter that makes the code.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
_CODE = np.zeros((3, 3), np.float32)
for _bit, (_dv, _du) in enumerate(_RING):
    _CODE[1 + _dv, 1 + _du] = 2 ** _bit


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """bool [256] twice: which pixels go in the first and in the second turn, by the code of their neighbours."""
    codes = np.arange(256)
    x = [(codes >> bit & 1).astype(bool) for bit in range(8)]           # x[0] right, then counter-clockwise
    # Crossings: how many separate pieces of boundary start around the pixel.
    crossings = sum((~x[k] & (x[k + 1] | x[(k + 2) % 8])).astype(int) for k in (0, 2, 4, 6))
    pairs = [sum((x[k] | x[(k + 1) % 8]).astype(int) for k in start) for start in ((1, 3, 5, 7), (0, 2, 4, 6))]
    fewest = np.minimum(*pairs)
    simple = (crossings == 1) & (fewest >= 2) & (fewest <= 3)
    first = simple & ~((x[1] | x[2] | ~x[7]) & x[0])
    second = simple & ~((x[5] | x[6] | ~x[3]) & x[4])
    return first, second


_TABLES = _tables()


def thinned(mask: np.ndarray) -> np.ndarray:
    """The mask [H, W] reduced until nothing changes; bool [H, W]. Beyond the border nothing is set."""
    left = (mask != 0).astype(np.uint8)
    while True:
        before = cv2.countNonZero(left)
        for goes in _TABLES:
            code = cv2.filter2D(left, cv2.CV_32F, _CODE, borderType=cv2.BORDER_CONSTANT).astype(np.uint8)
            left[goes[code]] = 0
        if cv2.countNonZero(left) == before:
            return left > 0
