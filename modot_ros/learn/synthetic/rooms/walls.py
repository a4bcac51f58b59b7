# SPDX-License-Identifier: Apache-2.0
"""A room's shell: floor, ceiling and four walls, with an opening at times: a doorway to another space, or a window."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modot_ros.learn.synthetic.rooms.parts import Part, box, frustum

THICK_M = 0.25                                          # of slabs, which overlap at the corners


@dataclass(frozen=True)
class Opening:
    """A hole in a wall: axis across the wall (0 = x, 1 = y), far side or near side of the room, from first to last
    along the wall and from low to high above the floor, all metres; kind "door" or "window"."""

    axis: int
    far: bool
    first_m: float
    last_m: float
    low_m: float
    high_m: float
    kind: str

    @property
    def wall(self) -> int:
        """Number of the wall: x near, x far, y near, y far."""
        return 2 * self.axis + self.far

    def point(self, room_m: np.ndarray, along_m: float, out_m: float, height_m: float) -> np.ndarray:
        """World point [3] along the wall, out_m beyond the wall's inner face."""
        point = np.empty(3)
        point[1 - self.axis], point[2] = along_m, height_m
        point[self.axis] = room_m[self.axis] + out_m if self.far else -out_m
        return point


def room_size(rng: np.random.Generator) -> np.ndarray:
    """Length, width, height [3] in metres: a room, every eighth a corridor, every tenth a hall."""
    which, height = rng.random(), rng.uniform(2.3, 3.1)
    if which < 0.12:
        size = np.array([rng.uniform(1.4, 2.2), rng.uniform(4.5, 9.0)])
    elif which < 0.22:
        size, height = rng.uniform(6, 10, 2), rng.uniform(2.6, 4.0)
    else:
        size = rng.uniform(2.6, 6.5, 2)
    return np.append(size[rng.permutation(2)], height)


def random_opening(rng: np.random.Generator, room_m: np.ndarray) -> Opening | None:
    """A doorway or a window in half of the rooms."""
    if rng.random() < 0.5:
        return None
    axis, far = int(rng.integers(2)), bool(rng.integers(2))
    length = room_m[1 - axis]
    if rng.random() < 0.45:
        width, low, high, kind = rng.uniform(0.75, 1.6), 0.0, rng.uniform(1.95, 2.2), "door"
    else:
        width, kind = rng.uniform(0.7, 2.4), "window"
        low = 0.0 if rng.random() < 0.25 else rng.uniform(0.5, 1.0)
        high = rng.uniform(1.9, room_m[2] - 0.12)
    width = min(width, length - 0.3)
    first = rng.uniform(0.1, length - width - 0.1)
    return Opening(axis, far, first, first + width, low, high, kind)


