# SPDX-License-Identifier: Apache-2.0
"""A plain folder of pictures with depth, boundaries or instances: what users measured, rendered or drew themselves.

Truth lies beside the picture and is found by its name, as `modot predict` writes it:
    NAME.jpg or NAME.png            the picture
    NAME_depth.npy                  float [H, W], z in metres; NaN, inf or 0 = unknown
    NAME_depth_mm.png               or 16 bits, z in millimetres; 0 = unknown
    NAME_boundary.png               not 0 = occlusion boundary
    NAME_labels.png                 8 or 16 bits, instances, 0 = background
    NAME_graph.json                 the true orders of these; without it depth orders are those of the depth
    NAME_classes.png                8 bits, semantic classes: ids of modot_ros.classes.CLASS_NAMES, 255 unknown
    classes.txt                     optional, a class a line: then these values count its lines from 1 on, 0 unknown
    K.txt                           optional, "fx fy cx cy" in pixels for all pictures
One of them is enough. An index.json in the folder gives other names: a list of {"image", "depth_mm" or "depth" or
"boundary" or "labels" or "classes", and optionally "graph", "name", "K": [fx, fy, cx, cy]}; files are relative to the folder.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from modot_ros.learn.datasets.class_maps import read_class_ids, read_class_map, read_names
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.order_sample import OrderTruth, order_truth
from modot_ros.learn.datasets.picture_file import read_array, read_grey, read_json, read_labels, read_rgb, read_values
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, intrinsics, sample
from modot_ros.learn.synthetic.truth import depth_order_pairs

PICTURES = (".jpg", ".jpeg", ".png")
TRUTHS = {"depth": "_depth.npy", "depth_mm": "_depth_mm.png", "boundary": "_boundary.png", "labels": "_labels.png",
          "classes": "_classes.png"}
FILES = {**TRUTHS, "graph": "_graph.json"}              # a graph has no meaning without labels
LAYOUT = Layout("folder of pairs", "nothing: bring pictures of your own with depth, boundaries or instances.",
                "NAME.jpg (or .png)\nNAME_depth.npy (metres) or NAME_depth_mm.png (16 bits, millimetres)\n"
                "NAME_boundary.png (optional)\nNAME_labels.png, NAME_graph.json (optional)\n"
                "NAME_classes.png, classes.txt (optional)\nK.txt (optional: fx fy cx cy)")


@dataclass(frozen=True)
class Pair:
    """Where one picture and its truth lie."""

    image: Path
    truths: dict[str, Path]                             # by the keys of FILES
    K: tuple[float, ...] | None


def pairs(root: Path, split: str = "test") -> PictureSet[Sample]:
    """All pictures that have truth. Raises ValueError for an unknown split, a broken index.json or K.txt, or a folder
    without pairs; FileNotFoundError without the folder."""
    choose("split of a folder of pairs", split, ("test",))
    LAYOUT.require(root)
    entries = _listed(root) if (root / "index.json").is_file() else _found(root)
    if not entries:
        raise ValueError(f"{root}: no picture there has a depth, boundary, labels or classes beside it; looked for "
                         f"{', '.join('NAME' + ending for ending in TRUTHS.values())}")
    return PictureSet(f"pairs of {root.name}", entries, _read)


def _found(root: Path) -> dict[str, Pair]:
    K = _four((root / "K.txt").read_text().split(), root / "K.txt") if (root / "K.txt").is_file() else None
    entries = {}
    for image in sorted(path for path in root.iterdir() if path.suffix.lower() in PICTURES):
        truths = {what: root / f"{image.stem}{ending}" for what, ending in FILES.items()}
        truths = {what: path for what, path in truths.items() if path.is_file()}
        if not TRUTHS.keys().isdisjoint(truths):
            entries[image.stem] = Pair(image, truths, K)
    return entries


def _listed(root: Path) -> dict[str, Pair]:
    path, entries = root / "index.json", {}
    try:
        for entry in read_json(path):
            truths = {what: root / entry[what] for what in FILES if entry.get(what)}
            if not TRUTHS.keys().isdisjoint(truths):
                K = _four(entry["K"], path) if entry.get("K") else None
                entries[entry.get("name", Path(entry["image"]).stem)] = Pair(root / entry["image"], truths, K)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path} is no list of {{"image", "depth_mm", ...}} ({error!r})') from error
    return entries


def _four(values: Sequence, path: Path) -> tuple[float, ...]:
    try:
        four = tuple(float(value) for value in values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if len(four) != 4 or min(four[:2]) <= 0:
        raise ValueError(f"{path}: needs fx fy cx cy with positive focal lengths, got {values}")
    return four


def _read(name: str, pair: Pair) -> Sample:
    depth_m = boundary = None
    if "depth" in pair.truths:
        depth_m = read_array(pair.truths["depth"])
    elif "depth_mm" in pair.truths:
        depth_m = read_values(pair.truths["depth_mm"]) / np.float32(1000)
    if "boundary" in pair.truths:
        boundary = read_grey(pair.truths["boundary"]) > 0
    found = sample(name, read_rgb(pair.image), depth_m, None, boundary, None if pair.K is None else intrinsics(*pair.K))
    if "labels" in pair.truths:
        found = replace(found, orders=_orders(found, pair.truths))
    if "classes" in pair.truths:
        path, table = pair.truths["classes"], pair.image.parent / "classes.txt"
        found = replace(found, classes=read_class_map(path, read_names(table), found.rgb.shape[:2]) if table.is_file()
                        else read_class_ids(path, found.rgb.shape[:2]))
    return found


def _orders(found: Sample, truths: dict[str, Path]) -> OrderTruth | None:
    labels = read_labels(truths["labels"])
    if labels.shape != found.rgb.shape[:2]:
        raise ValueError(f"{truths['labels']} is {labels.shape}, the picture {found.rgb.shape[:2]}")
    if "graph" in truths:
        return order_truth(found.name, labels, *_graph(truths["graph"]))
    known = None if found.depth_m is None else depth_order_pairs(np.where(found.valid, labels, 0), found.depth_m)
    return order_truth(found.name, labels, None, known)


def _graph(path: Path) -> tuple[list, list]:
    """Occlusions and depth orders of a graph as `modot order` and `modot mesh2ob` write it. A boundary without length, as
    people write it, is long enough."""
    content = read_json(path)
    try:
        return ([(one["occluder"], one["occludee"], one.get("boundary_length_px") or math.inf)
                 for one in content["occlusions"]],
                [(one["near"], one["far"], one["equal"], one.get("overlapping", False)) for one in content["depths"]])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no order graph ({error!r})") from error
