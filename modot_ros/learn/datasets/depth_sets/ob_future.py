# SPDX-License-Identifier: Apache-2.0
"""OB-FUTURE: 19,186 synthetic interiors from 3D-FRONT with exact boundaries (Xu and Wang, BMVC 2025).

17,267 training and 1,869 test scenes of 1080x1080; of the latter MoDOT leaves out four, which is done here too. IOBE
trained on 12,632 of all and tested on 190: the splits "iobe_train" and "iobe_test".

Depth has 8 bits: grey v means 0.1 + 9.9 v / 255 metres from the camera's centre, in steps of 39 mm. 255 is background,
and everything nearer than 1.09 m is stored as if it were there, so both are unknown here. `as_published`: v / 25.5,
which is neither z nor distance, valid inside 0..10, as MoDOT reads it.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_grey, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, depth_along_axis, intrinsics, sample

LISTS = {"train": "19186_occ_9p.txt", "test": "19186_occ_1p.txt", "iobe_train": "synocc_train_3.txt",
         "iobe_test": "synocc_fval.txt"}
LEFT_OUT = ("01219", "05695", "11118", "17595")
LAYOUT = Layout(
    "OB-FUTURE", "OB-FUTURE from the authors of IOBE (link in Data/README.md of https://github.com/xul-ops/IOBE), and "
    "the lists from Data/split_files/ of that repository.",
    "19186_occ_9p.txt\n19186_occ_1p.txt\n00013/rgb_1.png\n00013/dis_fOB.png\n00013/bdepth.png\n...")
# Focal length by picture width, 0.85 rad of view. The axis goes through the middle, 540 pixels from the picture's edge:
# that is 539.5 where the first pixel's centre is 0.
FOCAL_SHARE = 1193.151 / 1080
FARTHEST, NEAREST = 255, 26                             # greys of the background and of everything up to 1.09 m


def ob_future(root: Path, split: str = "test", as_published: bool = False) -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    names = LAYOUT.names(root, LISTS[choose("split of OB-FUTURE", split, LISTS)])
    names = [name for name in names if split != "test" or name not in LEFT_OUT]
    LAYOUT.require(root, names[0])
    return PictureSet(f"OB-FUTURE {split}", {name: root / name for name in names}, partial(_read, as_published))


def _read(as_published: bool, name: str, folder: Path) -> Sample:
    rgb = read_rgb(folder / "rgb_1.png")
    grey = read_grey(folder / "bdepth.png")
    boundary = read_grey(folder / "dis_fOB.png") > 0
    height, width = grey.shape
    focal = FOCAL_SHARE * width
    K = intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2)
    if as_published:
        depth_m = grey / np.float32(25.5)
        return sample(name, rgb, depth_m, grey < FARTHEST, boundary, K)
    depth_m = depth_along_axis(0.1 + 9.9 * grey / 255.0, K)
    return sample(name, rgb, depth_m, (grey > NEAREST) & (grey < FARTHEST), boundary, K)
