# SPDX-License-Identifier: Apache-2.0
"""Published data sets by their names, as torch data sets. Nothing is downloaded; what is missing is explained."""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.boundary_sets.bsds_ownership import bsds_ownership
from modot_ros.learn.datasets.boundary_sets.cmu import cmu
from modot_ros.learn.datasets.boundary_sets.interiornet_or import interiornet_or
from modot_ros.learn.datasets.boundary_sets.nyuv2_oc import nyuv2_oc
from modot_ros.learn.datasets.boundary_sets.piod import piod
from modot_ros.learn.datasets.depth_sets.diode import diode
from modot_ros.learn.datasets.depth_sets.diw import diw
from modot_ros.learn.datasets.depth_sets.ibims import ibims
from modot_ros.learn.datasets.depth_sets.kitti import kitti
from modot_ros.learn.datasets.depth_sets.nyud_mt import nyud_mt
from modot_ros.learn.datasets.depth_sets.ob_future import ob_future
from modot_ros.learn.datasets.depth_sets.ob_hypersim import ob_hypersim
from modot_ros.learn.datasets.depth_sets.ob_labname import ob_diode, ob_entityseg
from modot_ros.learn.datasets.layout import choose
from modot_ros.learn.datasets.order_sample import OrderSample
from modot_ros.learn.datasets.order_sets.cocoa import cocoa
from modot_ros.learn.datasets.order_sets.instaorder import instaorder
from modot_ros.learn.datasets.order_sets.kins import kins
from modot_ros.learn.datasets.pairs import pairs
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample

_SETS = {"nyud_mt": nyud_mt, "ob_future": ob_future, "ob_hypersim": ob_hypersim, "ibims": ibims, "diode": diode,
         "ob_diode": ob_diode, "ob_entityseg": ob_entityseg, "piod": piod, "bsds_ownership": bsds_ownership, "cmu": cmu,
         "nyuv2_oc": nyuv2_oc, "interiornet_or": interiornet_or, "kitti": kitti, "diw": diw, "pairs": pairs}
_READ_OTHERWISE = (ob_future, ob_hypersim)              # whose depth MoDOT reads as something else than metres
_ORDER_SETS = {"instaorder": instaorder, "cocoa": cocoa, "kins": kins}
DATASETS = tuple(_SETS)
ORDER_DATASETS = tuple(_ORDER_SETS)

__all__ = ["DATASETS", "ORDER_DATASETS", "open_dataset", "open_order_dataset"]


def open_dataset(name: str, root: str | Path, split: str = "test", as_published: bool = False) -> PictureSet[Sample]:
    """Pictures with depth, boundaries or both.

    Args:
        name: one of DATASETS.
        root: its folder, as published.
        split: "train" or "test"; most sets have only "test", DIODE "test_indoors" and "test_outdoor" as well, OB-FUTURE
            "iobe_train" and "iobe_test", InteriorNet-OR "all".
        as_published: depth exactly as MoDOT's loaders read it, where that is not z in metres.

    Raises:
        ValueError: no set or split of that name, or a list that can't be read.
        FileNotFoundError: the folder is not as published; names what to download from whom, and how the folder must look.
        ModuleNotFoundError: a package that only this set needs is missing.
    """
    opener = _SETS[choose("data set", name, DATASETS)]
    options = {"as_published": as_published} if opener in _READ_OTHERWISE else {}
    return opener(Path(root), split, **options)


def open_order_dataset(name: str, root: str | Path, split: str = "val") -> PictureSet[OrderSample]:
    """Pictures with instances and their orders. One of ORDER_DATASETS, split "train" or "val"; raises as above."""
    return _ORDER_SETS[choose("data set of orders", name, ORDER_DATASETS)](Path(root), split)
