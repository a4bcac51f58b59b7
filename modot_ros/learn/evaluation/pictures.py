# SPDX-License-Identifier: Apache-2.0
"""What a model is evaluated on: rendered rooms, shards of them, a folder of pairs, or a published data set, of depth,
boundaries or orders, all as samples."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.datasets import DATASETS, ORDER_DATASETS, open_dataset, open_order_dataset
from modot_ros.learn.datasets.order_sample import OrderSample, OrderTruth, occlusion_matrix, order_truth
from modot_ros.learn.datasets.pairs import PICTURES
from modot_ros.learn.datasets.sample import Sample, intrinsics, sample
from modot_ros.learn.metrics.depth_steps import step_boundaries, step_pairs
from modot_ros.learn.orders.graph import painted
from modot_ros.learn.synthetic.shards import Instances, read_instances, write_shards
from modot_ros.learn.synthetic.truth import occlusion_pairs
from modot_ros.learn.training.views import Views, load_views

ROOMS, SHARDS = "rooms", "shards"
KINDS = (ROOMS, SHARDS, *DATASETS, *ORDER_DATASETS)
# How far a boundary may lie from the true one: truth of the rooms is a pixel of its own, others are drawn by hand or
# found in stored depth.
ROOMS_TOLERANCE_PX, TOLERANCE_PX = 1, 2


@dataclass(frozen=True)
class Pictures:
    """A set of samples by name; boundaries may lie `tolerance_px` beside the truth."""

    kind: str                                           # one of KINDS
    title: str
    names: tuple[str, ...]
    read: Callable[[int], Sample]                       # ValueError for one that can't be read
    tolerance_px: int

    def __len__(self) -> int:
        return len(self.names)

    def samples(self, skipped: dict[str, str]) -> Iterator[Sample]:
        """All that can be read; the others go into `skipped` with the reason."""
        for k, name in enumerate(self.names):
            try:
                one = self.read(k)
            except ValueError as error:
                skipped[name] = str(error)
                continue
            yield one


def open_pictures(data: str, limit: int | None = None, workers: int = 1,
                  progress: Callable[[int, int], None] | None = None) -> Pictures:
    """Pictures of "KIND=FOLDER" or "FOLDER".

    Args:
        data: KIND is one of KINDS; without it, a folder with pictures or an index.json holds pairs and any other one rooms,
            whose test split is rendered into FOLDER/test as far as it is missing. Of "shards" the folder is taken as it is.
        limit: at most so many, the first ones; for rooms also how many are rendered (default 200).
        workers: processes that render. progress: called with (shards done, shards in all).

    Raises:
        ValueError: an unknown kind, or a folder that can't be read as that kind.
        FileNotFoundError: no such data set there; names what to download.
    """
    kind, found, folder = data.partition("=")
    if not found:
        kind, folder = "pairs" if _holds_pictures(Path(data)) else ROOMS, data
    if not folder or Path(folder).is_file():
        raise ValueError(f"data {data!r} names no folder: expected [KIND=]FOLDER")
    if kind not in KINDS:
        raise ValueError(f"data {data!r}: kind {kind!r} is unknown: choose one of {', '.join(KINDS)}")
    if kind == ROOMS:
        write_shards(Path(folder) / "test", "test", limit or 200, workers=workers, progress=progress)
        return _views(kind, Path(folder) / "test", limit or 200)
    if kind == SHARDS:
        return _views(kind, Path(folder), limit)
    if kind == "diw":
        raise ValueError(f"data {data!r}: DIW has two points a picture and is scored by the published protocol alone")
    if kind in ORDER_DATASETS:
        ordered = open_order_dataset(kind, folder)
        return Pictures(kind, ordered.title, ordered.names[:limit], lambda index: _order_sample(ordered[index]),
                        TOLERANCE_PX)
    opened = open_dataset(kind, folder)
    exact = _exact(Path(folder)) if kind == "pairs" else frozenset()

    def read(index: int) -> Sample:
        one = opened[index]
        if one.name in exact:
            one = replace(one, orders=_stepped(one.orders, one.depth_m),
                          boundary=step_boundaries(one.depth_m) if one.boundary is None else one.boundary)
        return one
    return Pictures(kind, opened.title, opened.names[:limit], read, TOLERANCE_PX)


def _holds_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(path.name == "index.json" or path.suffix.lower() in PICTURES for path in folder.iterdir())


def _views(kind: str, folder: Path, limit: int | None) -> Pictures:
    views, instances = load_views(folder, limit), read_instances(folder)
    names = tuple(f"room_{k:05d}" for k in range(len(views)))
    return Pictures(kind, f"rendered rooms, {len(views)} not seen in training", names,
                    lambda index: room_sample(views, index, names[index], instances[index]), ROOMS_TOLERANCE_PX)


def room_sample(views: Views, index: int, name: str, instances: Instances | None = None) -> Sample:
    """One rendered view as a sample."""
    rgb = views.rgb[index].permute(1, 2, 0).numpy()
    height, width = rgb.shape[:2]
    focal_px = float(views.focal[index]) * width
    classes = views.classes[index, 0].numpy()
    found = sample(name, rgb, views.depth_m[index, 0].float().numpy(), boundary=views.boundary[index, 0].numpy() > 0,
                   K=intrinsics(focal_px, focal_px, (width - 1) / 2, (height - 1) / 2),
                   orders=instances and order_truth(name, instances.labels, instances.occlusions, instances.depth_orders))
    return replace(found, classes=classes) if (classes != UNKNOWN_CLASS).any() else found


def _order_sample(one: OrderSample) -> Sample:
    return replace(sample(one.truth.name, one.rgb), orders=one.truth)


def _stepped(orders: OrderTruth | None, depth_m: np.ndarray) -> OrderTruth | None:
    """With the occlusions that exact depth shows, where none are given."""
    if orders is None or (orders.occlusion != -1).any():
        return orders
    seen = occlusion_pairs(painted(orders.modal), *step_pairs(depth_m))
    return replace(orders, occlusion=occlusion_matrix(len(orders.modal), seen - [1, 1, 0]))


def _exact(folder: Path) -> frozenset[str]:
    """Names of the pairs that index.json calls `exact_depth`: their depth has the boundaries in it."""
    path = folder / "index.json"
    entries: Sequence = json.loads(path.read_text()) if path.is_file() else ()
    return frozenset(entry.get("name", Path(entry["image"]).stem) for entry in entries if entry.get("exact_depth"))
