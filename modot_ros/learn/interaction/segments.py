# SPDX-License-Identifier: Apache-2.0
"""Missing and false boundary pixels, and the lines that they form (DNMMSI, BMVC 2025).

A pixel matches when the other map has one in the 9x9 window around it. Lines are traced in raster order, in one direction
only, and are cut after 100 points: what is left of a line begins a new one. For small pictures all lengths shrink.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from modot_ros.scene.strokes import RADIUS_PX

MISSING, FALSE = 1, -1
SCALED_FOR_PX = 640 * 480                               # a picture on which `Lengths.scaled` are the published ones


@dataclass(frozen=True)
class Lengths:
    """How far apart boundaries match, how long a line is, and how broad the brush; the published ones are the defaults."""

    match_px: int = 4
    fewest_points: int = 30
    most_points: int = 100
    radius_px: int = RADIUS_PX

    @classmethod
    def scaled(cls, width: int, height: int) -> Lengths:
        """For a small picture, by its side: 2, 12, 40 and 5 for 256x192. Larger ones than 640x480 keep the published ones."""
        factor = min(1.0, math.sqrt(width * height / SCALED_FOR_PX))
        return cls(*(max(1, round(factor * length)) for length in (cls.match_px, cls.fewest_points, cls.most_points,
                                                                   cls.radius_px)))


PUBLISHED = Lengths()

_BESIDE = ((0, 1), (0, -1), (1, 0), (-1, 0))            # (row, column) steps, in the order in which the last one wins
_ACROSS = ((1, 1), (1, -1), (-1, 1), (-1, -1))


class Segments(NamedTuple):
    """Lines of missing and of false pixels, int64 [K, 2] (row, column) each; by length, the longest last."""

    missing: list[np.ndarray]
    false: list[np.ndarray]


def error_map(truth: np.ndarray, found: np.ndarray, as_published: bool = False, match_px: int = PUBLISHED.match_px
              ) -> np.ndarray:
    """int8 [H, W]: MISSING where there is truth and nothing was found nearby, FALSE where it is the other way round, else 0.

    truth, found: [H, W], non-zero = boundary. as_published: the official code looks at no window that begins outside the
    picture, so that the first four rows and columns never have errors; by default windows are cut at every border.
    Raises ValueError when the sizes differ.
    """
    if truth.shape != found.shape or truth.ndim != 2:
        raise ValueError(f"truth is {list(truth.shape)} and what was found {list(found.shape)}: must be [H, W] of one size")
    window = np.ones((2 * match_px + 1,) * 2, np.uint8)
    near_truth, near_found = (cv2.dilate((mask != 0).astype(np.uint8), window) > 0 for mask in (truth, found))
    boundary = (truth != 0) | (found != 0)
    state = np.zeros(truth.shape, np.int8)
    state[boundary & near_truth & ~near_found] = MISSING
    state[boundary & near_found & ~near_truth] = FALSE
    if as_published:
        state[:match_px] = state[:, :match_px] = 0
    return state


def traced(state: np.ndarray, lengths: Lengths = PUBLISHED) -> Segments:
    """The lines of an error map with `fewest_points` or more, in raster order of their starts."""
    height, width = state.shape
    rows, columns = np.nonzero(state)
    left = {(r, c): value for r, c, value in zip(rows.tolist(), columns.tolist(), state[rows, columns].tolist())}
    segments = Segments([], [])
    for start in list(left):
        value = left.pop(start, 0)
        if not value:
            continue
        path = [start]
        while len(path) < lengths.most_points:
            r, c = path[-1]
            if r < 2 or c < 2 or r > height - 2 or c > width - 2:
                break
            if beside := _taken(left, value, r, c, _BESIDE):
                if len(beside) == len(_BESIDE):
                    break
                path.append(beside[-1])
                continue
            across = _taken(left, value, r, c, _ACROSS)
            if len(across) != 1:
                break
            path.append(across[0])
        if len(path) >= lengths.fewest_points:
            (segments.missing if value == MISSING else segments.false).append(np.array(path))
    return segments


def _taken(left: dict[tuple[int, int], int], value: int, r: int, c: int, steps: tuple) -> list[tuple[int, int]]:
    """The neighbours of this value that no line has; from now on none gets them."""
    places = [(r + dr, c + dc) for dr, dc in steps]
    places = [place for place in places if left.get(place) == value]
    for place in places:
        del left[place]
    return places


def find_segments(truth: np.ndarray, found: np.ndarray, lengths: Lengths = PUBLISHED,
                  as_published: bool = False) -> Segments:
    """What is missing and what is false in a map of boundaries, by length, the longest last; equally long ones in raster
    order. Arguments and errors of `error_map` and `traced`."""
    segments = traced(error_map(truth, found, as_published, lengths.match_px), lengths)
    return Segments(*(sorted(lines, key=len) for lines in segments))
