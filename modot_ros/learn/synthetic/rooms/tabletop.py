# SPDX-License-Identifier: Apache-2.0
"""What lies and stands on tops: each maker returns one Thing of real size, its origin on the top below the middle."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from modot_ros.learn.synthetic.rooms.parts import (
    FLAT_M,
    Thing,
    ball,
    block,
    bowl,
    box,
    cable,
    cup,
    frustum,
    limb,
    prism,
    tray,
)

_ROUND = ("paint", "plastic", "clay", "glass")


def mug(rng: np.random.Generator) -> Thing:
    radius, half = rng.uniform(0.028, 0.048), rng.uniform(0.032, 0.06)
    role = str(rng.choice(["paint", "plastic", "clay"]))
    taper = rng.uniform(1.0, 1.35)
    parts = cup(0, 0, 0, radius, half, role, taper, inside=role if rng.random() < 0.6 else "paint",
                filled=rng.choice([0.0, rng.uniform(0.3, 0.8)]))
    if rng.random() < 0.65:                             # a handle of four short limbs
        r, out = radius * (1 + taper) / 2 * 0.97, rng.uniform(0.018, 0.032)
        spots = [(r, 0, half * 1.6), (r + out, 0, half * 1.5), (r + out, 0, half * 0.6), (r, 0, half * 0.45)]
        parts += cable(spots, rng.uniform(0.004, 0.007), role)
    return Thing(parts)


def bowl_(rng: np.random.Generator) -> Thing:
    radius, height, role = rng.uniform(0.055, 0.13), rng.uniform(0.035, 0.075), str(rng.choice(_ROUND))
    if rng.random() < 0.6:
        parts = bowl(0, 0, 0, radius, height, role, inside=role if rng.random() < 0.7 else "paint")
        parts.append(frustum(0, 0, height * 0.06, radius * 0.45, height * 0.06, role))
    else:
        parts = cup(0, 0, 0, radius * 0.6, height / 2, role, rng.uniform(1.2, 1.8))
    if rng.random() < 0.3:
        for angle in rng.uniform(0, 2 * np.pi) + np.arange(3) * 2.1:
            r = rng.uniform(0.025, 0.04)
            parts.append(ball(radius * 0.4 * np.cos(angle), radius * 0.4 * np.sin(angle), height * 0.5 + r * 0.7,
                              r, r, r * rng.uniform(0.8, 1.1), "fruit"))
    return Thing(parts)


def plate(rng: np.random.Generator) -> Thing:
    radius = rng.uniform(0.08, 0.14)
    return Thing(cup(0, 0, 0, radius * 0.7, rng.uniform(0.006, 0.012), "paint", 1.4, wall=0.004))


def bottle(rng: np.random.Generator) -> Thing:
    radius, half = rng.uniform(0.025, 0.05), rng.uniform(0.06, 0.13)
    role = str(rng.choice(["glass", "plastic", "label"]))
    neck = radius * rng.uniform(0.25, 0.5)
    shoulder = rng.uniform(0.01, 0.03)
    parts = [frustum(0, 0, half, radius, half, role), frustum(0, 0, 2 * half + shoulder, radius, shoulder, role,
                                                              neck / radius),
             frustum(0, 0, 2 * half + 2 * shoulder + 0.018, neck, 0.018, "plastic", rng.uniform(0.5, 1.1))]
    if rng.random() < 0.6:
        parts.append(frustum(0, 0, half, radius * 1.01, half * rng.uniform(0.3, 0.7), "label"))
    if rng.random() < 0.15:                             # a sprayer's trigger
        top = 2 * half + 2 * shoulder + 0.045
        parts += [block(0.0, 0, top, 0.035, 0.012, 0.014, "plastic", (0.7, 1)),
                  limb((0.03, 0, top), (0.025, 0, top - 0.045), 0.005, "plastic")]
    return Thing(parts)


def can(rng: np.random.Generator) -> Thing:
    radius = rng.uniform(0.026, 0.052)
    half = rng.uniform(0.02, 0.075)
    parts = [frustum(0, 0, half, radius, half, "label"), frustum(0, 0, half, radius * 0.97, half + 0.002, "metal")]
    if rng.random() < 0.3:
        parts.append(frustum(0, 0, 2 * half + 0.01, radius * 1.03, 0.01, "plastic", rng.uniform(0.8, 1)))
    return Thing(parts)


def package(rng: np.random.Generator) -> Thing:
    """A box of food, tea, tissues: cardboard with print, standing or lying."""
    half = np.sort(rng.uniform([0.012, 0.03, 0.04], [0.05, 0.1, 0.15]))
    half = half[rng.permutation(3)] if rng.random() < 0.6 else half[[1, 0, 2]]
    role = str(rng.choice(["label", "label", "card", "paint"]))
    parts = [box(0, 0, half[2], *half, role)]
    if rng.random() < 0.15:                             # a carton's gable
        parts.append(block(0, 0, 2 * half[2] + 0.02, half[0], half[1], 0.02, role, (1.0, 0.1)))
    return Thing(parts)


def carton(rng: np.random.Generator) -> Thing:
    """An open or closed cardboard box, with flaps."""
    hx, hy, hz = rng.uniform(0.08, 0.22), rng.uniform(0.06, 0.18), rng.uniform(0.04, 0.14)
    if rng.random() < 0.4:
        return Thing([box(0, 0, hz, hx, hy, hz, "card"), box(0, 0, 2 * hz, hx, 0.025, FLAT_M, "paint")])
    parts = tray(0, 0, 0, hx, hy, hz, "card", 0.004)
    for side in (-1, 1):
        tilt = rng.uniform(-0.8, 0.5)
        flap = hy * rng.uniform(0.4, 0.8) / 2
        parts.append(box(0, side * (hy + flap * np.cos(tilt)), 2 * hz + flap * np.sin(tilt), hx, flap, 0.002, "card",
                         (side * tilt, 0, 0)))
    return Thing(parts)


def tub(rng: np.random.Generator) -> Thing:
    """A lunch box or food container with a lid of another colour."""
    hx, hy, hz = rng.uniform(0.05, 0.12), rng.uniform(0.035, 0.08), rng.uniform(0.018, 0.05)
    grow = rng.uniform(1.0, 1.2)
    parts = [block(0, 0, hz, hx, hy, hz, "plastic", (grow, grow))]
    if rng.random() < 0.8:
        parts.append(block(0, 0, 2 * hz + 0.006, hx * grow + 0.004, hy * grow + 0.004, 0.006, "paint", (0.94, 0.92)))
    return Thing(parts)


def basket(rng: np.random.Generator) -> Thing:
    hx, hy, hz = rng.uniform(0.08, 0.2), rng.uniform(0.06, 0.15), rng.uniform(0.02, 0.09)
    return Thing(tray(0, 0, 0, hx, hy, hz, str(rng.choice(["plastic", "wood", "metal"])), rng.uniform(0.003, 0.01)))


def books(rng: np.random.Generator) -> Thing:
    """A pile, or a few that stand and lean on each other."""
    parts, base = [], 0.0
    if rng.random() < 0.35:
        x = -0.06
        lean = rng.uniform(-0.3, 0.3) * (rng.random() < 0.6)
        for _ in range(rng.integers(2, 7)):
            thick, tall, deep = rng.uniform(0.006, 0.022), rng.uniform(0.09, 0.15), rng.uniform(0.07, 0.11)
            parts.append(box(x + thick + tall * np.sin(lean), rng.normal(0, 0.004), tall * np.cos(lean)
                             + thick * abs(np.sin(lean)), thick, deep, tall, "book", (0, lean, 0)))
            x += 2 * thick / np.cos(lean) + 0.001
        return Thing(parts)
    for _ in range(rng.integers(1, 6)):
        hz = rng.uniform(0.004, 0.025)
        hx, hy, turn = rng.uniform(0.07, 0.12), rng.uniform(0.09, 0.15), (0, 0, rng.normal(0, 0.25))
        parts += [box(0, 0, base + hz, hx, hy, hz, "book", turn), box(0.002, 0, base + hz, hx, hy * 0.98, hz * 0.8,
                                                                      "paper", turn)]
        base += 2 * hz
    return Thing(parts)


def papers(rng: np.random.Generator) -> Thing:
    """Sheets with print: as flat as what is printed on."""
    parts = []
    for k in range(rng.integers(1, 5)):
        parts.append(box(*rng.normal(0, 0.02, 2), FLAT_M * k, 0.105, 0.148, FLAT_M,
                         str(rng.choice(["paper", "paper", "poster"])), (0, 0, rng.normal(0, 0.3))))
    return Thing(parts)


def keyboard(rng: np.random.Generator) -> Thing:
    hx, rows = rng.uniform(0.14, 0.23), 5
    tilt = rng.uniform(0, 0.06)
    parts = [block(0, 0, 0.009, hx, 0.07, 0.009, "plastic", (1, 1), turn=(tilt, 0, 0))]
    for row in range(rows):                             # the gaps between keys are texture
        y = -0.05 + row * 0.025
        parts.append(box(0, y, 0.018 + tilt * y, hx - 0.012, 0.0105, FLAT_M, "keys", (tilt, 0, 0)))
    return Thing(parts)


def mouse(rng: np.random.Generator) -> Thing:
    parts = [ball(0, 0, 0.012, 0.031, 0.055, 0.022, "plastic")]
    if rng.random() < 0.5:
        bends = np.cumsum(np.vstack([[0, 0.05], rng.normal([0, 0.05], 0.025, (5, 2))]), 0)
        parts += cable([(x, y, 0.003) for x, y in bends], 0.0022, "rubber")
    return Thing(parts)


def monitor(rng: np.random.Generator) -> Thing:
    hx = rng.uniform(0.18, 0.35)
    hz, deep, bezel = hx * rng.uniform(0.55, 0.8), rng.uniform(0.008, 0.03), rng.uniform(0.006, 0.025)
    foot = rng.uniform(0.05, 0.15)
    tilt = (-rng.uniform(0, 0.15), 0, 0)
    parts = [box(0, 0.01 + deep, foot + hz, hx, deep, hz, "plastic", tilt),
             box(0, 0.008, foot + hz, hx - bezel, 0.0085, hz - bezel, "screen", tilt),
             box(0, 0.05 + deep, (foot + hz) / 2, 0.03, 0.014, (foot + hz) / 2, "plastic")]
    parts.append(frustum(0, 0.04, 0.008, rng.uniform(0.08, 0.13), 0.008, "plastic", 0.9) if rng.random() < 0.5 else
                 box(0, 0.04, 0.006, rng.uniform(0.1, 0.16), 0.09, 0.006, "plastic"))
    return Thing(parts)


def laptop(rng: np.random.Generator) -> Thing:
    hx, hy, open_ = rng.uniform(0.14, 0.185), rng.uniform(0.1, 0.13), rng.uniform(0.0, 0.6)
    lid = hy * 0.95
    y, z = hy + lid * np.sin(open_), 0.016 + lid * np.cos(open_)
    inner = np.array([0, -np.cos(open_), np.sin(open_)]) * 0.0035
    return Thing([box(0, 0, 0.008, hx, hy, 0.008, "metal"),
                  box(0, 0.02, 0.016, hx * 0.9, hy * 0.45, FLAT_M, "keys"),
                  box(0, -hy * 0.65, 0.016, hx * 0.3, hy * 0.25, FLAT_M, "rubber"),
                  box(0, y, z, hx, 0.004, lid, "metal", (-open_, 0, 0)),
                  box(0, y + inner[1], z + inner[2], hx * 0.95, 0.002, lid * 0.92, "screen", (-open_, 0, 0))])


def pens(rng: np.random.Generator) -> Thing:
    """Pens, markers, a screwdriver: lying about, or in a cup."""
    if rng.random() < 0.4:
        parts = cup(0, 0, 0, 0.035, 0.05, "plastic", 1.1)
        for angle in rng.uniform(0, 2 * np.pi, rng.integers(2, 6)):
            lean = rng.uniform(0.01, 0.03)
            parts.append(limb((0, 0, 0.02), (lean * np.cos(angle) * 1.8, lean * np.sin(angle) * 1.8,
                                             rng.uniform(0.13, 0.19)), rng.uniform(0.003, 0.006), "label"))
        return Thing(parts)
    parts = []
    for _ in range(rng.integers(1, 4)):
        radius, half, angle = rng.uniform(0.004, 0.012), rng.uniform(0.06, 0.09), rng.uniform(0, 2 * np.pi)
        x, y = rng.normal(0, 0.04, 2)
        dx, dy = half * np.cos(angle), half * np.sin(angle)
        parts += [limb((x - dx, y - dy, radius), (x + dx * 0.3, y + dy * 0.3, radius), radius, "label"),
                  limb((x + dx * 0.3, y + dy * 0.3, radius), (x + dx, y + dy, radius), radius * 1.08, "plastic", 0.9)]
    return Thing(parts)


def gadget(rng: np.random.Generator) -> Thing:
    """A phone, a remote, a wallet, a calculator: small and flat."""
    hx, hy, hz = rng.uniform(0.02, 0.045), rng.uniform(0.06, 0.1), rng.uniform(0.004, 0.015)
    return Thing([block(0, 0, hz, hx, hy, hz, "plastic", (0.96, 0.97)),
                  box(0, 0, 2 * hz, hx * 0.85, hy * rng.uniform(0.4, 0.93), FLAT_M,
                      str(rng.choice(["screen", "keys", "label"])))])


def telephone(rng: np.random.Generator) -> Thing:
    return Thing([block(0, 0, 0.03, 0.09, 0.1, 0.03, "plastic", (0.95, 0.6), (0, 0.35)),
                  limb((-0.06, -0.08, 0.055), (-0.06, 0.09, 0.075), 0.017, "plastic"),
                  ball(-0.06, -0.075, 0.045, 0.026, 0.03, 0.022, "plastic"),
                  ball(-0.06, 0.085, 0.065, 0.026, 0.03, 0.022, "plastic")])


def tape(rng: np.random.Generator) -> Thing:
    radius = rng.uniform(0.03, 0.06)
    return Thing(cup(0, 0, 0, radius, rng.uniform(0.008, 0.025), "plastic", 1.0, wall=radius * rng.uniform(0.2, 0.5)))


def drill(rng: np.random.Generator) -> Thing:
    """A cordless drill, standing on its battery or lying."""
    parts = [block(0, 0, 0.03, 0.04, 0.055, 0.03, "rubber", (0.85, 0.85)),
             block(0, 0.0, 0.1, 0.018, 0.024, 0.055, "plastic", (1, 1.1), (0, -0.4)),
             limb((0, 0.07, 0.165), (0, -0.06, 0.165), 0.03, "plastic", 0.95),
             limb((0, -0.06, 0.165), (0, -0.1, 0.165), 0.02, "rubber", 0.6)]
    if rng.random() < 0.4:
        parts.append(limb((0, -0.1, 0.165), (0, -0.17, 0.165), 0.003, "metal"))
    return Thing(parts)


def toy(rng: np.random.Generator) -> Thing:
    """A building brick with studs, stacked blocks, a ball, an animal."""
    which = rng.integers(4)
    if which == 0:
        hx, hy, hz = rng.uniform(0.03, 0.07), 0.03, rng.uniform(0.015, 0.03)
        parts = [box(0, 0, hz, hx, hy, hz, "plastic")]
        for x in np.arange(-hx + 0.02, hx - 0.01, 0.032):
            parts.append(frustum(x, 0, 2 * hz + 0.008, 0.016, 0.008, "plastic"))
        return Thing(parts)
    if which == 1:
        parts, base = [], 0.0
        for _ in range(rng.integers(2, 5)):
            half = rng.uniform(0.015, 0.03)
            parts.append(box(*rng.normal(0, 0.006, 2), base + half, half * rng.uniform(1, 1.8), half, half, "book",
                             (0, 0, rng.normal(0, 0.4))) if rng.random() < 0.7 else
                         prism(*rng.normal(0, 0.005, 2), base + half, half * 1.3, half, "book",
                               int(rng.choice([3, 5, 6, 8]))))
            base += 2 * half
        return Thing(parts)
    if which == 2:
        radius = rng.uniform(0.02, 0.11)
        return Thing([ball(0, 0, radius, radius, radius, radius, "label")])
    size = rng.uniform(0.6, 1.6)                        # a teddy
    parts = [ball(0, 0, 0.07 * size, 0.055 * size, 0.045 * size, 0.07 * size, "fur"),
             ball(0, -0.01, 0.17 * size, 0.048 * size, 0.042 * size, 0.045 * size, "fur"),
             ball(0, -0.05 * size, 0.16 * size, 0.02 * size, 0.02 * size, 0.017 * size, "cloth")]
    for side in (-1, 1):
        parts += [ball(side * 0.038 * size, 0, 0.21 * size, 0.018 * size, 0.01 * size, 0.018 * size, "fur"),
                  limb((side * 0.04 * size, -0.01, 0.12 * size), (side * 0.085 * size, -0.03, 0.06 * size),
                       0.02 * size, "fur"),
                  limb((side * 0.03 * size, -0.02, 0.03 * size), (side * 0.05 * size, -0.1 * size, 0.025 * size),
                       0.025 * size, "fur")]
    return Thing(parts)


def fruit(rng: np.random.Generator) -> Thing:
    parts = []
    for k in range(rng.integers(1, 4)):
        r = rng.uniform(0.028, 0.045)
        parts.append(ball(0.08 * k + rng.normal(0, 0.01), rng.normal(0, 0.03), r, r, r, r * rng.uniform(0.85, 1),
                          "fruit"))
    if rng.random() < 0.25:                             # a banana
        arc = [(0.09 * np.cos(a), 0.09 * np.sin(a), 0.018) for a in np.linspace(0.4, 2.4, 6)]
        parts = cable(arc, 0.016, "fruit")
    return Thing(parts)


def lamp(rng: np.random.Generator) -> Thing:
    h = rng.uniform(0.12, 0.22)
    if rng.random() < 0.5:
        return Thing([frustum(0, 0, 0.01, 0.07, 0.01, "metal"), frustum(0, 0, h, 0.01, h, "metal"),
                      frustum(0, 0, 2 * h, rng.uniform(0.09, 0.15), 0.07, "glow", rng.uniform(0.5, 0.9))])
    elbow, head = (rng.uniform(-0.15, 0.05), 0, 2 * h), (rng.uniform(0.05, 0.2), -0.05, 2 * h + rng.uniform(-.05, .1))
    return Thing([frustum(0, 0, 0.012, 0.085, 0.012, "paint"), *cable([(0, 0, 0.02), elbow, head], 0.008, "metal"),
                  frustum(head[0] + 0.02, head[1], head[2] - 0.03, 0.065, 0.05, "paint", 0.4)])


def vase(rng: np.random.Generator) -> Thing:
    h = rng.uniform(0.05, 0.12)
    parts = [ball(0, 0, h * 0.95, h * 0.6, h * 0.6, h, "clay"), *cup(0, 0, 2 * h - 0.03, h * 0.25, 0.03, "clay", 1.4)]
    if rng.random() < 0.5:
        parts += sprigs(rng, (0, 0, 2 * h), rng.uniform(0.1, 0.25), int(rng.integers(4, 10)))
    return Thing(parts)


def pot(rng: np.random.Generator) -> Thing:
    """A small plant."""
    radius = rng.uniform(0.035, 0.08)
    return Thing(cup(0, 0, 0, radius * 0.75, radius, "clay", 1.35, filled=0.8, inside="rubber")
                 + sprigs(rng, (0, 0, radius * 1.7), rng.uniform(0.08, 0.25), int(rng.integers(6, 16))))


def sprigs(rng: np.random.Generator, root, length_m: float, count: int) -> list:
    """Stems from a root, each with a flat leaf at its end."""
    parts = []
    for _ in range(count):
        angle, rise, long = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.45), length_m * rng.uniform(0.6, 1)
        way = np.array([np.cos(angle) * np.cos(rise), np.sin(angle) * np.cos(rise), np.sin(rise)])
        tip = np.array(root) + long * way
        droop = rise - rng.uniform(0.2, 1.0)
        parts.append(limb(root, tip, 0.0015 + 0.006 * length_m, "leaf", 0.6))
        parts.append(ball(*tip, length_m * rng.uniform(0.2, 0.4), length_m * rng.uniform(0.06, 0.14), 0.0015, "leaf",
                          tuple(Rotation.from_euler("ZY", [angle, -droop]).as_rotvec())))
    return parts


def bag(rng: np.random.Generator) -> Thing:
    """A crisp bag or a pouch, slumped."""
    hx, hy, hz = rng.uniform(0.05, 0.1), rng.uniform(0.02, 0.04), rng.uniform(0.06, 0.11)
    if rng.random() < 0.5:
        return Thing([block(0, 0, hz, hx, hy, hz, "label", (0.9, 0.08), (0, rng.uniform(-0.5, 0.5)))])
    return Thing([ball(0, 0, hy * 0.8, hx, hz, hy, "label", (rng.normal(0, 0.1), rng.normal(0, 0.1), 0)),
                  block(0, 0, hy * 0.7, hx * 0.9, hz * 1.05, hy * 0.15, "label", (0.97, 0.97))])


def wire(rng: np.random.Generator) -> Thing:
    """A loose cable with a plug."""
    angle, step = rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.07)
    points = [np.array([0.0, 0.0])]
    for _ in range(rng.integers(6, 14)):
        angle += rng.normal(0, 0.7)
        points.append(points[-1] + step * np.array([np.cos(angle), np.sin(angle)]))
    points = np.array(points) - np.mean(points, 0)
    radius = rng.uniform(0.002, 0.005)
    parts = cable([(x, y, radius) for x, y in points], radius, "rubber")
    return Thing(parts + [box(*points[0], 0.012, 0.014, 0.014, 0.012, "rubber")])


def headphones(rng: np.random.Generator) -> Thing:
    arc = [(0.075 * np.cos(a), 0.04 + 0.09 * np.sin(a), 0.03) for a in np.linspace(-0.2, np.pi + 0.2, 8)]
    return Thing(cable(arc, 0.008, "plastic") + [ball(side * 0.075, 0.015, 0.035, 0.02, 0.04, 0.035, "rubber")
                                                 for side in (-1, 1)])


SMALL = {mug: 3, bowl_: 2, plate: 1, bottle: 3, can: 2.5, package: 4, carton: 1, tub: 1.5, basket: 0.7, books: 2,
         papers: 1.5, pens: 1.5, gadget: 1.5, tape: 0.7, drill: 0.7, toy: 2.5, fruit: 1.5, bag: 1, wire: 0.7,
         headphones: 0.4, pot: 0.7, vase: 0.6, lamp: 0.4, telephone: 0.3, mouse: 0.5}
_MAKERS, _WEIGHTS = list(SMALL), np.array(list(SMALL.values())) / sum(SMALL.values())


def clutter(rng: np.random.Generator) -> Thing:
    """One small thing; one in eight that can lies on its side."""
    maker = _MAKERS[rng.choice(len(_MAKERS), p=_WEIGHTS)]
    thing = replace(maker(rng), name=maker.__name__.rstrip("_"))
    if maker in (bottle, can, tub) and rng.random() < 0.12:
        return lying(thing)
    return thing


def lying(thing: Thing) -> Thing:
    """The thing turned onto its side, its top towards +x."""
    over = Rotation.from_euler("y", np.pi / 2)
    parts = [replace(part, centre_m=tuple(over.apply(part.centre_m)),
                     turn=tuple((over * Rotation.from_rotvec(part.turn)).as_rotvec())) for part in thing.parts]
    middle = np.mean([part.centre_m[0] for part in parts])
    lowest = min(part.centre_m[2] - part.reach_m[2] for part in parts)
    return Thing([replace(part, centre_m=tuple(np.subtract(part.centre_m, (middle, 0, lowest)))) for part in parts],
                 name=thing.name)


def desk_set(rng: np.random.Generator) -> list[tuple[Thing, float, float, float]]:
    """A place to work: things with their x, y (metres) and yaw (radians) on a desk whose front is at -y."""
    if rng.random() < 0.3:
        found = [(replace(laptop(rng), name="laptop"), 0.0, rng.uniform(-0.1, 0.05), rng.normal(0, 0.15))]
    else:
        found = [(replace(monitor(rng), name="monitor"), 0.0, rng.uniform(0.08, 0.16), rng.normal(0, 0.12)),
                 (replace(keyboard(rng), name="keyboard"), rng.normal(0, 0.04), rng.uniform(-0.2, -0.08), rng.normal(0, 0.08))]
    if rng.random() < 0.8:
        found.append((replace(mouse(rng), name="mouse"), rng.uniform(0.26, 0.34) * rng.choice([-1, 1]),
                      rng.uniform(-0.2, -0.08), rng.normal(0, 0.2)))
    return found
