# SPDX-License-Identifier: Apache-2.0
"""PIOD: some 10,000 pictures of PASCAL VOC 2010 with the occlusion boundaries of objects (Wang and Yuille, ECCV 2016). No depth.

As its authors publish it, boundaries are lists of pixels in MATLAB files; as IOBE's code reads it, drawings in
Aug_PngEdgeLabel, the training ones with enlarged and mirrored copies. Test pictures are those of val_doc_2010.txt, training
pictures all others of the authors' folder, or those of train_ids.lst in IOBE's.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.boundary_sets.drawing import of_size
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_grey, read_mat, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, sample

TEST, TRAIN = "val_doc_2010.txt", "train_ids.lst"
LAYOUT = Layout(
    "PIOD", "VOCtrainval_03-May-2010.tar (PASCAL VOC 2010) for JPEGImages, and the annotations that the README of "
    "https://github.com/GuoxiaWang/DOOBNet links to for Data and val_doc_2010.txt.",
    "val_doc_2010.txt\nJPEGImages/2008_000008.jpg ...\nData/2008_000008.mat ...\n"
    "or, as https://github.com/xul-ops/IOBE reads it: train_ids.lst, Aug_JPEGImages/2008_000008.jpg and\n"
    "Aug_PngEdgeLabel/2008_000008.png ...")


def piod(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published."""
    choose("split of PIOD", split, ("train", "test"))
    drawn = (root / "Aug_PngEdgeLabel").is_dir() and not (root / "Data").is_dir()
    pictures, labels = ("Aug_JPEGImages", "Aug_PngEdgeLabel") if drawn else ("JPEGImages", "Data")
    LAYOUT.require(root, pictures, labels)
    names = LAYOUT.names(root, TRAIN if drawn and split == "train" else TEST)
    if split == "train" and not drawn:
        names = sorted({path.stem for path in (root / labels).glob("*.mat")} - set(names))
    entries = {name: (root / pictures / f"{name}.jpg", root / labels / f"{name}{'.png' if drawn else '.mat'}") for name in names}
    return PictureSet(f"PIOD {split}", entries, _read)


def _read(name: str, paths: tuple[Path, Path]) -> Sample:
    picture, label = paths
    rgb = read_rgb(picture)
    boundary = read_grey(label) > 0 if label.suffix == ".png" else _listed(label)
    return sample(name, rgb, boundary=of_size(label, boundary, rgb))


def _listed(path: Path) -> np.ndarray:
    """bool [H, W] of a file whose edges are lists of pixels, counted from 1 down the columns."""
    variables = read_mat(path)
    try:
        info = variables["bndinfo_pascal"][0, 0]
        height, width = (int(side) for side in info["imsize"].ravel()[:2])
        boundary = np.zeros(height * width, bool)
        edges = info["edges"]
        if int(info["ne"].ravel()[0]):                              # else there is no edge
            for indices in edges[0, 0]["indices"].ravel():
                numbers = indices.ravel().astype(np.int64)
                if numbers.min(initial=1) < 1:
                    raise ValueError(f"a pixel has the number {numbers.min()}, expected 1 or more")
                boundary[numbers - 1] = True
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no annotation of PIOD: expected bndinfo_pascal with imsize, ne and edges "
                         f"({error})") from error
    return boundary.reshape(width, height).T
