# SPDX-License-Identifier: Apache-2.0
"""Strokes that a person draws over boundaries, as lines, as JSON and as the maps that a network reads.

DNMMSI (Xu and Wang, BMVC 2025) reads one map of strokes where a boundary is missing and one where it is false, drawn with
a round brush of radius 12.
"""
from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

KINDS = ("missing", "false")
RADIUS_PX = 12
MOST_RADIUS_PX = 100
MOST_POINTS = 2000                                      # of one stroke: half a minute of a mouse


@dataclass(frozen=True, eq=False)
class Stroke:
    """A line drawn over a picture with a round brush.

    kind        one of KINDS: along it a boundary is missing, or what is there is false
    points_px   float [K, 2], (u, v) in pixels, the middle of the first pixel being (0, 0)
    radius_px   of the brush
    """

    kind: str
    points_px: np.ndarray
    radius_px: int = RADIUS_PX


def validate_strokes(strokes: Iterable[Stroke], width: int, height: int) -> list[Stroke]:
    """The strokes, their points as float64 [K, 2], if they can be drawn on a picture of this size.

    Raises ValueError naming the first stroke, counted from 1, whose kind is unknown, whose brush is not 1..MOST_RADIUS_PX,
    or whose points are no pairs of numbers, too many, not finite, outside the picture, or less than a pixel of line.
    """
    checked = []
    for number, stroke in enumerate(strokes, start=1):
        if stroke.kind not in KINDS:
            raise ValueError(f"stroke {number}: kind is {stroke.kind!r}: choose one of {', '.join(KINDS)}")
        name = f"stroke {number} ({stroke.kind})"
        radius = stroke.radius_px
        if isinstance(radius, bool) or not isinstance(radius, (int, np.integer)) or not 1 <= radius <= MOST_RADIUS_PX:
            raise ValueError(f"{name}: radius_px is {radius!r}: must be a whole number in 1..{MOST_RADIUS_PX}")
        try:
            points = np.asarray(stroke.points_px, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: its points are no pairs of numbers") from error
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"{name}: its points are {list(points.shape)}: must be [K, 2], at least one")
        if len(points) > MOST_POINTS:
            raise ValueError(f"{name}: it has {len(points)} points: at most {MOST_POINTS} are allowed, draw several strokes")
        bad = ~np.isfinite(points).all(axis=1)
        if bad.any():
            raise ValueError(f"{name}: point {bad.argmax() + 1} is {points[bad.argmax()].tolist()}: must be finite")
        bad = ((points < 0) | (points > (width - 1, height - 1))).any(axis=1)
        if bad.any():
            raise ValueError(f"{name}: point {bad.argmax() + 1} is {points[bad.argmax()].tolist()}, outside the picture of "
                             f"{width}x{height}")
        length = np.hypot(*np.diff(points, axis=0).T).sum()
        if length < 1:
            raise ValueError(f"{name}: its length is {length:.2g} px: must be 1 or more")
        checked.append(Stroke(stroke.kind, points, int(radius)))
    return checked


def stroke_maps(strokes: Iterable[Stroke], width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a boundary is missing and where it is false, bool [H, W] each. Raises ValueError as `validate_strokes`."""
    maps = {kind: np.zeros((height, width), bool) for kind in KINDS}
    for stroke in validate_strokes(strokes, width, height):
        line = np.zeros((height, width), np.uint8)
        cv2.polylines(line, [np.rint(stroke.points_px).astype(np.int32)], isClosed=False, color=1)
        maps[stroke.kind] |= cv2.dilate(line, disk(stroke.radius_px)).astype(bool)
    return maps["missing"], maps["false"]


def disk(radius_px: int) -> np.ndarray:
    """uint8 [2 r + 1, 2 r + 1], 1 where du^2 + dv^2 <= r^2."""
    v, u = np.ogrid[-radius_px:radius_px + 1, -radius_px:radius_px + 1]
    return (u * u + v * v <= radius_px * radius_px).astype(np.uint8)


def strokes_to_json(strokes: Iterable[Stroke], width: int, height: int) -> str:
    """The strokes and the size of their picture as JSON; `strokes_from_json` reads it."""
    listed = [{"kind": stroke.kind, "radius_px": stroke.radius_px, "points": stroke.points_px.tolist()}
              for stroke in validate_strokes(strokes, width, height)]
    return json.dumps({"width": width, "height": height, "strokes": listed})


def strokes_from_json(text: str | bytes, width: int, height: int) -> list[Stroke]:
    """Strokes for a picture of this size.

    The JSON is {"width": W, "height": H, "strokes": [{"kind": "missing" or "false", "points": [[u, v], ...],
    "radius_px": 12}, ...]}; the radius may be left out. Raises ValueError for what is no such JSON, for strokes of a picture
    of another size, and as `validate_strokes`.
    """
    try:
        content = json.loads(text)
    except ValueError as error:                         # not UTF-8, too
        raise ValueError(f"no JSON ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("strokes"), list):
        raise ValueError('no strokes: must be {"width": W, "height": H, "strokes": [...]}')
    size = content.get("width"), content.get("height")
    if size != (width, height):
        raise ValueError(f"strokes of a picture of {size[0]}x{size[1]}, this one is {width}x{height}")
    strokes = []
    for number, item in enumerate(content["strokes"], start=1):
        if not isinstance(item, dict) or not {"kind", "points"} <= set(item) <= {"kind", "points", "radius_px"}:
            raise ValueError(f'stroke {number}: must have "kind" and "points", may have "radius_px", and no more')
        strokes.append(Stroke(item["kind"], item["points"], item.get("radius_px", RADIUS_PX)))
    return validate_strokes(strokes, width, height)
