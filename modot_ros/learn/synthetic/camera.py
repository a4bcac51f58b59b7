# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras in a scene: single views for training and a smooth closed path at robot height."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from modot_ros.learn.synthetic.rooms.scene import Scene


@dataclass(frozen=True)
class Camera:
    """K float64 [3, 3] in pixels, pixel centres at integers; pose float64 [4, 4] world from optical frame, metres."""

    K: np.ndarray
    pose: np.ndarray
    width: int
    height: int

    def rays(self, u_px: np.ndarray, v_px: np.ndarray) -> np.ndarray:
        """World directions [R, 3] through image points [R]; their z in the optical frame is 1, so that the ray
        parameter of a hit is its z-depth in metres."""
        local = np.stack([(u_px - self.K[0, 2]) / self.K[0, 0], (v_px - self.K[1, 2]) / self.K[1, 1],
                          np.ones_like(u_px)], 1)
        return local @ self.pose[:3, :3].T


def look(eye_m: np.ndarray, target_m: np.ndarray, roll_rad: float = 0.0) -> np.ndarray:
    """Pose [4, 4] of an optical frame at eye_m [3] whose z axis points at target_m [3] (world, z up)."""
    forward = (target_m - eye_m) / np.linalg.norm(target_m - eye_m)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= max(np.linalg.norm(right), 1e-9)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([cos * right + sin * down, cos * down - sin * right, forward], 1)
    pose[:3, 3] = eye_m
    return pose


def pinhole(width: int, height: int, focal_ratio: float) -> np.ndarray:
    """K of a centred pinhole with fx = fy = focal_ratio * width pixels."""
    focal_px = focal_ratio * width
    return np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1.0]])


CLOSE_SHARE = 0.33                                      # of the views of a room with tops


def random_camera(scene: Scene, rng: np.random.Generator, width: int, height: int) -> Camera:
    """A camera somewhere free in the room.

    Of 100 views about 30 (37 of 120 counted) are close: 0.45 m to 1.5 m, every fifth to 2.4 m, from the things on a
    top, as from a hand or a robot's wrist. The others are 1.2 m +- 0.2 m above the floor, as on a mobile manipulator
    or a tripod, but for every sixth, which is 0.3 m to 0.9 m, and every twelfth, which is 1.4 m to 1.9 m high. The
    height is what a single picture tells least: depth is metric as far as this prior holds, or as things of known
    size are seen.
    """
    focal_ratio = rng.uniform(0.6, 1.2)
    close = bool(scene.tops) and rng.random() < CLOSE_SHARE
    draw, clearance_m = (_close, 0.15) if close else (_across, 0.3)
    found = []
    for _ in range(60):
        eye, target = draw(scene, rng)
        if not scene.inside(eye, 0.1):
            continue
        found.append((scene.clearance_m(eye[None])[0], eye, target))
        if found[-1][0] > clearance_m:
            break
    else:                                               # a crowded room: the clearest place of a lattice, or of those
        lattice = np.stack(np.meshgrid(*(np.linspace(0.2, size - 0.2, 9) for size in scene.size_m[:2]), [0.8, 1.2, 1.6],
                                       indexing="ij"), 3).reshape(-1, 3)
        clearance = scene.clearance_m(lattice)
        found.append((clearance.max(), lattice[clearance.argmax()], np.append(scene.size_m[:2] / 2, 0.7)))
    _, eye, target = found[-1] if found[-1][0] > clearance_m else max(found, key=lambda one: one[0])
    roll = rng.normal(0, 0.12) if close or rng.random() < 0.15 else rng.normal(0, 0.03)
    return Camera(pinhole(width, height, focal_ratio), look(eye, target, roll), width, height)


def any_camera(scene: Scene, rng: np.random.Generator, width: int, height: int) -> Camera:
    """A camera as `random_camera` finds one, of whatever robot: what a single picture tells least varies most.

    Heights are even in their logarithm from 0.1 m (a vacuum robot) to 2.2 m, focal lengths from 0.5 to 1.6 of the width,
    the roll has a deviation of 6 degrees; half of the views of a room with tops are close.
    """
    focal_ratio = float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
    best = None
    for _ in range(60):
        if scene.tops and rng.random() < 0.5:
            eye, target = _close(scene, rng)
        else:
            eye, target = _across(scene, rng)
            eye[2] = np.exp(rng.uniform(np.log(0.1), np.log(min(2.2, scene.size_m[2] - 0.15))))
            target = eye + 2 * np.array([*(target - eye)[:2] / np.linalg.norm((target - eye)[:2]),
                                         rng.normal(-0.1 - 0.12 * eye[2], 0.25)])
        if not scene.inside(eye, 0.08):
            continue
        clearance_m = scene.clearance_m(eye[None])[0]
        if best is None or clearance_m > best[0]:
            best = clearance_m, eye, target
        if clearance_m > 0.15:
            break
    if best is None or best[0] < 0.03:
        return random_camera(scene, rng, width, height)
    return Camera(pinhole(width, height, focal_ratio), look(best[1], best[2], rng.normal(0, 0.1)), width, height)


