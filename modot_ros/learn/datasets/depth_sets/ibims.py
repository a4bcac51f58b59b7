# SPDX-License-Identifier: Apache-2.0
"""iBims-1: 100 interiors with laser-scanned depth, for testing only (Koch et al., ECCV workshops 2018).

640x480, z in metres. Valid is what its authors mark as valid and not transparent, and where depth is stored. Boundaries
are MoDOT's drawings in ob/ where that folder is there, otherwise the depth edges that iBims-1 brings along. The folder
may also be as MoDOT's loader has it: gt_depth/ with the same files, whose pictures are in imgs/.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_grey, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, sample

FOLDER, MODOT_FOLDER = "ibims1_core_mat", "gt_depth"
LAYOUT = Layout(
    "iBims-1", "ibims1_core_mat.zip and imagelist.txt from TU Munich, https://mediatum.ub.tum.de/1455541. The "
    "occlusion boundaries (ob/) are optional, from the authors of MoDOT, https://github.com/xul-ops/MoDOT.",
    "imagelist.txt\nibims1_core_mat/corridor_01.mat ...        (or gt_depth/ and imgs/corridor_01.png ...)\n"
    "ob/corridor_01.png ...        (optional)")


def ibims(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    choose("split of iBims-1", split, ("test",))
    folder = next((folder for folder in (FOLDER, MODOT_FOLDER) if (root / folder).is_dir()), FOLDER)
    LAYOUT.require(root, folder)
    names = LAYOUT.names(root, "imagelist.txt")
    drawn = (root / "ob").is_dir()
    return PictureSet("iBims-1", {name: name for name in names}, partial(_read, root, folder, drawn))


def _read(root: Path, folder: str, drawn: bool, name: str, _: str) -> Sample:
    path, picture = root / folder / f"{name}.mat", root / "imgs" / f"{name}.png"
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    rgb = read_rgb(picture) if picture.is_file() else None
    boundary = read_grey(root / "ob" / f"{name}.png") > 0 if drawn else None
    try:
        data = loadmat(path)["data"][0, 0]
        depth_m, valid = data["depth"], (data["mask_invalid"] != 0) & (data["mask_transp"] != 0)
        rgb = np.ascontiguousarray(data["rgb"]) if rgb is None else rgb
        boundary = data["edges"] != 0 if boundary is None else boundary
        K = _intrinsics(data["calib"]) if "calib" in data.dtype.names else None
    except Exception as error:                                      # scipy raises whatever the bytes make it raise
        raise ValueError(f"{path} is no picture of iBims-1 ({error})") from error
    return sample(name, rgb, depth_m, valid, boundary, K)


def _intrinsics(calib: np.ndarray) -> np.ndarray:
    """MATLAB's camera matrix, transposed and counting pixels from 1 -> ours."""
    K = np.array(calib, np.float64).T
    K[:2, 2] -= 1.0
    return K
