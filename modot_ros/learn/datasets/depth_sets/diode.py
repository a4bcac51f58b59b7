# SPDX-License-Identifier: Apache-2.0
"""DIODE: laser-scanned depth indoors and outdoors (Vasiljevic et al., 2019). No boundaries.

1024x768. The validation set stands for the test set, as in published work. Depth is in metres, scored where the
published mask says so; its authors do not say whether it is z or the distance from the camera, and it is taken as z.
"""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_array, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, intrinsics, sample

# Split -> folders below the root.
SPLITS = {
    "train": ("train/indoors", "train/outdoor"),
    "test": ("val/indoors", "val/outdoor"), "test_indoors": ("val/indoors",), "test_outdoor": ("val/outdoor",),
}
LAYOUT = Layout(
    "DIODE", "val.tar.gz (2.6 GB; train.tar.gz, 81 GB, for training) from TTI-Chicago, https://diode-dataset.org.",
    "val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010.png\n"
    "val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010_depth.npy\n"
    "val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010_depth_mask.npy\n...\nval/outdoor/...")
K = intrinsics(886.81, 927.06, 512.0, 384.0)            # intrinsics.txt of the devkit
SIZE = (768, 1024)


def diode(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    folders = SPLITS[choose("split of DIODE", split, SPLITS)]
    LAYOUT.require(root, *folders)
    paths = [path for folder in folders for path in sorted((root / folder).glob("scene_*/scan_*/*.png"))]
    if not paths:
        LAYOUT.require(root, *(f"{folder}/scene_*" for folder in folders))
    return PictureSet(f"DIODE {split}", {path.stem: path for path in paths}, _read)


def _read(name: str, path: Path) -> Sample:
    rgb = read_rgb(path)
    depth_m = read_array(path.with_name(f"{name}_depth.npy"))
    valid = read_array(path.with_name(f"{name}_depth_mask.npy")) > 0
    return sample(name, rgb, depth_m, valid, None, K if rgb.shape[:2] == SIZE else None)
