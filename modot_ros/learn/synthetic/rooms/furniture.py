# SPDX-License-Identifier: Apache-2.0
"""What stands on a room's floor: each maker returns one Thing, its origin on the floor below the middle."""
from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from modot_ros.learn.synthetic.rooms.parts import Part, Thing, ball, block, box, cable, cup, frustum, limb
from modot_ros.learn.synthetic.rooms.people import person
from modot_ros.learn.synthetic.rooms.tabletop import sprigs


def _legs(rng, hx, hy, height, role, splay=0.0) -> list[Part]:
    thick = rng.uniform(0.015, 0.035)
    inset = thick + rng.uniform(0, 0.05)
    corners = [(sx * (hx - inset), sy * (hy - inset)) for sx in (-1, 1) for sy in (-1, 1)]
    if rng.random() < 0.5:
        return [box(x, y, height / 2, thick, thick, height / 2, role) for x, y in corners]
    return [limb((x * (1 + splay), y * (1 + splay), 0), (x, y, height), thick * 0.8, role) for x, y in corners]


def table(rng: np.random.Generator) -> Thing:
    height, thick = rng.uniform(0.4, 0.78), rng.uniform(0.012, 0.03)
    hx, hy = rng.uniform(0.35, 1.0), rng.uniform(0.3, 0.5)
    if rng.random() < 0.3:
        radius = rng.uniform(0.3, 0.65)
        parts = [frustum(0, 0, height - thick, radius, thick, "top"),
                 frustum(0, 0, (height - 2 * thick) / 2, rng.uniform(0.025, 0.06), height / 2 - thick, "metal"),
                 frustum(0, 0, 0.015, radius * 0.5, 0.015, "metal")]
        return Thing(parts, [((0, 0, height), (radius * 0.65, radius * 0.65))])
    parts = [box(0, 0, height - thick, hx, hy, thick, "top")] + _legs(rng, hx, hy, height - 2 * thick, "metal")
    if rng.random() < 0.35:                             # drawers at one end of a desk
        parts.append(box(hx - 0.24, 0, height / 2 - thick + 0.03, 0.2, hy * 0.9, height / 2 - thick - 0.03, "paint"))
    return Thing(parts, [((0, 0, height), (hx * 0.9, hy * 0.85))])


def chair(rng: np.random.Generator) -> Thing:
    seat, width = rng.uniform(0.4, 0.5), rng.uniform(0.19, 0.26)
    back = seat + rng.uniform(0.35, 0.55)
    lean = rng.uniform(0, 0.2)
    parts = [box(0, 0, seat - 0.02, width, width, 0.02 + rng.uniform(0, 0.03), "fabric")]
    parts += _legs(rng, width, width, seat - 0.03, "metal", splay=rng.uniform(0, 0.15))
    if rng.random() < 0.5:
        middle = (seat + back) / 2
        parts.append(box(0, width - 0.02, middle + 0.05, width, 0.02, (back - seat) / 2, "fabric", (-lean, 0, 0)))
    else:                                               # slats
        for x in np.linspace(-width + 0.03, width - 0.03, rng.integers(3, 6)):
            parts.append(limb((x, width - 0.03, seat), (x, width - 0.03 + lean * 0.4, back), 0.014, "metal"))
        parts.append(box(0, width - 0.03 + lean * 0.4, back, width, 0.02, 0.035, "wood"))
    if rng.random() < 0.3:
        for x in (-width, width):
            parts.append(box(x, -0.02, seat + 0.2, 0.02, width * 0.8, 0.015, "wood"))
            parts.append(box(x, -width * 0.7, seat + 0.09, 0.015, 0.015, 0.095, "metal"))
    return Thing(parts)


def stool(rng: np.random.Generator) -> Thing:
    height, radius = rng.uniform(0.4, 0.75), rng.uniform(0.15, 0.2)
    parts = [frustum(0, 0, height - 0.02, radius, 0.025, "fabric", rng.uniform(0.85, 1))]
    for angle in np.linspace(0, 2 * np.pi, rng.integers(3, 5), endpoint=False) + rng.uniform(0, 2):
        x, y = np.cos(angle), np.sin(angle)
        parts.append(limb((x * radius * 1.1, y * radius * 1.1, 0), (x * radius * .6, y * radius * .6, height - 0.04),
                           0.016, "wood"))
    return Thing(parts)


