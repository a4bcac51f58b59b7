# SPDX-License-Identifier: Apache-2.0
"""What a view of a mesh costs by the number of its triangles, on one core.

    python benchmarks/mesh2ob.py [--subdivisions 2 5] [--runs 3]

The scene is three spheres on a floor; each subdivision has four times the triangles. Prints median and spread (lowest to
highest) of this process's CPU time per view and convention, then one line of JSON. Needs trimesh and embreex.
"""
from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.learn.mesh2ob.mesh import Mesh, mesh_of  # noqa: E402
from modot_ros.learn.mesh2ob.view import CONVENTIONS, Look  # noqa: E402
from modot_ros.learn.synthetic.camera import Camera, look, pinhole  # noqa: E402

WIDTH, HEIGHT = 640, 480


def spheres(subdivisions: int) -> Mesh:
    """Three spheres on a floor."""
    import trimesh

    scene = trimesh.Scene(trimesh.creation.box(bounds=[(-10, -10, -1), (10, 10, 0)]))
    for k in range(3):
        ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.3)
        ball.apply_translation((-0.7 + 0.7 * k, 0.3 * k, 0.3))
        scene.add_geometry(ball)
    return mesh_of(scene)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subdivisions", type=int, nargs="+", default=[2, 5])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    camera = Camera(pinhole(WIDTH, HEIGHT, 0.9), look(np.array([0, -2, 1.2]), np.array([0, 0.3, 0.3])), WIDTH, HEIGHT)
    report = {}
    for subdivisions in options.subdivisions:
        mesh = spheres(subdivisions)
        for convention in CONVENTIONS:
            spent_s = []
            for _ in range(options.runs):
                start = time.process_time()
                Look(mesh, camera, convention).view()
                spent_s.append(time.process_time() - start)
            low, middle, high = min(spent_s), statistics.median(spent_s), max(spent_s)
            print(f"{len(mesh.faces):>8} triangles, {convention:<9} {middle:6.2f} s ({low:.2f} to {high:.2f})", flush=True)
            report[f"{len(mesh.faces)} {convention}"] = [round(value, 3) for value in (low, middle, high)]
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    print(json.dumps({"cpu_s": report, "size": f"{WIDTH}x{HEIGHT}", "runs": options.runs, "device": platform.processor()
                      or platform.machine(), "commit": commit.stdout.strip()}))


if __name__ == "__main__":
    main()
