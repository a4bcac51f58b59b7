# SPDX-License-Identifier: Apache-2.0
"""An unsteady stroke along a line (DNMMSI, BMVC 2025).

Its ends lie up to a reach further out or in, and every point is shifted by chance: along the line where that is level or
upright, both ways where it is steep.
"""
from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

import cv2
import numpy as np

from modot_ros.scene.strokes import RADIUS_PX, disk

STEEP_DEGREES = 60.0
FLAT_DEGREES = 30.0


def axes_of(segment: np.ndarray) -> tuple[bool, bool]:
    """Whether points are moved in rows, and in columns. An upright line has the first, a level one the second."""
    (r1, c1), (r2, c2) = segment[0].tolist(), segment[-1].tolist()
    angle = math.degrees(math.atan2(c2 - c1, r2 - r1))
    if r1 == r2 or abs(angle) >= STEEP_DEGREES:
        return False, True
    return True, abs(angle) > FLAT_DEGREES


def scribble(segment: np.ndarray, draws: Random, radius_px: int = RADIUS_PX, as_published: bool = False) -> np.ndarray:
    """Middles of the brush, int64 [K, 2] (row, column), some perhaps outside the picture.

    Args:
        segment: int [K, 2] (row, column), as `traced` gives them.
        draws: where chance comes from; `randint` is called.
        as_published: where a line runs to the left, the official code prolongs it to the right of its end and to the left
            of its start; by default it goes on as it runs.
    """
    reach = radius_px - 2 if radius_px > 3 else 1
    in_rows, in_columns = axes_of(segment)
    start, end = draws.randint(-reach, reach), draws.randint(-reach, reach)
    points = segment[max(start, 0):len(segment) - max(end, 0)].astype(np.int64)
    for point in points:
        if in_rows:
            point[0] += draws.randint(-reach, reach)
        if in_columns:
            point[1] += draws.randint(-reach, reach)
    to_the_left = segment[-1][1] < segment[0][1] and not as_published
    step = np.array([in_rows, -in_columns if to_the_left else in_columns], np.int64)
    front = segment[0] - step * np.arange(1, 1 - min(start, 0))[:, None]
    back = segment[-1] + step * np.arange(1, 1 - min(end, 0))[:, None]
    return np.concatenate([front, points, back])


def brushed(scribbles: Iterable[np.ndarray], height: int, width: int, radius_px: int = RADIUS_PX) -> np.ndarray:
    """Disks around all middles, bool [H, W]; what is outside the picture is cut off."""
    margin = radius_px                                  # a middle further out leaves nothing inside
    canvas = np.zeros((height + 2 * margin, width + 2 * margin), np.uint8)
    for points in scribbles:
        r, c = (points + margin).T
        inside = (r >= 0) & (r < canvas.shape[0]) & (c >= 0) & (c < canvas.shape[1])
        canvas[r[inside], c[inside]] = 1
    drawn = cv2.dilate(canvas, disk(radius_px))
    return drawn[margin:margin + height, margin:margin + width].astype(bool)
