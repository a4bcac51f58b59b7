# SPDX-License-Identifier: Apache-2.0
"""People of several sizes who stand, walk, reach, sit or jump; facing -y."""
from __future__ import annotations

import numpy as np

from modot_ros.learn.synthetic.rooms.parts import Part, Thing, ball, box, cable, frustum, limb


def person(rng: np.random.Generator) -> Thing:
    """Somebody on the floor, 1.1 m to 1.95 m tall; every fifth sits on a stool that comes along."""
    size = rng.uniform(0.62, 0.85) if rng.random() < 0.2 else rng.uniform(0.9, 1.1)
    pose = str(rng.choice(["stand", "walk", "reach", "jump", "sit"], p=[.35, .2, .15, .1, .2]))
    hip = np.array([0.0, 0.0, 0.46 if pose == "sit" else 0.9 * size])
    lift = rng.uniform(0.05, 0.3) if pose == "jump" else 0.0
    hip[2] += lift
    bow = rng.uniform(0, 0.35) if pose in ("reach", "sit") else rng.normal(0, 0.05)
    chest = hip + size * 0.5 * np.array([0, -np.sin(bow), np.cos(bow)])
    parts: list[Part] = []
    for side in (-1, 1):
        parts += _leg(rng, pose, side, hip, size, lift) + _arm(rng, pose, side, chest, size)
    middle, lean = (hip + chest) / 2, (bow, 0.0, 0.0)
    parts += [ball(*middle, 0.17 * size, 0.115 * size, 0.34 * size, "fabric", lean),
              ball(*chest, 0.21 * size, 0.105 * size, 0.1 * size, "fabric", lean),
              ball(*hip, 0.165 * size, 0.125 * size, 0.13 * size, "cloth")]
    if rng.random() < 0.2 and pose != "sit":
        parts.append(frustum(hip[0], hip[1], hip[2] - 0.17 * size, 0.27 * size, 0.2 * size, "cloth", 0.55))
    head = chest + size * np.array([rng.normal(0, 0.015), -0.03 - 0.1 * np.sin(bow), 0.25])
    parts += [limb(chest, head - [0, 0, 0.08 * size], 0.05 * size, "skin"),
              ball(*head, 0.078 * size, 0.097 * size, 0.12 * size, "skin"),
              ball(head[0], head[1] + 0.02 * size, head[2] + 0.032 * size, 0.086 * size, 0.098 * size, 0.1 * size,
                   "hair")]
    if rng.random() < 0.35:                             # long hair
        parts.append(ball(head[0], head[1] + 0.06 * size, head[2] - 0.1 * size, 0.09 * size, 0.05 * size, 0.19 * size,
                          "hair"))
    if pose == "sit":
        parts += [box(0, 0.05, 0.36, 0.2, 0.2, 0.03, "wood"), frustum(0, 0.05, 0.17, 0.03, 0.17, "metal"),
                  frustum(0, 0.05, 0.01, 0.2, 0.01, "metal")]
    return Thing(parts)


def _leg(rng: np.random.Generator, pose: str, side: int, hip: np.ndarray, size: float, lift: float) -> list[Part]:
    if pose == "sit":
        knee = hip + [side * (0.12 + rng.uniform(0, 0.08)), -0.42 * size, 0.02]
        foot = np.array([knee[0], knee[1] + rng.uniform(-0.15, 0.1), 0.07])
    else:
        stride = {"walk": 0.32, "stand": 0.04, "reach": 0.12, "jump": 0.15}[pose] * size * side * rng.uniform(0.4, 1)
        foot = np.array([side * rng.uniform(0.07, 0.15) * size, stride, 0.08 + lift])
        knee = (hip + foot) / 2 + [0, -0.05 - 0.25 * lift, 0.02]
    bare = "skin" if rng.random() < 0.15 else "cloth"
    thigh, shin = limb(knee, hip + [side * 0.09 * size, 0, 0], 0.06 * size, "cloth", 1.35), limb(
        foot, knee, 0.042 * size, bare, 1.4)
    return [thigh, shin, ball(*knee, 0.06 * size, 0.06 * size, 0.06 * size, "cloth"),
            ball(foot[0], foot[1] - 0.06 * size, foot[2] - 0.03, 0.045 * size, 0.13 * size, 0.05, "rubber")]


def _arm(rng: np.random.Generator, pose: str, side: int, chest: np.ndarray, size: float) -> list[Part]:
    shoulder = chest + [side * 0.2 * size, 0, 0.01]
    # angles of upper and lower arm from hanging down towards the front, and outwards
    swing, bend, out = rng.normal(0, 0.3), rng.uniform(0, 0.8), abs(rng.normal(0.15, 0.1))
    if pose in ("reach", "sit") or rng.random() < 0.2:
        swing, bend = rng.uniform(0.3, 1.5), rng.uniform(0.0, 1.2)
    elif pose == "jump":
        out = rng.uniform(0.6, 2.2)

    def along(start: np.ndarray, angle: float, length: float) -> np.ndarray:
        return start + length * size * np.array([side * np.sin(out), -np.cos(out) * np.sin(angle),
                                                 -np.cos(out) * np.cos(angle)])

    elbow = along(shoulder, swing, 0.29)
    hand = along(elbow, swing + bend, 0.25)
    upper, lower = cable([shoulder, elbow, hand], 0.04 * size, "fabric")[:2]
    sleeve = "fabric" if rng.random() < 0.5 else "skin"
    return [upper, limb(elbow, hand, 0.036 * size, sleeve, 0.8), ball(*elbow, 0.04 * size, 0.04 * size, 0.04 * size,
                                                                      "fabric"),
            ball(*along(hand, swing + bend, 0.05), 0.035 * size, 0.045 * size, 0.05 * size, "skin")]
