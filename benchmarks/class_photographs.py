# SPDX-License-Identifier: Apache-2.0
"""Semantic classes on ten photographs that one person labelled: pixel accuracy and IoU of the 6 classes of robots.

    python benchmarks/class_photographs.py [--data ../shared/data/real] [--weights FILE [--model modot_nano]]

real_classes.json names the pictures (frames of a video as FILE:FRAME) and holds their polygons. They are coarse: straight edges
between corners that were read off a grid, a few pixels beside the edge of a 640x480 picture; what is small, thin, mirrored or
not to be told is unlabelled or part of its surroundings. The two predictions without a network are learned from the nine
other pictures, which flatters them: some show the same room. With --weights, a network with semantic classes is scored beside
them.
"""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.classes import ROBOT_NAMES  # noqa: E402
from modot_ros.learn.datasets.class_polygons import drawn_classes  # noqa: E402
from modot_ros.learn.metrics.class_scores import ClassByRow, ClassScores, class_scores, confusion  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402


def read_picture(data: Path, name: str) -> np.ndarray:
    """rgb uint8 [H, W, 3] of FILE, or of FILE:FRAME of a video; SystemExit when it can't be read."""
    file, _, frame = name.partition(":")
    if frame:
        video = cv2.VideoCapture(str(data / file))
        for _ in range(int(frame)):                     # one by one: not every decoder seeks to the very frame
            video.grab()
        bgr = video.read()[1]
        video.release()
    else:
        bgr = cv2.imread(str(data / file))
    if bgr is None:
        raise SystemExit(f"{data / file} can't be read as a picture{f' (frame {frame})' if frame else ''}")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def scores(predict: Callable[[np.ndarray], np.ndarray], pictures: dict[str, np.ndarray],
           truth: dict[str, np.ndarray]) -> ClassScores:
    """Scores in 6 classes, all pictures' pixels together.

    predict: rgb uint8 [H, W, 3] -> classes uint8 [H, W], ids of CLASS_NAMES or UNKNOWN_CLASS.
    """
    return class_scores(np.sum([confusion(predict(pictures[name]), truth[name]) for name in truth], axis=0), len(ROBOT_NAMES))


def baselines(truth: dict[str, np.ndarray]) -> dict[str, ClassScores]:
    """The commonest class, and that of every row, learned from the other pictures."""
    pixels = {"commonest class": 0, "class by row": 0}
    for name, true in truth.items():
        rows = ClassByRow([truth[other] for other in truth if other != name])
        pixels["commonest class"] += confusion(np.full(true.shape, rows.commonest, np.uint8), true)
        pixels["class by row"] += confusion(rows.predict(*true.shape), true)
    return {name: class_scores(table, len(ROBOT_NAMES)) for name, table in pixels.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "real", help="folder of the pictures")
    parser.add_argument("--model", default="modot_nano")
    parser.add_argument("--weights", type=Path, help="of a network with semantic classes")
    options = parser.parse_args()
    labels = json.loads((ROOT / "benchmarks" / "real_classes.json").read_text())["pictures"]
    pictures = {name: read_picture(options.data, name) for name in labels}
    truth = {name: drawn_classes(labels[name]["polygons"], *pictures[name].shape[:2]) for name in labels}
    rows = baselines(truth)
    if options.weights:
        predictor = Predictor(options.model, options.weights)
        if not predictor.has_semantics:
            raise SystemExit(f"{options.weights} predicts no semantic classes")
        rows[options.weights.stem] = scores(lambda rgb: predictor.predict(rgb, parts={"classes"}).classes, pictures, truth)
    print(f"| prediction | pixel accuracy | mean accuracy | mIoU | IoU of {' | '.join(ROBOT_NAMES)} |")
    print("| --- " * (len(ROBOT_NAMES) + 4) + "|")
    for name, one in rows.items():
        cells = [one.pixel_accuracy, one.mean_accuracy, one.mean_iou, *(one.iou[key] for key in ROBOT_NAMES)]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in cells)} |")


if __name__ == "__main__":
    main()