def close_camera(scene: Scene, rng: np.random.Generator, width: int, height: int) -> Camera:
    """A camera 0.25 m to 1.3 m from the things on a top, even in the logarithm, as on a wrist or a desk.

    Focal lengths are even in theirs from 0.6 to 1.4 of the width. A room without tops gives what `random_camera` finds.
    """
    if not scene.tops:
        return random_camera(scene, rng, width, height)
    focal_ratio = float(np.exp(rng.uniform(np.log(0.6), np.log(1.4))))
    best = None
    for _ in range(40):
        eye, target = _close(scene, rng, float(np.exp(rng.uniform(np.log(0.25), np.log(1.3)))))
        clearance_m = scene.clearance_m(eye[None])[0] if scene.inside(eye, 0.08) else -np.inf
        if best is None or clearance_m > best[0]:
            best = clearance_m, eye, target
        if clearance_m > 0.1:
            break
    if best[0] < 0.03:
        return random_camera(scene, rng, width, height)
    return Camera(pinhole(width, height, focal_ratio), look(best[1], best[2], rng.normal(0, 0.12)), width, height)


def _close(scene: Scene, rng: np.random.Generator, away_m: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Eye and target [3] of a look at the things on a top, steeply or obliquely, from away_m or a random distance."""
    weights = np.array([1 + top.things for top in scene.tops], float)
    top = scene.tops[rng.choice(len(scene.tops), p=weights / weights.sum())]
    # half of the tops are about a metre across: the target stays where the things are
    target = top.centre_m + top.turn @ np.append(rng.uniform(-0.8, 0.8, 2) * top.half_m[:2], rng.uniform(0, 0.1))
    angle, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 1.3)
    if away_m is None:
        away_m = rng.uniform(0.45, 1.5) if rng.random() < 0.8 else rng.uniform(1.5, 2.4)
    way = np.array([np.cos(angle) * np.cos(elevation), np.sin(angle) * np.cos(elevation), np.sin(elevation)])
    return target + away_m * way, target + [0, 0, rng.uniform(0, 0.35) if elevation < 0.7 else 0]


def _across(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Eye and target [3] of a look across the room."""
    which = rng.random()
    height_m = (rng.uniform(0.3, 0.9) if which < 0.17 else rng.uniform(1.4, 1.9) if which < 0.25
                else np.clip(rng.normal(1.2, 0.2), 0.8, 1.7))
    while True:
        eye = np.append(rng.uniform(0.2, scene.size_m[:2] - 0.2), height_m)
        if scene.things and rng.random() < 0.8:
            target = scene.things[rng.integers(len(scene.things))] + rng.normal(0, 0.35, 3)
        else:
            angle = rng.uniform(0, 2 * np.pi)
            target = eye + 2 * np.array([np.cos(angle), np.sin(angle), rng.normal(-0.15, 0.25)])
        if np.linalg.norm((target - eye)[:2]) > 0.8:
            return eye, target


def fly_through(scene: Scene, seed: int, frames: int, width: int = 640, height: int = 480,
                focal_ratio: float = 0.85) -> list[Camera]:
    """A closed, smooth path through free space at robot height, looking ahead and around.

    Deterministic in (scene, seed). Frame `frames` would equal frame 0. Raises ValueError for fewer than one frame.
    """
    if frames < 1:
        raise ValueError(f"frames is {frames}: at least 1 is needed")
    rng = np.random.default_rng(seed)
    height_m = rng.uniform(0.7, 1.1)
    candidates = np.column_stack([rng.uniform(0.4, scene.size_m[:2] - 0.4, (400, 2)), np.full(400, height_m)])
    clearance = scene.clearance_m(candidates)
    home = candidates[clearance.argmax()]
    free = candidates[clearance > 0.45]
    # corners of the path: far apart and free, in the order of their angle about home
    corners = free[rng.permutation(len(free))[:5]] if len(free) >= 5 else home + rng.normal(0, 0.2, (5, 3)) * [1, 1, 0]
    corners = corners[np.argsort(np.arctan2(*(corners - home)[:, 1::-1].T))]
    phase = np.linspace(0, 1, frames, endpoint=False)
    for shrink in 0.85 ** np.arange(30):
        knots = home + shrink * (corners - home)
        path = CubicSpline(np.linspace(0, 1, 6), np.vstack([knots, knots[:1]]), bc_type="periodic")
        eyes = path(phase)
        if scene.clearance_m(eyes).min() > min(0.35, 0.6 * clearance.max()):
            break
    eyes[:, 2] += 0.03 * np.sin(4 * np.pi * phase)
    # the path goes round `home` once; the gaze turns with it and looks across the room
    start = np.arctan2(*(corners[0] - home)[1::-1])
    yaw = start + np.pi + 2 * np.pi * phase + 0.4 * np.sin(4 * np.pi * phase)
    pitch = -0.12 + 0.08 * np.sin(6 * np.pi * phase)
    targets = eyes + np.column_stack([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    K = pinhole(width, height, focal_ratio)
    return [Camera(K, look(eye, target), width, height) for eye, target in zip(eyes, targets)]
