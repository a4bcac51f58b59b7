# SPDX-License-Identifier: Apache-2.0
"""OB-Hypersim: Hypersim's renders (Roberts et al., ICCV 2021) with P2ORM's boundaries (Qiu et al., ECCV 2020).

27,536 training and 3,311 test pictures of 1024x768. A pixel is on a boundary when it is on an instance contour or on
one of P2ORM's. The stored depth is the distance from the camera's centre in metres, NaN where nothing was hit; here it
becomes z. `as_published`: distance / 3.05, which is how MoDOT reads it, so its errors in "metres" are to be multiplied
by 3.05. Reading needs h5py (`pip install h5py`).
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_marked, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, depth_along_axis, intrinsics, sample

LISTS = {"train": "hypersim_filtered_train.txt", "test": "hypersim_filtered_test.txt"}
LAYOUT = Layout(
    "OB-Hypersim", "OB-Hypersim from the authors of MoDOT (link in the README of https://github.com/xul-ops/MoDOT), "
    "and both lists from data_splits/ of that repository.",
    "hypersim_filtered_train.txt\nhypersim_filtered_test.txt\nhypersim/ai_001_001/cam_00/tonemap/0000.jpg ...\n"
    "hypersim/ai_001_001/cam_00/ob/0000.png ...\nhypersim/ai_001_001/cam_00/instance_contour/0000.png ...\n"
    "hypersim/ai_001_001/cam_00/depth_hdf5/0000.hdf5 ...")
FOCAL_SHARE = 886.81 / 1024                             # focal length by picture width, 60 degrees of view
PUBLISHED_DIVISOR = 3.05


def ob_hypersim(root: Path, split: str = "test", as_published: bool = False) -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published,
    ModuleNotFoundError without h5py."""
    _h5py()
    lines = LAYOUT.names(root, LISTS[choose("split of OB-Hypersim", split, LISTS)])
    LAYOUT.require(root, "hypersim")
    entries = {}
    for line in lines:                                              # hypersim/SCENE/CAMERA/tonemap/FRAME
        parts = line.split("/")
        if len(parts) != 5:
            raise ValueError(f"{root / LISTS[split]}: {line!r} is not hypersim/SCENE/CAMERA/tonemap/FRAME")
        entries[f"{parts[1]}_{parts[2]}_{parts[4]}"] = (root.joinpath(*parts[:3]), parts[4])
    return PictureSet(f"OB-Hypersim {split}", entries, partial(_read, as_published))


def _read(as_published: bool, name: str, entry: tuple[Path, str]) -> Sample:
    folder, frame = entry
    rgb = read_rgb(folder / "tonemap" / f"{frame}.jpg")
    boundary = read_marked(folder / "instance_contour" / f"{frame}.png") | read_marked(folder / "ob" / f"{frame}.png")
    range_m = _range(folder / "depth_hdf5" / f"{frame}.hdf5")
    height, width = range_m.shape
    focal = FOCAL_SHARE * width
    K = intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2)
    depth_m = range_m / PUBLISHED_DIVISOR if as_published else depth_along_axis(range_m, K)
    return sample(name, rgb, depth_m, None, boundary, K)


def _range(path: Path) -> np.ndarray:
    """float32 [H, W] in metres. Raises ValueError for a file that can't be read."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        with _h5py().File(path, "r") as file:
            return file["dataset"][:].astype(np.float32)
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is no depth of Hypersim ({error})") from error


def _h5py():
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("OB-Hypersim stores depth as HDF5: pip install h5py") from error
    return h5py