def sofa(rng: np.random.Generator) -> Thing:
    hx, hy = rng.uniform(0.45, 1.1), rng.uniform(0.4, 0.5)
    seat, back, arm = rng.uniform(0.35, 0.45), rng.uniform(0.7, 0.95), rng.uniform(0.07, 0.14)
    parts = [box(0, 0, seat * 0.5 + 0.03, hx, hy, seat * 0.5 - 0.03, "fabric"),
             box(0, hy - 0.11, (seat + back) / 2, hx, 0.11, (back - seat) / 2, "fabric")]
    for side in (-1, 1):
        top = rng.uniform(0.5, 0.62)
        parts.append(box(side * (hx + arm), 0, top / 2 + 0.02, arm, hy, top / 2 - 0.02, "fabric"))
    seats = max(1, int(hx / 0.35))
    for k in range(seats):
        x = (k + 0.5) / seats * 2 * hx - hx
        parts.append(block(x, -0.1, seat + 0.05, hx / seats - 0.008, hy - 0.12, 0.055, "fabric", (0.94, 0.95)))
        parts.append(block(x, hy - 0.24, seat + 0.25, hx / seats - 0.01, 0.07, 0.18, "fabric", (0.92, 0.6), (0, 0.3)))
        if rng.random() < 0.6:
            parts.append(ball(x + rng.normal(0, 0.05), hy - 0.36, seat + 0.27, 0.2, 0.08, 0.18, "cloth",
                               (-0.35, 0, rng.normal(0, 0.2))))
    return Thing(parts)


def bed(rng: np.random.Generator) -> Thing:
    hx, hy, top = rng.uniform(0.45, 0.95), rng.uniform(0.95, 1.05), rng.uniform(0.4, 0.6)
    parts = [box(0, 0, top / 2, hx, hy, top / 2 - 0.08, "wood"), box(0, 0, top, hx * 0.97, hy * 0.97, 0.09, "cloth"),
             box(0, hy + 0.03, top * 0.9 + 0.15, hx, 0.03, top * 0.9 + 0.15, "wood")]
    for k in range(1 + (hx > 0.65)):
        x = 0.0 if hx <= 0.65 else (k - 0.5) * hx
        parts.append(ball(x, hy - 0.3, top + 0.13, 0.32, 0.2, 0.09, "fabric"))
        for row in range(rng.integers(0, 3)):           # more pillows, leaning
            parts.append(block(x + rng.normal(0, 0.1), hy - 0.45 - 0.13 * row, top + 0.22, 0.2, 0.06, 0.16, "cloth",
                               (0.85, 0.5), turn=(-0.5 + rng.normal(0, 0.15), 0, rng.normal(0, 0.3))))
    for _ in range(rng.integers(0, 9)):                 # a blanket in waves
        parts.append(ball(rng.uniform(-0.7, 0.7) * hx, rng.uniform(-0.9, 0.2) * hy, top + 0.08, rng.uniform(0.15, 0.5),
                          rng.uniform(0.04, 0.12), rng.uniform(0.03, 0.08), "cloth", (0, 0, rng.uniform(0, np.pi))))
    return Thing(parts, [((0, -0.3, top + 0.09), (hx * 0.7, hy * 0.5))])


def cabinet(rng: np.random.Generator) -> Thing:
    hx, hy, height = rng.uniform(0.25, 0.7), rng.uniform(0.18, 0.3), rng.uniform(0.5, 2.0)
    parts = [box(0, 0, height / 2, hx, hy, height / 2, "wood")]
    if rng.random() < 0.5:
        parts.append(box(0, 0, height + 0.012, hx + 0.02, hy + 0.02, 0.012, "paint"))
    for side in (-1, 1):
        parts.append(limb((side * 0.04, -hy - 0.02, height * 0.5), (side * 0.04, -hy - 0.02, height * 0.5 + 0.12),
                           0.008, "metal"))
    return Thing(parts, [((0, 0, height + 0.025), (hx * 0.9, hy * 0.8))] if height < 1.4 else [])


