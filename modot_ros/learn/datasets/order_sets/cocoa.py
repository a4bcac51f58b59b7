# SPDX-License-Identifier: Apache-2.0
"""COCOA: amodal segments of COCO 2014 in depth order (Zhu et al., *Semantic Amodal Segmentation*, CVPR 2017)."""
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.order_sample import OrderSample, OrderTruth
from modot_ros.learn.datasets.order_sets.coco_masks import all_drawn, coco_mask
from modot_ros.learn.datasets.picture_file import read_json, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.model.instaorder.pair_input import mask_box

SPLITS = ("train", "val")
LAYOUT = Layout(
    "COCOA", "the COCOA annotations (https://github.com/Wakeupbuddy/amodalAPI), and COCO 2014's pictures "
    "(https://cocodataset.org/#download).",
    "annotations/COCO_amodal_train2014.json\nannotations/COCO_amodal_val2014.json\n"
    "train2014/COCO_train2014_000000000009.jpg ...\nval2014/COCO_val2014_000000000042.jpg ...")
HIDDEN = 0.95                                           # an order about something more hidden than this is dropped


def cocoa(root: Path, split: str = "val") -> PictureSet[OrderSample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published,
    ModuleNotFoundError without pycocotools."""
    choose("split of COCOA", split, SPLITS)
    folder, annotations = f"{split}2014", f"annotations/COCO_amodal_{split}2014.json"
    LAYOUT.require(root, annotations, folder)
    truths = cocoa_truths(root / annotations)
    return PictureSet(f"COCOA {split}", {name: index for index, name in enumerate(truths.names)},
                      partial(_read, root / folder, truths))


def cocoa_truths(annotations: Path) -> PictureSet[OrderTruth]:
    """Masks and orders without the pictures. Raises ModuleNotFoundError without pycocotools."""
    coco_mask()
    content = read_json(annotations)
    entries = {picture["file_name"]: (picture, annotation)
               for picture, annotation in zip(content["images"], content["annotations"])}
    return PictureSet("COCOA", entries, _truth)


def _read(folder: Path, truths: PictureSet[OrderTruth], name: str, index: int) -> OrderSample:
    return OrderSample(read_rgb(folder / name), truths[index])


def _truth(name: str, found: tuple[Mapping, Mapping]) -> OrderTruth:
    """Of a region that is hidden altogether the box is the amodal one."""
    picture, annotation = found
    regions, size = annotation["regions"], (picture["height"], picture["width"])
    amodal = all_drawn((region["segmentation"] for region in regions), *size)
    modal = all_drawn((region.get("visible_mask", region["segmentation"]) for region in regions), *size)
    boxes = [mask_box(seen if seen.any() else whole) for seen, whole in zip(modal, amodal)]
    boxes_xywh, categories = np.array(boxes, np.float64).reshape(-1, 4), np.ones(len(regions), np.int64)
    occlusion = np.zeros((len(regions), len(regions)), np.int64)
    for order in filter(None, annotation["depth_constraint"].split(",")):           # "1-2": the first over the second
        match = re.fullmatch(r"\s*(\d+)-(\d+)\s*", order)
        front, back = (int(match[k]) - 1 for k in (1, 2)) if match else (-1, -1)
        if not 0 <= min(front, back) <= max(front, back) < len(regions):
            raise ValueError(f"order {order!r} is not 'i-k' with numbers from 1 to {len(regions)}")
        occlusion[front, back] = regions[back]["occlude_rate"] <= HIDDEN
    return OrderTruth(name, modal, boxes_xywh, categories, occlusion, amodal)
