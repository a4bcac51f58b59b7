# SPDX-License-Identifier: Apache-2.0
"""How often an instance changes its id over a synthetic flight, and what tracking costs.

    python benchmarks/tracking.py [--seed 19] [--frames 96] [--size 320 240] [--folder DIR] [--pictures DIR]

Frames are rendered where they are missing (see modot_ros.learn.synthetic.footage) and taken as 10 per second. Three sources of
labels: the truth under ids that are drawn anew for every frame, which shows the tracker alone; the partition of true
depth and boundaries; and the partition of what the shipped network predicts, which is what the node does. An id switch is that of
CLEAR MOT (Bernardin and Stiefelhagen, 2008): a true instance, found by a region with IoU of at least 0.5, has
another id than when it was found last. Prints switches per 100 frames without and with the tracker, how many of these came
after an absence for which nothing is remembered, and ends in one line of JSON.
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
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.learn.metrics.steadiness import Switches  # noqa: E402
from modot_ros.learn.synthetic.footage import Footage, StoredView  # noqa: E402
from modot_ros.prediction import OrderGraph  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.scene.order.graph import order_graph  # noqa: E402
from modot_ros.scene.partition import partition  # noqa: E402
from modot_ros.scene.tracking import Tracker  # noqa: E402

RATE_HZ = 10.0
MEMORY_S = 2.0                                          # hidden_timeout_s, as by default

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]       # labels, depth_m, boundary probability, [H, W] each


def random_ids(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same regions under ids that mean nothing."""
    name = np.zeros(int(labels.max()) + 1, np.int32)
    name[1:] = rng.permutation(np.arange(1, 1000))[:len(name) - 1]
    return name[labels]


def fly(footage: Footage, scene_of: Callable[[StoredView], Scene], found: bool, pictures: Path | None
        ) -> tuple[dict, list[float]]:
    """Switches without and with the tracker, and milliseconds of this thread per frame that the tracker took.

    found: the regions are found in the picture, not given
    """
    tracker, bare, tracked, spent_ms = Tracker(MEMORY_S), Switches(MEMORY_S), Switches(MEMORY_S), []
    hidden = 0
    for number in range(footage.ready()):
        view = footage.read(number)
        labels, depth_m, probability = scene_of(view)
        bare.add(view.labels, labels, number / RATE_HZ)
        start_s = time.thread_time()
        lasting, _ = tracker.recognise(labels, view.rgb, depth_m, number / RATE_HZ)
        middle_s = time.thread_time()
        graph = order_graph(lasting, depth_m, probability, found=found)
        resumed_s = time.thread_time()
        graph = tracker.remember(graph)
        spent_ms.append(1e3 * (time.thread_time() - resumed_s + middle_s - start_s))
        tracked.add(view.labels, lasting, number / RATE_HZ)
        hidden += sum(one.hidden_by > 0 for one in graph.instances)
        if pictures is not None:
            draw(pictures / f"{number:03d}.png", view.rgb, lasting, graph)
    counts = {name: round(100 * count / tracked.frames, 1) for name, count in (
        ("untracked", bare.switches), ("tracked", tracked.switches), ("of_them_forgotten", tracked.forgotten))}
    return {**counts, "found": round(tracked.found / max(tracked.true, 1), 3), "frames": tracked.frames,
            "hidden_per_frame": round(hidden / tracked.frames, 2)}, spent_ms


def draw(path: Path, rgb: np.ndarray, labels: np.ndarray, graph: OrderGraph) -> None:
    """The picture with a colour and a number per id; boxes of what is hidden, with what hides it."""
    hue = (labels.astype(np.int64) * 67 % 180).astype(np.uint8)
    colours = cv2.cvtColor(cv2.merge([hue, np.full_like(hue, 200), np.full_like(hue, 255)]), cv2.COLOR_HSV2BGR)
    picture = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    picture = np.where((labels > 0)[..., None], cv2.addWeighted(picture, 0.5, colours, 0.5, 0), picture)
    for one in graph.instances:
        u, v, width, height = one.bbox_px
        text = f"{one.id}<{one.hidden_by}" if one.hidden_by else str(one.id)
        if one.hidden_by:
            cv2.rectangle(picture, (u, v), (u + width, v + height), (255, 255, 255), 1)
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(picture, text, (u + width // 2 - 8, v + height // 2 + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour,
                        thickness, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=19, help="of the room and the flight")
    parser.add_argument("--frames", type=int, default=96, help="of the whole flight")
    parser.add_argument("--size", type=int, nargs=2, default=(320, 240), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--folder", type=Path, help="where footage is kept; default: the user's cache")
    parser.add_argument("--no-render", action="store_true", help="take what there is")
    parser.add_argument("--pictures", type=Path, help="draw every frame there")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    footage = Footage(arguments.seed, *arguments.size, arguments.frames, arguments.folder)
    if not arguments.no_render:
        footage.render()
    if not footage.ready():
        parser.error("--no-render: there are no frames of this flight yet")
    predictor, rng = Predictor(device="cpu"), np.random.default_rng(0)

    def truth(view: StoredView) -> Scene:
        return random_ids(view.labels, rng), view.depth_m, view.boundary.astype(np.float32)

    def true_partition(view: StoredView) -> Scene:
        probability = cv2.dilate(view.boundary.astype(np.float32), np.ones((3, 3)))
        return partition(view.depth_m, probability, view.rgb), view.depth_m, probability

    def predicted(view: StoredView) -> Scene:
        prediction = predictor.predict(view.rgb, float(view.K[0, 0]), parts=("depth", "boundary", "instances"))
        return prediction.labels, prediction.depth, prediction.boundary_probability

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    device = f"{platform.machine()}, one core, load {os.getloadavg()[0]:.1f}"
    result = {"benchmark": "tracking", "device": device, "commit": commit.strip(), "seed": arguments.seed}
    width, height = arguments.size
    print(f"seed {arguments.seed}, {footage.ready()} of {arguments.frames} frames {width}x{height}; {device}; "
          f"commit {commit.strip()}; id switches per 100 frames")
    for name, scene_of in (("true regions, random ids", truth), ("partition of true maps", true_partition),
                           ("partition of predicted maps", predicted)):
        folder = None
        if arguments.pictures:
            folder = arguments.pictures / name.replace(" ", "_").replace(",", "")
            folder.mkdir(parents=True, exist_ok=True)
        counts, spent_ms = fly(footage, scene_of, scene_of is not truth, folder)
        counts["cpu_ms"] = round(statistics.median(spent_ms), 2)
        print(f"{name:30s}" + "  ".join(f"{key} {value}" for key, value in counts.items())
              + f" ({min(spent_ms):.2f} to {max(spent_ms):.2f})")
        result[name] = counts
    print(json.dumps(result))


if __name__ == "__main__":
    main()
