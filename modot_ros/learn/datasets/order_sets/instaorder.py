# SPDX-License-Identifier: Apache-2.0
"""InstaOrder: occlusion and depth orders of the instances of COCO 2017 (Lee and Park, CVPR 2022)."""
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.order_sample import DepthRelation, OrderSample, OrderTruth
from modot_ros.learn.datasets.order_sets.coco_masks import all_drawn, coco_mask
from modot_ros.learn.datasets.picture_file import read_json, read_rgb
from modot_ros.learn.datasets.picture_set import PictureSet

SPLITS = ("train", "val")
LAYOUT = Layout(
    "InstaOrder", "the InstaOrder annotations (https://github.com/POSTECH-CVLab/InstaOrder), and COCO 2017's pictures "
    "and annotations (https://cocodataset.org/#download).",
    "annotations/InstaOrder_train2017.json\nannotations/InstaOrder_val2017.json\nannotations/instances_train2017.json\n"
    "annotations/instances_val2017.json\ntrain2017/000000000009.jpg ...\nval2017/000000000139.jpg ...")


def instaorder(root: Path, split: str = "val") -> PictureSet[OrderSample]:
    """Raises ValueError for an unknown split, FileNotFoundError when the folder is not as published,
    ModuleNotFoundError without pycocotools."""
    choose("split of InstaOrder", split, SPLITS)
    folder = f"{split}2017"
    orders, instances = (f"annotations/{kind}_{folder}.json" for kind in ("InstaOrder", "instances"))
    LAYOUT.require(root, orders, instances, folder)
    truths = instaorder_truths(root / orders, root / instances)
    return PictureSet(f"InstaOrder {split}", {name: index for index, name in enumerate(truths.names)},
                      partial(_read, root / folder, truths))


def instaorder_truths(orders: Path, instances: Path) -> PictureSet[OrderTruth]:
    """Masks and orders without the pictures, from InstaOrder's file and COCO's instances of the same split.

    Raises ValueError where one is no JSON or both do not belong together, ModuleNotFoundError without pycocotools.
    """
    coco_mask()
    coco, entries = read_json(instances), {}
    try:
        pictures = {picture["id"]: picture for picture in coco["images"]}
        annotations = {annotation["id"]: annotation for annotation in coco["annotations"]}
        for entry in read_json(orders)["annotations"]:
            picture = pictures[entry["image_id"]]
            entries[picture["file_name"]] = (entry, picture, [annotations[i] for i in entry["instance_ids"]])
    except KeyError as error:
        raise ValueError(f"{orders} and {instances} do not belong together: there is no {error}") from error
    return PictureSet("InstaOrder", entries, _truth)


def annotated_depths(orders: Path) -> list[tuple[int, int]]:
    """(index of a picture, index of an order in it) of all annotated depth orders of InstaOrder's file."""
    return [(picture, order) for picture, entry in enumerate(read_json(orders)["annotations"])
            for order in range(len(entry["depth"]))]


def _read(folder: Path, truths: PictureSet[OrderTruth], name: str, index: int) -> OrderSample:
    return OrderSample(read_rgb(folder / name), truths[index])


def _truth(name: str, found: tuple[Mapping, Mapping, list[Mapping]]) -> OrderTruth:
    entry, picture, instances = found
    size, count = (picture["height"], picture["width"]), len(instances)
    occlusion = np.zeros((count, count), np.int64)
    for relation in entry["occlusion"]:
        for part in relation["order"].split("&"):                   # "0<2 & 2<0": each over the other
            occlusion[_pair(part, "<", count)] = 1
    depths = []
    for relation in entry["depth"]:
        equal = "=" in relation["order"]
        first, second = _pair(relation["order"], "=" if equal else "<", count)
        depths.append(DepthRelation(first, second, equal, bool(relation["overlap"]), int(relation["count"])))
    return OrderTruth(
        name, all_drawn((instance["segmentation"] for instance in instances), *size),
        np.array([instance["bbox"] for instance in instances], np.float64).reshape(-1, 4),
        np.array([instance["category_id"] for instance in instances], np.int64), occlusion, None, tuple(depths))


def _pair(order: str, sign: str, count: int) -> tuple[int, int]:
    """'0<2' -> (0, 2). Raises ValueError for anything else, or an index without an instance."""
    match = re.fullmatch(rf"\s*(\d+)\s*{sign}\s*(\d+)\s*", order)
    if not match or max(int(match[1]), int(match[2])) >= count:
        raise ValueError(f"order {order!r} is not 'i{sign}k' with indices below {count}")
    return int(match[1]), int(match[2])
