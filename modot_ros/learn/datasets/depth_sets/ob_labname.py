# SPDX-License-Identifier: Apache-2.0
"""OB-LabName: real pictures with hand-drawn occlusion boundaries, in two sets (Xu and Wang, BMVC 2025). No depth.

OB-DIODE has 50 pictures of DIODE's validation set, OB-EntitySeg 70 of EntitySeg. A pixel is on a boundary when any
channel of the drawing is not 0.
"""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_marked, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, sample

SOURCE = ("{} from the authors of IOBE (link in Data/README.md of https://github.com/xul-ops/IOBE), and {} from "
          "Data/split_files/ of that repository.")
OB_DIODE = Layout("OB-DIODE", SOURCE.format("OB-DIODE", "diode_val50.txt"),
                  "diode_val50.txt\nimgs/00001_00010_indoors_080_020.png ...\ngt/00001_00010_indoors_080_020.png ...")
OB_ENTITYSEG = Layout("OB-EntitySeg", SOURCE.format("OB-EntitySeg", "entityseg_val70.txt"),
                      "entityseg_val70.txt\nimgs/laion_00_00030_000301597.jpg ...\ngt/laion_00_00030_000301597.png ...")


def ob_diode(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    return _open(OB_DIODE, root, split, "diode_val50.txt", ".png")


def ob_entityseg(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    return _open(OB_ENTITYSEG, root, split, "entityseg_val70.txt", ".jpg")


def _open(layout: Layout, root: Path, split: str, listing: str, suffix: str) -> PictureSet[Sample]:
    choose(f"split of {layout.title}", split, ("test",))
    layout.require(root, "imgs", "gt")
    names = [Path(line).name.removesuffix(suffix) for line in layout.names(root, listing)]
    entries = {name: (root / "imgs" / f"{name}{suffix}", root / "gt" / f"{name}.png") for name in names}
    return PictureSet(layout.title, entries, _read)


def _read(name: str, paths: tuple[Path, Path]) -> Sample:
    picture, drawing = paths
    return sample(name, read_rgb(picture), boundary=read_marked(drawing))
