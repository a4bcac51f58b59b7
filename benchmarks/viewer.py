# SPDX-License-Identifier: Apache-2.0
"""What the live page costs: the node beside a subscriber of four outputs, and with the viewer beside both, in turns.

    python benchmarks/viewer.py [--rate-hz 5] [--seconds 10] [--runs 3]

The camera is slow enough for the node to take every image, so that CPU time per frame can be compared. The viewer's own cores are
those of its process and of the page's server, which it starts; a browser that shows the page is not among them. Needs rerun-sdk
(`make view`).
"""
from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile

import numpy as np
import rclpy
from node import measure, synthetic_room

SHOWN = {"cpu_ms_per_frame": "CPU of the node, ms a frame", "rate_hz": "rate, Hz", "latency_median_ms": "latency, ms",
         "processing_median_ms": "processing, ms", "beside_cores": "CPU of viewer and server, cores"}


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})" if values else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate-hz", type=float, default=5.0, help="of the camera")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured per run")
    parser.add_argument("--runs", type=int, default=3, help="of each of both")
    arguments = parser.parse_args()
    arguments.device, arguments.precision, arguments.weights = "auto", "fp32", ""
    viewer = [sys.executable, "-m", "modot_ros.ros.watch.viewer", "--ros-args", "-p", "port:=0"]
    rclpy.init()
    runs: dict[str, list[dict[str, float]]] = {"node alone": [], "with the viewer": []}
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{folder}/room.npy"
        np.save(picture, synthetic_room())
        for _ in range(arguments.runs):
            for found, beside in zip(runs.values(), (None, viewer)):
                found.append(measure(arguments, picture, beside))
    print(f"640x480 at {arguments.rate_hz:g} Hz, {arguments.runs} runs of {arguments.seconds:g} s each in turns, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: median (lowest to highest)\n")
    print(f"| | {' | '.join(runs)} |\n| --- | --- | --- |")
    for key, name in SHOWN.items():
        cells = [spread([run[key] for run in found if key in run]) for found in runs.values()]
        print(f"| {name} | {' | '.join(cells)} |")
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
