# SPDX-License-Identifier: Apache-2.0
"""BSDS ownership: 200 pictures of BSDS300 with boundaries and who owns them, by two people each (Ren, Fowlkes and Malik, ECCV
2006). No depth.

`sample.drawings` has the boundaries of each person and `boundary` all of them; scores count every person for recall, as
published.
As DOOBNet publishes it, trainfg/ and testfg/ hold MATLAB files (100 of each, both of BSDS300's training pictures); as IOBE's
code reads it, the lists train.lst and test.lst name a picture and an HDF5 file of one person's boundaries in each line.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.boundary_sets.drawing import of_size
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_mat, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample

FOLDERS, PICTURES = {"train": "trainfg", "test": "testfg"}, "BSDS300/images/train"
LAYOUT = Layout(
    "BSDS ownership", "BSDS300-images.tgz, and trainfg and testfg (BSDS_theta), all as the README of "
    "https://github.com/GuoxiaWang/DOOBNet links to them.",
    "trainfg/100075.mat ...\ntestfg/101085.mat ...\nBSDS300/images/train/101085.jpg ...\n"
    "or, as https://github.com/xul-ops/IOBE reads it: train.lst and test.lst of lines \"PICTURE LABEL\" (.jpg, .h5)")


def bsds_ownership(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split and a list that can't be read, FileNotFoundError when the folder is not as
    published, ModuleNotFoundError for HDF5 files without h5py."""
    folder = FOLDERS[choose("split of BSDS ownership", split, FOLDERS)]
    if (root / f"{split}.lst").is_file() and not (root / folder).is_dir():
        _h5py()
        entries = {}
        for line in LAYOUT.names(root, f"{split}.lst"):
            parts = line.split()
            if len(parts) != 2:
                raise ValueError(f"{root / f'{split}.lst'}: {line!r} is not a picture and its label, parted by a blank")
            entries[Path(parts[1]).stem] = (root / parts[0], root / parts[1])
        return PictureSet(f"BSDS ownership {split}", entries, _read)
    LAYOUT.require(root, folder, PICTURES)
    labels = sorted((root / folder).glob("*.mat"))
    if not labels:
        raise FileNotFoundError(f"BSDS ownership: {root / folder} is missing its .mat files")
    return PictureSet(f"BSDS ownership {split}",
                      {label.stem: (root / PICTURES / f"{label.stem}.jpg", label) for label in labels}, _read)


def _read(name: str, paths: tuple[Path, Path]) -> Sample:
    picture, label = paths
    rgb = read_rgb(picture)
    drawings = of_size(label, _people(label) if label.suffix == ".mat" else _one(label), rgb)
    return Sample(rgb, None, np.zeros(rgb.shape[:2], bool), drawings.any(0), None, name, drawings=drawings)


def _people(path: Path) -> np.ndarray:
    """bool [A, H, W]: the first channel of every person's gt_theta."""
    variables = read_mat(path)
    try:
        people = variables["gtStruct"]["gt_theta"][0][0].ravel()
        return np.stack([one[:, :, 0] != 0 for one in people])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is no annotation of BSDS ownership: expected gtStruct with gt_theta ({error})") from error


def _one(path: Path) -> np.ndarray:
    """bool [1, H, W]: the first channel of `label`, [1, 2, H, W]."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        with _h5py().File(path, "r") as file:
            label = file["label"][:]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is no HDF5 file with a data set called label ({error})") from error
    if label.ndim != 4 or label.shape[:2] != (1, 2):
        raise ValueError(f"{path}: label is {label.shape}, expected (1, 2, height, width)")
    return label[:, 0] != 0


def _h5py():
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("these labels of BSDS ownership are HDF5: pip install h5py") from error
    return h5py
