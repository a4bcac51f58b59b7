# SPDX-License-Identifier: Apache-2.0
"""NYUv2-OC++: the 654 test pictures of NYU Depth v2 with hand-drawn occlusion boundaries (Ramamonjisoa, Du and Lepetit, CVPR
2020), cut to 592x440. No depth here."""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.boundary_sets.drawing import of_size
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_grey, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, sample

SPLITS = ("train", "test")
LAYOUT = Layout(
    "NYUv2-OC++", "NYUv2-OC++ from the authors of \"Predicting Sharp and Accurate Occlusion Boundaries\" (CVPR 2020), in folders "
    "as https://github.com/xul-ops/IOBE reads them.",
    "train.txt\ntest.txt\nimgs/0001.png ...\nob/0001.png ...")


def nyuv2_oc(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    choose("split of NYUv2-OC++", split, SPLITS)
    LAYOUT.require(root, "imgs", "ob")
    names = [name.removesuffix(".png") for name in LAYOUT.names(root, f"{split}.txt")]
    return PictureSet(f"NYUv2-OC++ {split}", {name: (root / "imgs" / f"{name}.png", root / "ob" / f"{name}.png")
                                              for name in names}, _read)


def _read(name: str, paths: tuple[Path, Path]) -> Sample:
    picture, drawing = paths
    rgb = read_rgb(picture)
    return sample(name, rgb, boundary=of_size(drawing, read_grey(drawing) > 0, rgb))
