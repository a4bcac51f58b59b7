# SPDX-License-Identifier: Apache-2.0
"""How much depth moves from frame to frame of a video, with and without `steady_scale`.

    python benchmarks/steadiness.py VIDEO [--frames 120] [--model modot_nano] [--weights FILE]

For a camera that hardly moves: the median over pixels and frames of |change of ln z|, that of a picture's median depth, and
the range of the pictures' medians, largest to smallest. Ends in one line of JSON with the milliseconds that the filter took.
"""
from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from modot_ros.learn.metrics.steadiness import movement
from modot_ros.predictor import Predictor
from modot_ros.ros.node.sizes import reduced
from modot_ros.scene.steady_scale import SteadyScale

THINNED = 4                                             # pixels that are left out between those that count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--model", default="modot_nano")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    predictor, steady, capture = Predictor(options.model, options.weights), SteadyScale(), cv2.VideoCapture(str(options.video))
    rate_hz = capture.get(cv2.CAP_PROP_FPS) or 30.0
    plain, filtered, spent_ms = [], [], []
    while len(plain) < options.frames:
        read, frame = capture.read()
        if not read:
            break
        rgb = reduced(np.ascontiguousarray(frame[:, :, ::-1]))
        found = predictor.predict(rgb, parts=("depth",))
        begin = time.perf_counter()
        factor = steady.factor(rgb, found.depth, len(plain) / rate_hz, found.log_depth_std)
        spent_ms.append(1e3 * (time.perf_counter() - begin))
        plain.append(np.log(found.depth[::THINNED, ::THINNED]))
        filtered.append(plain[-1] + np.log(factor))
    if len(plain) < 2:
        raise SystemExit(f"{options.video}: no two frames can be read")
    report = {"model": options.model, "frames": len(plain), "plain": asdict(movement(plain)),
              "steady": asdict(movement(filtered)),
              "filter_ms": {"median": statistics.median(spent_ms), "low": min(spent_ms), "high": max(spent_ms)},
              "device": f"{predictor.device}, {platform.processor() or platform.machine()}",
              "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True,
                                       text=True).stdout.strip()}
    for name in ("plain", "steady"):
        print(f"{name:8s}" + "   ".join(f"{key} {value:.2f}" for key, value in report[name].items()))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
