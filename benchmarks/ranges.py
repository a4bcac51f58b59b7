# SPDX-License-Identifier: Apache-2.0
"""How right is the scale that one row of measured ranges gives, and how right are holes of a depth camera that are filled?
On the real and photoreal pictures of ../shared/data/real, with the network that ships: `python benchmarks/ranges.py`

Ranges are the truth of every fourth pixel of the middle row. Holes are six discs cut into the truth, the same in every run.
"""
from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np

from modot_ros.predictor import Predictor
from modot_ros.scene.geometry import rays
from modot_ros.scene.navigation.depth_fusion import fused_depth
from modot_ros.scene.navigation.range_scale import factors, fit_points

PICTURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


def main() -> None:
    if not PICTURES.is_dir():
        raise SystemExit(f"no pictures in {PICTURES}")
    predictor, random = Predictor(), np.random.default_rng(0)
    scales, holes = [], []
    for item in json.loads((PICTURES / "index.json").read_text()):
        rgb = cv2.cvtColor(cv2.imread(str(PICTURES / item["image"])), cv2.COLOR_BGR2RGB)
        true = cv2.imread(str(PICTURES / item["depth_mm"]), cv2.IMREAD_UNCHANGED).astype(np.float32) / 1000
        fx, fy, cx, cy = item["K"]
        directions = rays(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), true.shape)
        depth, there = predictor.predict(rgb, fx, parts=("depth",)).depth, true > 0
        height, width = true.shape

        row = np.arange(0, width, 4)[there[height // 2, ::4]]
        points = directions[height // 2, row].astype(float) * true[height // 2, row, None]
        fit = fit_points(factors(depth, directions, points, np.stack([row, np.full(len(row), height // 2)], 1).astype(float)))
        error = float(np.median(np.log(true[there] / depth[there])))
        scales.append((abs(error), np.nan if fit is None else abs(error - np.log(fit.factor))))

        cut = np.zeros(true.shape, np.uint8)
        for _ in range(6):
            middle, radius = (random.integers(width), random.integers(height)), random.integers(height // 16, height // 6)
            cv2.circle(cut, tuple(map(int, middle)), int(radius), 1, -1)
        start_s = time.perf_counter()
        fused = fused_depth(np.where(cut, np.float32(0), true), depth)
        spent_s = time.perf_counter() - start_s
        asked, kept = there & (cut == 1), there & (cut == 0)
        one = np.median(np.log(true[kept] / depth[kept]))
        off = np.log(depth[asked] / true[asked])
        holes.append((np.abs(np.log(fused[asked] / true[asked])).mean(), np.abs(off + one).mean(), np.abs(off).mean(), spent_s))
    before, after = np.array(scales).T
    print(f"|ln scale| of {len(scales)} pictures, median and 9 of 10 below: network {np.median(before):.3f} "
          f"{np.quantile(before, 0.9):.3f}, after the row {np.nanmedian(after):.3f} {np.nanquantile(after, 0.9):.3f}; no fit in "
          f"{int(np.isnan(after).sum())}")
    fused, one, raw, spent = np.median(holes, axis=0)
    better = sum(hole[0] < hole[1] for hole in holes)
    print(f"mean |ln z| in holes, median of the pictures: fused {fused:.3f}, one factor {one:.3f}, network {raw:.3f}; fused is "
          f"better than one factor in {better} pictures; {1e3 * spent:.0f} ms")


if __name__ == "__main__":
    main()
