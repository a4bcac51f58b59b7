# SPDX-License-Identifier: Apache-2.0
"""What semantic classes of rooms a network has to beat: the commonest class, and the commonest class of every row.

    python benchmarks/class_baselines.py --fit run/data/train --score run/data/validation
    python benchmarks/class_baselines.py --fit run/data/train --score NYUv2/segmentation --names nyu40

Both folders hold shards of rendered rooms with classes (`modot train` renders them); what is learned from the first is scored on
the second, in 20 classes, in NYU-13 and in the 6 of robots. With --names the second holds index pictures, .png, whose values
count from 1, and --names is nyu40 or a file of their names, one a line.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.datasets.class_maps import NYU40_NAMES, read_class_map, read_names
from modot_ros.learn.metrics.class_scores import ClassByRow, class_scores, confusion
from modot_ros.learn.synthetic.shards import read_classes


def known_views(folder: Path) -> list[np.ndarray]:
    """Classes of the folder's views that have any."""
    views = [classes for classes in read_classes(folder) if (classes != UNKNOWN_CLASS).any()]
    if not views:
        raise SystemExit(f"{folder}: no shards with classes there, older ones have none: render them again")
    return views


def labelled_pictures(folder: Path, table: str) -> list[np.ndarray]:
    """Classes of the folder's index pictures."""
    names = NYU40_NAMES if table == "nyu40" else read_names(Path(table))
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise SystemExit(f"{folder}: no .png pictures there")
    return [read_class_map(path, names) for path in paths]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", type=Path, required=True, help="folder of shards to learn from")
    parser.add_argument("--score", type=Path, required=True, help="folder of shards or, with --names, pictures to score on")
    parser.add_argument("--names", help="nyu40, or a file with the names of the pictures' values")
    options = parser.parse_args()
    fit = known_views(options.fit)
    score = labelled_pictures(options.score, options.names) if options.names else known_views(options.score)
    by_row = ClassByRow(fit)
    guesses = {"commonest class": lambda height, width: np.full((height, width), by_row.commonest, np.uint8),
               "class by row": by_row.predict}
    print(f"learned from {len(fit)} views, scored on {len(score)}\n")
    print("| prediction | classes | pixel accuracy | mean accuracy | mIoU |\n| --- | --- | --- | --- | --- |")
    for name, guess in guesses.items():
        pixels = np.sum([confusion(guess(*true.shape), true) for true in score], axis=0)
        for count in (20, 13, 6):
            found = class_scores(pixels, count)
            print(f"| {name} | {count} | {found.pixel_accuracy:.3f} | {found.mean_accuracy:.3f} | {found.mean_iou:.3f} |")


if __name__ == "__main__":
    main()
