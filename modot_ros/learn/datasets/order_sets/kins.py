# SPDX-License-Identifier: Apache-2.0
"""KINS: amodal instances of KITTI's street pictures (Qi et al., CVPR 2019). Orders follow from the masks."""
from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.order_sample import OrderSample, OrderTruth
from modot_ros.learn.datasets.order_sets.coco_masks import all_drawn, coco_mask
from modot_ros.learn.datasets.picture_file import read_json, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.model.instaorder.pair_orders import touching

FOLDERS = {"train": "training/image_2", "val": "testing/image_2"}
LAYOUT = Layout(
    "KINS", "the KINS annotations (https://github.com/qqlu/Amodal-Instance-Segmentation-through-KINS-Dataset), and the "
    "left colour pictures of KITTI's object benchmark (https://www.cvlibs.net/datasets/kitti).",
    "instances_train.json\ninstances_val.json\ntraining/image_2/000000.png ...\ntesting/image_2/000000.png ...")


def kins(root: Path, split: str = "val") -> PictureSet[OrderSample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published,
    ModuleNotFoundError without pycocotools."""
    folder = FOLDERS[choose("split of KINS", split, FOLDERS)]
    LAYOUT.require(root, f"instances_{split}.json", folder)
    truths = kins_truths(root / f"instances_{split}.json")
    return PictureSet(f"KINS {split}", {name: index for index, name in enumerate(truths.names)},
                      partial(_read, root / folder, truths))


def kins_truths(annotations: Path) -> PictureSet[OrderTruth]:
    """Masks and orders without the pictures, in the order of the annotations, as officially; a picture without
    instances is left out. Raises ModuleNotFoundError without pycocotools."""
    coco_mask()
    content = read_json(annotations)
    instances: dict[int, list[Mapping]] = {}
    for annotation in content["annotations"]:
        instances.setdefault(annotation["image_id"], []).append(annotation)
    pictures = {picture["id"]: picture for picture in content["images"]}
    entries = {pictures[number]["file_name"]: (pictures[number], found)
               for number, found in instances.items() if number in pictures}
    return PictureSet("KINS", entries, _truth)


def order_from_masks(modal: np.ndarray, amodal: np.ndarray) -> np.ndarray:
    """Who occludes whom among instances that touch: who is seen on more of the other's full shape.

    uint8 [N, H, W] each -> int64 [N, N]. Never mutual; nothing where neither is seen on the other; of equals the first
    one is in front.
    """
    count = len(modal)
    shape = count, int(np.prod(modal.shape[1:]))
    seen_on = modal.reshape(shape).astype(np.float32) @ amodal.reshape(shape).astype(np.float32).T
    first = np.triu(np.ones((count, count), bool), 1)
    front = np.where(first, seen_on >= seen_on.T, seen_on > seen_on.T)
    return (front & (seen_on + seen_on.T > 0) & touching(modal)).astype(np.int64)


def _read(folder: Path, truths: PictureSet[OrderTruth], name: str, index: int) -> OrderSample:
    return OrderSample(read_rgb(folder / name), truths[index])


def _truth(name: str, found: tuple[Mapping, list[Mapping]]) -> OrderTruth:
    picture, instances = found
    size = picture["height"], picture["width"]
    modal = all_drawn((instance["inmodal_seg"] for instance in instances), *size)
    amodal = all_drawn((instance["segmentation"] for instance in instances), *size)
    return OrderTruth(name, modal, np.array([instance["inmodal_bbox"] for instance in instances], np.float64),
                      np.array([instance["category_id"] for instance in instances], np.int64),
                      order_from_masks(modal, amodal), amodal)