def shelf(rng: np.random.Generator) -> Thing:
    hx, hy, height, wall = rng.uniform(0.3, 0.6), rng.uniform(0.12, 0.2), rng.uniform(0.8, 2.1), 0.012
    rows = int(rng.integers(2, 6))
    parts = [box(side * (hx - wall), 0, height / 2, wall, hy, height / 2, "wood") for side in (-1, 1)]
    if rng.random() < 0.7:
        parts.append(box(0, hy - 0.006, height / 2, hx, 0.006, height / 2, "wood"))
    gap = (height - 2 * wall) / rows
    for row in range(rows + 1):
        parts.append(box(0, 0, wall + row * gap, hx - 2 * wall, hy, wall, "wood"))
    for row in range(rows):
        x, base = -hx + 0.05, 2 * wall + row * gap
        while x < hx - 0.08 and rng.random() < 0.93:    # books, leaving gaps
            thick, tall = rng.uniform(0.01, 0.03), min(rng.uniform(0.14, 0.3), gap - 0.04) / 2
            depth = rng.uniform(0.5, 0.85) * hy
            if rng.random() < 0.75 and tall > 0.03:
                role = ("book", "paint", "cloth")[rng.integers(3)]
                parts.append(box(x + thick, rng.uniform(-0.2, 0.05) * hy, base + tall, thick, depth, tall, role))
            x += 2 * thick + (rng.uniform(0.02, 0.15) if rng.random() < 0.15 else 0.002)
    return Thing(parts, [((0, 0, height + wall), (hx * 0.8, hy * 0.7))] if height < 1.3 else [])


def office_chair(rng: np.random.Generator) -> Thing:
    """Seat and back on a column with a star of five feet on castors."""
    seat, half = rng.uniform(0.42, 0.52), rng.uniform(0.21, 0.26)
    lean = rng.uniform(0.05, 0.25)
    parts = [block(0, 0, seat, half, half, 0.035, "fabric", (0.92, 0.92)),
             block(0, half - 0.02 + 0.3 * lean, seat + 0.33, half * 0.92, 0.03, 0.24, "fabric", (0.85, 0.9),
                   turn=(-lean, 0, 0)),
             limb((0, half - 0.06, seat - 0.02), (0, half + 0.02, seat + 0.25), 0.02, "rubber"),
             limb((0, 0, 0.09), (0, 0, seat - 0.03), 0.025, "metal")]
    for angle in np.linspace(0, 2 * np.pi, 5, endpoint=False) + rng.uniform(0, 1):
        x, y = 0.29 * np.cos(angle), 0.29 * np.sin(angle)
        parts += [limb((0, 0, 0.1), (x, y, 0.075), 0.02, "rubber", 0.7), ball(x, y, 0.03, 0.02, 0.02, 0.03, "rubber")]
    if rng.random() < 0.6:
        for side in (-1, 1):
            parts += [block(side * (half + 0.03), 0, seat + 0.21, 0.03, 0.12, 0.012, "rubber"),
                      *cable([(side * (half - 0.06), 0, seat - 0.03), (side * (half + 0.03), 0, seat),
                              (side * (half + 0.03), 0, seat + 0.2)], 0.014, "rubber")]
    return Thing(parts)


def lounge_chair(rng: np.random.Generator) -> Thing:
    """A deep chair: shells of cushions on bent tubes, or on short legs."""
    half, seat, lean = rng.uniform(0.26, 0.36), rng.uniform(0.3, 0.42), rng.uniform(0.25, 0.55)
    role = str(rng.choice(["fabric", "cloth", "plastic"]))
    thick = rng.uniform(0.02, 0.08)
    back = rng.uniform(0.25, 0.42)
    parts = [block(0, -0.02, seat, half, 0.28, thick, role, (0.96, 0.94), turn=(0.12, 0, 0)),
             block(0, 0.24 + back * np.sin(lean), seat + back * np.cos(lean), half, thick, back, role, (0.9, 0.9),
                   turn=(-lean, 0, 0))]
    radius = rng.uniform(0.012, 0.022)
    for side in (-1, 1):
        x = side * (half + 0.02)
        if rng.random() < 0.5:                          # one tube: runner, front, arm
            angles = np.linspace(-2.6, 0.9, 9)
            arc = [(x, 0.02 - 0.34 * np.cos(a), seat - 0.02 - (seat - radius - 0.02) * np.sin(-a)
                    if a < 0 else seat - 0.02 + 0.24 * np.sin(a)) for a in angles]
            parts += cable(arc, radius, "metal")
        else:
            parts += [limb((x, -0.24, 0), (x, -0.2, seat), radius, "wood"),
                      limb((x, 0.3, 0), (x, 0.2, seat), radius, "wood"),
                      box(x, 0.0, seat + 0.2, 0.03, 0.26, 0.014, "wood"),
                      limb((x, -0.2, seat - 0.02), (x, -0.22, seat + 0.2), radius, "wood")]
    return Thing(parts)


