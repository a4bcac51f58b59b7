# SPDX-License-Identifier: Apache-2.0
"""Parts that things are made of, in the thing's own frame: x right, y forward (the front is at -y), z up, metres."""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from modot_ros.learn.synthetic.rooms.shapes import BOX, ELLIPSOID, FRUSTUM, HULL, hull_planes

FLAT_M = 2e-5                                           # half the thickness of print, paper, carpets: not a step


@dataclass(frozen=True)
class Part:
    """Solid of a thing: kind, centre, half extents (metres), material role, rotation vector (radians); the others as
    those of a Solid. Parts name materials by role, which the room resolves to concrete ones."""

    kind: int
    centre_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    role: str
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    taper: float = 1.0
    cut: float = 1.0
    hole: float = 0.0
    inside: bool = False
    planes: np.ndarray | None = None

    @cached_property
    def rotation(self) -> np.ndarray:
        """[3, 3] of `turn`."""
        return Rotation.from_rotvec(self.turn).as_matrix()

    @cached_property
    def reach_m(self) -> np.ndarray:
        """Half extents [3] of an upright box about the centre that holds the part."""
        half = np.array(self.half_m) * [max(1, self.taper), max(1, self.taper), 1]
        return np.abs(self.rotation) @ half


@dataclass
class Thing:
    """Parts of one instance, the level tops that clutter may stand on, (centre, half extents) per top, and of clutter the
    name of its maker."""

    parts: list[Part]
    tops: list[tuple[tuple[float, float, float], tuple[float, float]]] = field(default_factory=list)
    name: str = ""

    @property
    def half_footprint_m(self) -> np.ndarray:
        """Half extents [2] of an upright box about the origin that holds all parts."""
        reach = np.zeros(2)
        for part in self.parts:
            reach = np.maximum(reach, np.abs(part.centre_m[:2]) + part.reach_m[:2])
        return reach

    @property
    def height_m(self) -> float:
        return max(part.centre_m[2] + part.reach_m[2] for part in self.parts)

    @property
    def stackable(self) -> bool:
        """Whether its highest part ends in a level face, so that something may stand on it."""
        top = max(self.parts, key=lambda part: part.centre_m[2] + part.reach_m[2])
        return top.kind == BOX and abs(top.turn[0]) + abs(top.turn[1]) < 1e-6 and min(top.half_m[:2]) > 0.03


def box(x, y, z, hx, hy, hz, role, turn=(0.0, 0.0, 0.0)) -> Part:
    return Part(BOX, (x, y, z), (hx, hy, hz), role, turn)


def frustum(x, y, z, radius, hz, role, taper=1.0, turn=(0.0, 0.0, 0.0)) -> Part:
    return Part(FRUSTUM, (x, y, z), (radius, radius, hz), role, turn, taper)


def ball(x, y, z, hx, hy, hz, role, turn=(0.0, 0.0, 0.0)) -> Part:
    return Part(ELLIPSOID, (x, y, z), (hx, hy, hz), role, turn)


def hull(x, y, z, hx, hy, hz, role, vertices, turn=(0.0, 0.0, 0.0)) -> Part:
    """The convex hull of vertices [V][3] in [-1, 1]^3, scaled by the half extents."""
    planes = hull_planes(tuple(tuple(float(c) for c in vertex) for vertex in vertices))
    return Part(HULL, (x, y, z), (hx, hy, hz), role, turn, planes=planes)


def block(x, y, z, hx, hy, hz, role, top=(1.0, 1.0), shift=(0.0, 0.0), turn=(0.0, 0.0, 0.0)) -> Part:
    """A box whose top is scaled by `top` and moved by `shift` of the half extents: tubs, wedges, gables, mattresses.
    The bottom shrinks instead where the top would be larger."""
    widest = np.maximum(1.0, np.abs(np.array(shift)) + top)
    corners = [(sx, sy) for sx in (-1, 1) for sy in (-1, 1)]
    low = [(sx / widest[0], sy / widest[1], -1.0) for sx, sy in corners]
    high = [((sx * max(top[0], 1e-3) + shift[0]) / widest[0], (sy * max(top[1], 1e-3) + shift[1]) / widest[1], 1.0)
            for sx, sy in corners]
    return hull(x, y, z, hx * widest[0], hy * widest[1], hz, role, low + high, turn)


def prism(x, y, z, radius, hz, role, sides, turn=(0.0, 0.0, 0.0)) -> Part:
    """An upright prism with 3 to 8 sides."""
    angles = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    return hull(x, y, z, radius, radius, hz, role, [(np.cos(a), np.sin(a), s) for a in angles for s in (-1, 1)], turn)


def cup(x, y, base, radius, hz, role, taper=1.2, wall=0.003, inside=None, filled=0.0) -> list[Part]:
    """An open cup of outer bottom radius: rim and hollow, filled up to a share of its height."""
    hollow = (1 - wall / (radius * max(taper, 1e-3)))
    low = base + min(wall, 0.3 * hz) + filled * 2 * hz  # floor of the hollow
    top = base + 2 * hz
    at = (low - base) / (2 * hz)
    floor_radius = (radius - wall) * (1 + (taper - 1) * at)
    deep = (top - low) / 2
    return [Part(FRUSTUM, (x, y, base + hz), (radius, radius, hz), role, taper=taper, hole=hollow),
            Part(FRUSTUM, (x, y, low + deep), (floor_radius, floor_radius, deep), inside or role,
                 taper=radius * taper * hollow / floor_radius, inside=True)]


def bowl(x, y, base, radius, height, role, wall=0.004, inside=None) -> list[Part]:
    """An open round bowl: a cap of a sphere, stretched, with its hollow."""
    half = np.array([radius, radius, height])
    return [Part(ELLIPSOID, (x, y, base + height), tuple(half), role, cut=0.0, hole=1 - wall / radius),
            Part(ELLIPSOID, (x, y, base + height), tuple(half * (1 - wall / radius)), inside or role, cut=0.0,
                 inside=True)]


def tray(x, y, base, hx, hy, hz, role, wall=0.006) -> list[Part]:
    """An open box of five boards."""
    parts = [box(x, y, base + wall / 2, hx, hy, wall / 2, role)]
    for side in (-1, 1):
        parts.append(box(x + side * (hx - wall / 2), y, base + hz, wall / 2, hy, hz, role))
        parts.append(box(x, y + side * (hy - wall / 2), base + hz, hx - wall, wall / 2, hz, role))
    return parts


def cable(points, radius, role) -> list[Part]:
    """A cable along points [K][3]: limbs between them, balls at the bends."""
    parts = [limb(a, b, radius, role) for a, b in zip(points, points[1:])]
    return parts + [ball(*p, radius, radius, radius, role) for p in points[1:-1]]


def limb(start, end, radius, role, taper=1.0) -> Part:
    """A frustum from one point to another."""
    start, end = np.array(start, float), np.array(end, float)
    axis = end - start
    length = np.linalg.norm(axis)
    axis = axis / length
    across = np.cross([0, 0, 1.0], axis)
    sine = np.linalg.norm(across)
    turn = across / sine * np.arctan2(sine, axis[2]) if sine > 1e-9 else np.zeros(3)
    return Part(FRUSTUM, tuple((start + end) / 2), (radius, radius, length / 2), role, tuple(turn), taper)