def slabs(room_m: np.ndarray, opening: Opening | None) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Boxes of the shell: centre [3], half extents [3], role ("floor", "ceiling" or "wall" and its number)."""
    t = THICK_M
    low, high = np.full(3, -2 * t), room_m + 2 * t
    found = [(np.array([*low[:2], -2 * t]), np.array([*high[:2], 0.0]), "floor"),
             (np.array([*low[:2], room_m[2]]), np.array([*high[:2], room_m[2] + 2 * t]), "ceiling")]
    for number in range(4):
        axis, far = divmod(number, 2)
        first, last = low.copy(), high.copy()
        first[axis], last[axis] = (room_m[axis], room_m[axis] + t) if far else (-t, 0.0)
        if opening is None or opening.wall != number:
            found.append((first, last, f"wall{number}"))
            continue
        along = 1 - axis
        for a, b, c, d in ((first[along], opening.first_m, first[2], last[2]),
                           (opening.last_m, last[along], first[2], last[2]),
                           (opening.first_m, opening.last_m, first[2], opening.low_m),
                           (opening.first_m, opening.last_m, opening.high_m, last[2])):
            piece_first, piece_last = first.copy(), last.copy()
            piece_first[along], piece_last[along], piece_first[2], piece_last[2] = a, b, c, d
            found.append((piece_first, piece_last, f"wall{number}"))
    return [((first + last) / 2, (last - first) / 2, role) for first, last, role in found]


def beyond(rng: np.random.Generator, room_m: np.ndarray, opening: Opening) -> tuple[list, float]:
    """The closed space behind an opening: boxes as in slabs(), and its depth in metres."""
    t = THICK_M
    if opening.kind == "door":
        deep, sides, floor, ceiling = rng.uniform(1.2, 4.5), rng.uniform(0.1, 1.5, 2), 0.0, room_m[2]
        roles = ("annex floor", "ceiling", "annex wall", "annex wall", "annex wall")
    else:
        deep, sides, floor, ceiling = rng.uniform(5, 9), rng.uniform(4, 7, 2), rng.uniform(-1.5, 0.0), 7.0
        roles = ("ground", "sky", "outdoors", "outdoors", "outdoors")
    first, last = opening.first_m - sides[0], opening.last_m + sides[1]
    middle, half = (first + last) / 2, (last - first) / 2
    pieces = [(middle, half + 2 * t, deep / 2 + t, deep / 2 + t, floor - t, t),
              (middle, half + 2 * t, deep / 2 + t, deep / 2 + t, ceiling + t, t),
              (middle, half + 2 * t, deep + t, t, (floor + ceiling) / 2, (ceiling - floor) / 2 + t),
              (first - t, t, deep / 2 + t, deep / 2 + t, (floor + ceiling) / 2, (ceiling - floor) / 2 + t),
              (last + t, t, deep / 2 + t, deep / 2 + t, (floor + ceiling) / 2, (ceiling - floor) / 2 + t)]
    found = []
    for (along, along_half, out, out_half, height, height_half), role in zip(pieces, roles):
        half_m = np.empty(3)
        half_m[1 - opening.axis], half_m[opening.axis], half_m[2] = along_half, out_half, height_half
        # the floor and ceiling begin at the wall's outer face
        start = max(out, t + out_half) if role in ("annex floor", "ground", "ceiling", "sky") else out + t
        found.append((opening.point(room_m, along, start, height), half_m, role))
    return found, deep


def frame(rng: np.random.Generator, opening: Opening) -> list[Part]:
    """Frame and bars in an opening: x along the wall from the opening's middle, y outwards, z up from the floor."""
    half = (opening.last_m - opening.first_m) / 2
    middle, tall = (opening.low_m + opening.high_m) / 2, (opening.high_m - opening.low_m) / 2
    thick, deep = rng.uniform(0.02, 0.05), rng.uniform(0.02, 0.06)
    parts = [box(side * (half - thick), 0.06, middle, thick, deep, tall, "paint") for side in (-1, 1)]
    parts.append(box(0, 0.06, opening.high_m - thick, half - 2 * thick, deep, thick, "paint"))
    if opening.kind == "window":
        parts.append(box(0, 0.06, opening.low_m + thick, half - 2 * thick, deep, thick, "paint"))
        bars = int(rng.integers(0, 4))
        for x in np.linspace(-half, half, bars + 2)[1:-1]:
            parts.append(box(x, 0.06, middle, thick * 0.6, deep * 0.7, tall - 2 * thick, "paint"))
        if rng.random() < 0.3:
            parts.append(box(0, 0.06, middle, half - 2 * thick, deep * 0.7, thick * 0.5, "paint"))
        if opening.low_m > 0 and rng.random() < 0.6:    # sill
            parts.append(box(0, -0.06, opening.low_m - 0.012, half + 0.05, 0.1, 0.012, "paint"))
    return parts


def curtain(rng: np.random.Generator, width_m: float, low_m: float, high_m: float) -> list[Part]:
    """Folds that hang from high_m to low_m over width_m along x, centred; the wall is at y = 0.1."""
    radius = rng.uniform(0.018, 0.05)
    parts, x = [], -width_m / 2
    flare = rng.uniform(0.75, 1.0)
    while x < width_m / 2:
        wide = radius * rng.uniform(0.8, 1.5)
        parts.append(frustum(x, rng.normal(0, radius * 0.3), (low_m + high_m) / 2, wide, (high_m - low_m) / 2,
                             "curtain", flare, (rng.normal(0, 0.006), 0, 0)))
        x += 1.5 * wide
    parts.append(box(0, 0, high_m + 0.01, width_m / 2 + 0.1, 0.012, 0.012, "metal"))
    return parts
