# SPDX-License-Identifier: Apache-2.0
"""NYUD-MT: NYU Depth v2 (Silberman et al., ECCV 2012) as MoDOT uses it, with occlusion boundaries.

795 training and 654 test pictures of 560x425. The published lists count from 0, the files from 1. Depth is z in metres.
Depth is valid inside 1 mm..10 m, as MoDOT scores it; 255 marks what training must ignore. Where there is a folder
`segmentation` with NYU-40 ids, as other releases of NYU for several tasks have it, its pictures have classes.
"""
from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.class_maps import NYU40_NAMES, read_class_map
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_array, read_grey, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, intrinsics, sample

LISTS = {"train": "train_list.txt", "test": "val_list.txt"}
LAYOUT = Layout(
    "NYUD-MT", "NYUD-MT from the authors of MoDOT (link in the README of https://github.com/xul-ops/MoDOT), and "
    "both lists from data_splits/ of that repository.",
    "train_list.txt\nval_list.txt\nNYUDv2/images/0001.png ...\nNYUDv2/edge/0001.png ...\nNYUDv2/depth/0001.npy ...")
MIN_DEPTH_M, MAX_DEPTH_M = 1e-3, 10.0

# The colour camera of NYU Depth v2, less the 40 columns and 45 rows that Gupta et al. (CVPR 2013) cut off: 560x425.
# Published uses of this principal point differ by up to a pixel.
K = intrinsics(518.857901, 519.469611, 325.582449 - 40, 253.736166 - 45)
SIZE = (425, 560)


def nyud_mt(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    listing = LISTS[choose("split of NYUD-MT", split, LISTS)]
    LAYOUT.require(root, *(f"NYUDv2/{folder}" for folder in ("images", "edge", "depth")))
    names = [f"{int(line) + 1:04d}" for line in LAYOUT.names(root, listing)]
    return PictureSet(f"NYUD-MT {split}", {name: name for name in names}, partial(_read, root / "NYUDv2"))


def _read(folder: Path, name: str, _: str) -> Sample:
    rgb = read_rgb(folder / "images" / f"{name}.png")
    depth_m = read_array(folder / "depth" / f"{name}.npy").astype(np.float32)
    boundary = read_grey(folder / "edge" / f"{name}.png") > 0
    found = sample(name, rgb, depth_m, (depth_m > MIN_DEPTH_M) & (depth_m < MAX_DEPTH_M), boundary,
                   K if rgb.shape[:2] == SIZE else None)
    segmentation = folder / "segmentation" / f"{name}.png"
    return replace(found, classes=read_class_map(segmentation, NYU40_NAMES, rgb.shape[:2])) if segmentation.is_file() else found
