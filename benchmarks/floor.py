# SPDX-License-Identifier: Apache-2.0
"""Floors of rendered rooms, from true depth and from the network's: are they found, what becomes an obstacle, and how right
is the scale that the camera's height gives? `python benchmarks/floor.py [--views N]`

Rooms that the weights that ship were not trained on (docs/modot_nano.md); cameras that look down by more than 35 degrees are
left out.
"""
from __future__ import annotations

import argparse

import numpy as np

from modot_ros.learn.synthetic.camera import random_camera
from modot_ros.learn.synthetic.rooms.scene import random_scene
from modot_ros.learn.synthetic.view import render
from modot_ros.predictor import Predictor
from modot_ros.scene.geometry import rays
from modot_ros.scene.navigation.ground import HEIGHT_RATIO, fit_ground, obstacles, sparse_points
from modot_ros.scene.navigation.scale import scale_of_floor

FIRST_VIEW = 200_700
STEEPEST_DEG = 35.0
PITCH_ERROR_DEG = 2.0                                   # of a mount that is called known
FLOOR_SHARE = 0.05                                      # of the picture, from which a floor ought to be found


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


class Tally:
    """Of one kind of depth with one knowledge of the mount."""

    def __init__(self) -> None:
        self.found, self.wrong, self.missed, self.none = 0, 0, 0, 0
        self.floor, self.kept, self.errors = [], [], []

    def add(self, depth: np.ndarray, true: np.ndarray, directions: np.ndarray, up: np.ndarray, height_m: float,
            guess: np.ndarray | None) -> None:
        heights = (directions * true[..., None]) @ up + height_m
        floor, stands = np.abs(heights) < 0.01, (heights > 0.3) & (heights < 1.6)
        points = sparse_points(depth, directions)
        mount = {} if guess is None else {"up": guess, "max_tilt_deg": 10.0,
                                          "heights_m": (height_m / HEIGHT_RATIO, height_m * HEIGHT_RATIO)}
        ground = fit_ground(points, **mount)
        if ground is None:
            self.missed += floor.mean() >= FLOOR_SHARE
            self.none += floor.mean() < FLOOR_SHARE
            return
        scale = float(np.median(depth[floor] / true[floor])) if floor.sum() > 50 else 1.0
        right = degrees(ground.normal, up) < 8 and abs(np.log(ground.height_m / height_m / scale)) < 0.2
        self.found, self.wrong = self.found + right, self.wrong + (not right)
        marked = obstacles(directions * depth[..., None], ground, 0.1, 1.8)
        for values, where in ((self.floor, floor), (self.kept, stands)):
            if where.any():
                values.append(marked[where].mean())
        if guess is not None:
            factor = scale_of_floor(points, ground, guess, height_m) or 1.0
            self.errors.append([abs(np.median(np.log(depth * s / true)[true < 10]))
                                for s in (1.0, height_m / ground.height_m, factor)])

    def line(self, name: str) -> str:
        text = (f"{name:26} {self.found:5} {self.wrong:5} {self.missed:6} {self.none:4}   {np.mean(self.floor):8.3f} "
                f"{np.mean(self.kept):8.3f}")
        if self.errors:
            text += "   " + " ".join(f"{value:.3f}" for q in (0.5, 0.9) for value in np.quantile(self.errors, q, axis=0))
        return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=int, default=110)
    predictor, random = Predictor(), np.random.default_rng(0)
    tallies = {(depth, mount): Tally() for depth in ("true", "network's") for mount in ("unknown", "known")}
    for seed in range(FIRST_VIEW, FIRST_VIEW + parser.parse_args().views):
        scene = random_scene(seed)
        camera = random_camera(scene, np.random.default_rng(seed), 320, 240)
        up, height_m = camera.pose[2, :3], float(camera.pose[2, 3])
        if degrees(up, np.array([0.0, -1, 0])) > STEEPEST_DEG:
            continue
        view = render(scene, camera, seed)
        depth = {"true": view.depth_m, "network's": predictor.predict(view.rgb, float(view.K[0, 0]), parts=("depth",)).depth}
        axis = np.cross(up, random.standard_normal(3))
        guess = up + np.tan(np.radians(PITCH_ERROR_DEG)) * axis / np.linalg.norm(axis)
        guess /= np.linalg.norm(guess)
        for (kind, mount), tally in tallies.items():
            tally.add(depth[kind], view.depth_m, rays(view.K, view.depth_m.shape), up, height_m,
                      guess if mount == "known" else None)
    print("depth, mount               right wrong missed none   floor as obstacles   |ln scale|, median and 9 of 10 below:\n"
          "                                                     obstacles  kept      as it is, plane, scale_of_floor")
    for (kind, mount), tally in tallies.items():
        print(tally.line(f"{kind}, {mount}"))


if __name__ == "__main__":
    main()