def television(rng: np.random.Generator) -> Thing:
    """A flat screen on a low board."""
    hx, height, hy = rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.6), rng.uniform(0.18, 0.25)
    screen = hx * rng.uniform(0.6, 0.95)
    z = height + 0.06 + screen * 0.56
    return Thing([box(0, 0, height / 2, hx, hy, height / 2, "wood"),
                  box(0, 0.03, z, screen, 0.02, screen * 0.56, "plastic"),
                  box(0, 0.0098, z, screen * 0.97, 0.001, screen * 0.53, "screen"),
                  box(0, 0.03, height + 0.03, 0.15, 0.08, 0.03, "plastic")], [((0, -0.1, height), (hx * 0.9, 0.06))])


def floor_lamp(rng: np.random.Generator) -> Thing:
    height = rng.uniform(1.3, 1.8)
    return Thing([frustum(0, 0, 0.015, 0.14, 0.015, "metal"), frustum(0, 0, height / 2, 0.012, height / 2, "metal"),
                  frustum(0, 0, height, 0.2, 0.13, "glow", rng.uniform(0.5, 1.0))])


def plant(rng: np.random.Generator) -> Thing:
    """A pot with stems and leaves from one root, or with a crown on a trunk."""
    size = rng.uniform(0.4, 1.3)
    pot = 0.12 + 0.06 * size
    parts = cup(0, 0, 0, pot * 0.7, pot, "clay", 1.35, wall=0.012, inside="rubber", filled=0.85)
    if rng.random() < 0.5:
        return Thing(parts + sprigs(rng, (0, 0, pot * 1.7), size * 0.8, int(rng.integers(6, 20))))
    parts.append(limb((0, 0, pot), (0, 0, size * 0.8), 0.015, "wood"))
    for _ in range(rng.integers(10, 25)):
        angle, rise = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 1.2)
        away = rng.uniform(0.08, 0.2) * (0.6 + size)
        centre = (away * np.cos(angle) * 0.8, away * np.sin(angle) * 0.8, size * rng.uniform(0.55, 1.0))
        parts.append(ball(*centre, rng.uniform(0.07, 0.16) * (0.5 + size / 2), 0.035, 0.004, "leaf",
                          tuple(Rotation.from_euler("ZY", [angle, -rise]).as_rotvec())))
    return Thing(parts)


def bin_(rng: np.random.Generator) -> Thing:
    height, radius = rng.uniform(0.25, 0.6), rng.uniform(0.1, 0.18)
    return Thing(cup(0, 0, 0, radius, height / 2, "paint", rng.uniform(1.0, 1.35), filled=rng.uniform(0, 0.7),
                     inside="rubber"))


def crates(rng: np.random.Generator) -> Thing:
    parts, base = [], 0.0
    for _ in range(rng.integers(1, 4)):
        hx, hy, hz = rng.uniform(0.12, 0.28), rng.uniform(0.12, 0.25), rng.uniform(0.08, 0.2)
        parts.append(box(rng.normal(0, 0.02), rng.normal(0, 0.02), base + hz, hx, hy, hz, "card",
                          (0, 0, rng.normal(0, 0.2))))
        base += 2 * hz
    return Thing(parts)


FLOOR_THINGS = {"table": table, "chair": chair, "office_chair": office_chair, "lounge_chair": lounge_chair,
                "stool": stool, "sofa": sofa, "bed": bed, "cabinet": cabinet, "shelf": shelf, "television": television,
                "person": person, "floor_lamp": floor_lamp, "plant": plant, "bin": bin_, "crates": crates}
WEIGHTS = {"table": 20, "chair": 9, "office_chair": 7, "lounge_chair": 5, "stool": 4, "sofa": 9, "bed": 5,
           "cabinet": 10, "shelf": 9, "television": 3, "person": 10, "floor_lamp": 5, "plant": 6, "bin": 4, "crates": 4}
OFTEN_AT_WALL = ("table", "plant", "floor_lamp", "lounge_chair")
AGAINST_WALL = ("sofa", "bed", "cabinet", "shelf", "television")
