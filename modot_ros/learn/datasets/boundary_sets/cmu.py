# SPDX-License-Identifier: Apache-2.0
"""CMU: 30 pictures, a frame of a video each, with hand-drawn occlusion boundaries (Stein and Hebert, IJCV 2009). No depth.

A pixel is on a boundary when any channel of the drawing is not 0. Of the two drawings of a picture the one of fragments
is what DNMMSI's code scores against, and the one of objects what its simulated strokes follow; here it is the former for both.
"""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.boundary_sets.drawing import of_size
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_marked, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, sample

LIST = "cmu_val30.txt"
LAYOUT = Layout(
    "CMU", "the occlusion boundary data set of Stein and Hebert (CMU), as https://github.com/xul-ops/IOBE reads it.",
    "imgs_r/NAME.png ...\ngt/NAME_fragmentgroundtruth.png ...\ncmu_val30.txt        (optional, a NAME a line)")


def cmu(root: Path, split: str = "test") -> PictureSet[Sample]:
    """All pictures, or those that the list names where it is there. Raises ValueError for an unknown split, FileNotFoundError
    when the folder is not as published."""
    choose("split of CMU", split, ("test",))
    LAYOUT.require(root, "imgs_r", "gt")
    names = LAYOUT.names(root, LIST) if (root / LIST).is_file() else sorted(path.name for path in (root / "imgs_r").glob("*.png"))
    if not names:
        LAYOUT.require(root, "imgs_r/NAME.png")
    names = [name.removesuffix(".png") for name in names]
    return PictureSet("CMU", {name: (root / "imgs_r" / f"{name}.png", root / "gt" / f"{name}_fragmentgroundtruth.png")
                              for name in names}, _read)


def _read(name: str, paths: tuple[Path, Path]) -> Sample:
    picture, drawing = paths
    rgb = read_rgb(picture)
    return sample(name, rgb, boundary=of_size(drawing, read_marked(drawing), rgb))
