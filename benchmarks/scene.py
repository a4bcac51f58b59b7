# SPDX-License-Identifier: Apache-2.0
"""What everything after the network costs per 640x480 frame, on one core.

    python benchmarks/scene.py [--runs 30]

The input is drawn here: a floor, a wall and boxes before it, as exact depth and a soft boundary probability
at the network's working size of 256x192. Prints median and spread (lowest to highest) per stage over the
runs, of wall time and of this thread's processor time, which other load on the machine moves less; then one
line of JSON.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.prediction import Prediction  # noqa: E402
from modot_ros.scene.boundaries import thin  # noqa: E402
from modot_ros.scene.drawing.overlay import overlay  # noqa: E402
from modot_ros.scene.geometry import clearing_points, flying_pixels, frontiers, points, rays, resize_depth  # noqa: E402
from modot_ros.scene.order.graph import order_graph  # noqa: E402
from modot_ros.scene.partition import partition  # noqa: E402

SIZE, WORKING_SIZE = (640, 480), (256, 192)
K = np.array([[525.0, 0, 319.5], [0, 525.0, 239.5], [0, 0, 1]])
FRAME = ("resize", "thin", "partition", "graph")        # what a frame always needs


def boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth in metres and boundary probability of `count` boxes at WORKING_SIZE."""
    rng = np.random.default_rng(seed)
    width, height = WORKING_SIZE
    rows = np.arange(height, dtype=np.float32)
    nearness = np.repeat(np.maximum(0.2, 0.2 + (rows - 80) * 0.005)[:, None], width, axis=1)
    outline = np.zeros((height, width), np.float32)
    for base in np.sort(rng.integers(90, height, count)):       # from far to near
        left, w, h = rng.integers(0, width - 20), rng.integers(12, 50), rng.integers(15, 80)
        corners = (int(left), int(base - h)), (int(left + w), int(base))
        cv2.rectangle(nearness, *corners, float(0.2 + (base - 80) * 0.005), cv2.FILLED)
        cv2.rectangle(outline, *corners, 0.0, cv2.FILLED)
        cv2.rectangle(outline, *corners, 1.0, 1)
    return 1 / nearness, np.clip(1.8 * cv2.GaussianBlur(outline, (0, 0), 0.8), 0, 1)


def grid(columns: int, rows: int) -> np.ndarray:
    """Labels 1.. that cover the picture: the largest areas and the longest shared contours."""
    v, u = np.mgrid[:SIZE[1], :SIZE[0]]
    return (1 + u * columns // SIZE[0] + columns * (v * rows // SIZE[1])).astype(np.int32)


def frame(seed: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of wall time and of processor time per stage for one frame."""
    coarse_depth, coarse_probability = boxes(12, seed)
    rgb = np.random.default_rng(seed).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    grids = grid(5, 2), grid(10, 5), grid(20, 10)
    spent_ms: dict[str, tuple[float, float]] = {}
    start = time.perf_counter(), time.thread_time()

    def lap(stage: str) -> None:
        nonlocal start
        now = time.perf_counter(), time.thread_time()
        spent_ms[stage] = 1e3 * (now[0] - start[0]), 1e3 * (now[1] - start[1])
        start = now

    depth = resize_depth(coarse_depth, SIZE, coarse_probability)
    probability = cv2.resize(coarse_probability, SIZE)
    lap("resize")
    mask, side = thin(probability, depth)
    lap("thin")
    labels = partition(coarse_depth, coarse_probability, rgb)
    labels = cv2.resize(labels, SIZE, interpolation=cv2.INTER_NEAREST_EXACT)
    lap("partition")
    graph = order_graph(labels, depth, probability)
    lap("graph")
    for tiles in grids:
        order_graph(tiles, depth, probability)
        lap(f"graph of {tiles.max()}")
    flying = flying_pixels(depth, mask)
    lap("flying pixels")
    directions = rays(K, depth.shape)
    points(depth, directions, ~flying)
    lap("points")
    frontiers(depth, mask, side, directions)
    lap("frontiers")
    clearing_points(depth, directions, 4.0)
    lap("clearing points")
    overlay(rgb, Prediction("metric", 525.0, depth, probability, mask, side, labels, graph))
    lap("overlay")
    return spent_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    cv2.setNumThreads(1)
    for _ in range(3):
        frame(0)
    measured = [frame(seed) for seed in range(runs)]
    for one in measured:
        one["frame"] = tuple(sum(one[stage][clock] for stage in FRAME) for clock in (0, 1))
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    device = f"{_processor()}, one core, load {os.getloadavg()[0]:.1f}"
    result = {"benchmark": "scene", "device": device, "commit": commit.strip(), "runs": runs}
    print(f"{device}; commit {commit.strip()}; {runs} runs; milliseconds: median (lowest to highest)")
    for clock, name in enumerate(("wall_ms", "cpu_ms")):
        result[name] = {}
        for stage in measured[0]:
            values = [one[stage][clock] for one in measured]
            median, low, high = statistics.median(values), min(values), max(values)
            print(f"{name:8s}{stage:16s}{median:7.2f}   ({low:.2f} to {high:.2f})")
            result[name][stage] = [round(value, 3) for value in (median, low, high)]
    print(json.dumps(result))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
