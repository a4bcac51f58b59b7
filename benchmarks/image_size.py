# SPDX-License-Identifier: Apache-2.0
"""What a frame costs the node by the size of the camera's image: decoded, predicted, and all outputs made.

    python benchmarks/image_size.py [--runs 20]

One rendered room at every size, in turns; the network runs on one thread. Processor time of the process, which other load on
the machine moves less than wall time: median and lowest over the runs, and ratios of the medians to 640x480. Without what it
takes to send messages: that is `benchmarks/messages.py`.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from modot_ros.learn.synthetic import fly_through, random_scene, render  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.ros.calibration import Calibration  # noqa: E402
from modot_ros.ros.messages.convert import image_message  # noqa: E402
from modot_ros.ros.node.outputs import OUTPUTS  # noqa: E402
from modot_ros.ros.node.parameters import Parameters  # noqa: E402
from modot_ros.ros.node.perception import Perception  # noqa: E402
from modot_ros.ros.node.sync import Frame  # noqa: E402

SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))


class Camera:
    """Frames of one view at one size, with stamps 33 ms apart."""

    def __init__(self, rgb: np.ndarray, size: tuple[int, int], predictor: Predictor) -> None:
        self.rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
        self.info = Calibration.pinhole(*size, 0.82 * size[0])
        self.perception = Perception(predictor)
        self.count = 0

    def frame(self) -> Frame:
        self.count += 1
        header = Image().header
        header.stamp.sec, header.stamp.nanosec = divmod(33_333_333 * self.count, 1_000_000_000)
        return Frame(image_message(self.rgb, "rgb8", header), self.info.fill(CameraInfo(header=header)), None, 0.0)


def measure(camera: Camera) -> dict[str, float]:
    """Milliseconds of processor time per stage of one frame."""
    frame = camera.frame()
    parts = set().union(*(output.parts for output in OUTPUTS))
    start_s = time.process_time()
    result = camera.perception.result(frame, parts, Parameters())
    spent_ms = {"perception": 1e3 * (time.process_time() - start_s)}
    for output in OUTPUTS:
        if "metric" in output.depth_kinds and not output.needs_uncertainty:
            one_s = time.process_time()
            output.make(result)
            spent_ms[output.topic] = 1e3 * (time.process_time() - one_s)
    return {"all": sum(spent_ms.values()), **spent_ms}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    predictor = Predictor(device="cpu")
    scene = random_scene(3)
    rgb = render(scene, fly_through(scene, 3, 1, 640, 480)[0], seed=3).rgb
    cameras = {size: Camera(rgb, size, predictor) for size in SIZES}
    for camera in cameras.values():
        measure(camera)
    measured: dict[tuple[int, int], list[dict[str, float]]] = {size: [] for size in SIZES}
    for _ in range(runs):
        for size, camera in cameras.items():
            measured[size].append(measure(camera))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; commit {commit}; {runs} runs; "
          "ms of processor time: median (lowest)")
    print(f"{'':24s}" + "".join(f"{width}x{height}".rjust(18) for width, height in SIZES))
    medians = {}
    for stage in measured[SIZES[0]][0]:
        values = [[one[stage] for one in measured[size]] for size in SIZES]
        medians[stage] = [round(statistics.median(one), 2) for one in values]
        print(f"{stage:24s}" + "".join(f"{statistics.median(one):10.2f} ({min(one):5.2f})" for one in values))
    ratios = [round(one / medians["all"][0], 2) for one in medians["all"]]
    print(f"{'ratio':24s}" + "".join(f"{one:18.2f}" for one in ratios))
    print(json.dumps({"benchmark": "image_size", "commit": commit, "runs": runs, "load": round(os.getloadavg()[0], 1),
                      "sizes": SIZES, "ratios": ratios, "median_ms": medians}))


if __name__ == "__main__":
    main()
