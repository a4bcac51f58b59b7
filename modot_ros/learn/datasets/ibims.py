# SPDX-License-Identifier: Apache-2.0
"""iBims-1: 100 interiors with laser-scanned depth, for testing only (Koch et al., ECCV workshops 2018).

640x480, z in metres. Valid is what its authors mark as valid and not transparent, and where depth is stored. Boundaries
are MoDOT's drawings in ob/ where that folder is there, otherwise the depth edges that iBims-1 brings along.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_grey
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, sample

FOLDER = "ibims1_core_mat"
LAYOUT = Layout(
    "iBims-1", "ibims1_core_mat.zip and imagelist.txt from TU Munich, https://mediatum.ub.tum.de/1455541. The "
    "occlusion boundaries (ob/) are optional, from the authors of MoDOT, https://github.com/xul-ops/MoDOT.",
    "imagelist.txt\nibims1_core_mat/corridor_01.mat ...\nob/corridor_01.png ...        (optional)")


def ibims(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    choose("split of iBims-1", split, ("test",))
    LAYOUT.require(root, FOLDER)
    names = LAYOUT.names(root, "imagelist.txt")
    drawn = (root / "ob").is_dir()
    return PictureSet("iBims-1", {name: name for name in names}, partial(_read, root, drawn))


def _read(root: Path, drawn: bool, name: str, _: str) -> Sample:
    path = root / FOLDER / f"{name}.mat"
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        data = loadmat(path)["data"][0, 0]
        rgb, depth_m, edges, calib = (data[field] for field in ("rgb", "depth", "edges", "calib"))
        valid = (data["mask_invalid"] != 0) & (data["mask_transp"] != 0)
    except Exception as error:                                      # scipy raises whatever the bytes make it raise
        raise ValueError(f"{path} is no picture of iBims-1 ({error})") from error
    boundary = read_grey(root / "ob" / f"{name}.png") > 0 if drawn else edges != 0
    return sample(name, np.ascontiguousarray(rgb), depth_m, valid, boundary, _intrinsics(calib))


def _intrinsics(calib: np.ndarray) -> np.ndarray:
    """MATLAB's camera matrix, transposed and counting pixels from 1 -> ours."""
    K = np.array(calib, np.float64).T
    K[:2, 2] -= 1.0
    return K
