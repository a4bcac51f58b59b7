# SPDX-License-Identifier: Apache-2.0
"""DIW: pictures from the web with two points each, of which a person said which is closer (Chen et al., NIPS 2016). No depth.

`sample.points` has the pair. The list has two lines a picture: its file, and row and column of both points from 1, the relation
and the picture's width and height. 74,441 test pictures are what InstaOrder's supplement scores.
"""
from __future__ import annotations

import csv
from pathlib import Path

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import PointPair, Sample, sample

LISTS = {"train": "DIW_train_val.csv", "test": "DIW_test.csv"}
LAYOUT = Layout("DIW", "DIW and its annotations from the authors of \"Single-Image Depth Perception in the Wild\" (NIPS 2016).",
                "DIW_test.csv\nDIW_test/....thumb ...        (DIW_train_val.csv, DIW_train_val/)")


def diw(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split and a list that can't be read, FileNotFoundError when the folder is not as
    published."""
    listing = LISTS[choose("split of DIW", split, LISTS)]
    LAYOUT.require(root, listing)
    with open(root / listing, newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows or len(rows) % 2:
        raise ValueError(f"DIW: {root / listing} has {len(rows)} lines, expected two for each picture")
    entries = {}
    for number, (picture, pair) in enumerate(zip(rows[::2], rows[1::2])):
        try:
            entries[Path(picture[0]).stem] = root / picture[0].removeprefix("./"), _pair(pair)
        except ValueError as error:
            raise ValueError(f"DIW: {root / listing}, line {2 * number + 2}: {error}") from error
    return PictureSet(f"DIW {split}", entries, _read)


def _pair(row: list[str]) -> PointPair:
    if len(row) < 5:
        raise ValueError(f"{','.join(row)!r} is not row, column, row, column and relation")
    return PointPair((int(row[0]), int(row[1])), (int(row[2]), int(row[3])), row[4].strip()[:1])


def _read(name: str, entry: tuple[Path, PointPair]) -> Sample:
    path, points = entry
    rgb = read_rgb(path)
    height, width = rgb.shape[:2]
    for row, column in (points.a, points.b):
        if not (1 <= row <= height and 1 <= column <= width):
            raise ValueError(f"{path} is {width}x{height}, expected a picture with the point ({row}, {column}), counted from 1")
    return sample(name, rgb, points=points)
