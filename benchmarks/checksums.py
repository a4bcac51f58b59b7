# SPDX-License-Identifier: Apache-2.0
"""Checksums of all outputs on ten pictures: a change that should change nothing leaves every line equal, to the bit.

    python benchmarks/checksums.py > before; ...; python benchmarks/checksums.py | diff before -

Without pictures ten rendered rooms of the test split are taken. One thread, so that sums have one order.
"""
from __future__ import annotations

import argparse
import hashlib
import json

import cv2
import numpy as np
import torch

from modot_ros.learn.synthetic.shards import FIRST_SEED, training_view
from modot_ros.prediction import OrderGraph
from modot_ros.predictor import Predictor
from modot_ros.scene.drawing.graph_files import graph_text
from modot_ros.scene.drawing.overlay import overlay
from modot_ros.scene.geometry import clearing_points, flying_pixels, frontiers, points, rays
from modot_ros.scene.tracking import Tracker

FRAME_S = 0.1                                           # between the pictures, for the tracker


def checksum(value: np.ndarray | OrderGraph | str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of an array (type, shape and bytes) or of a value's text."""
    if isinstance(value, np.ndarray):
        text = f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    else:
        text = repr(value).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", help="picture files; without any ten rendered rooms")
    parser.add_argument("--model", default="modot_nano")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.pictures:
        pictures = {path: cv2.imread(path, cv2.IMREAD_COLOR_RGB) for path in options.pictures}
    else:
        pictures = {f"room {k}": training_view(FIRST_SEED["test"] + k).rgb for k in range(10)}
    predictor, tracker, sums = Predictor(options.model, device="cpu"), Tracker(), []
    for number, (name, rgb) in enumerate(pictures.items()):
        found = predictor.predict(rgb)
        height, width = found.depth.shape
        k = np.array([[found.focal_px, 0, (width - 1) / 2], [0, found.focal_px, (height - 1) / 2], [0, 0, 1]])
        directions = rays(k, found.depth.shape)
        kept = ~flying_pixels(found.depth, found.boundary_mask)
        outputs = {"rgb": rgb, "depth": found.depth, "probability": found.boundary_probability, "mask": found.boundary_mask,
                   "side": found.boundary_side, "labels": found.labels, "graph": found.graph,
                   "text": graph_text(found.graph), "overlay": overlay(rgb, found),
                   "points": points(found.depth, directions, kept),
                   "frontiers": frontiers(found.depth, found.boundary_mask, found.boundary_side, directions),
                   "clearing": clearing_points(found.depth, directions, 10.0),
                   "tracked": tracker.recognise(found.labels, rgb, found.depth, number * FRAME_S)}
        for part, value in outputs.items():
            sums.append(checksum(value))
            print(f"{name} {part} {sums[-1]}")
    print(json.dumps({"model": options.model, "pictures": len(pictures), "all": checksum("".join(sums))}))


if __name__ == "__main__":
    main()
