# SPDX-License-Identifier: Apache-2.0
"""What every data set of annotated instance orders gives: masks, and the annotated occlusion and depth orders."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from modot_ros.learn.metrics.graph_orders import MIN_LENGTH_PX
from modot_ros.model.instaorder.pair_input import mask_box


@dataclass(frozen=True)
class DepthRelation:
    """One annotated pair, as it was written: `first` is closer than `second`, or both are equal."""

    first: int                                          # index of an instance
    second: int
    equal: bool
    overlap: bool                                       # their depth ranges overlap
    count: int                                          # annotators it took until two agreed


@dataclass(frozen=True)
class OrderTruth:
    """N instances of one picture."""

    name: str
    modal: np.ndarray                                   # uint8 [N, H, W], 1 where the instance is seen
    boxes_xywh: np.ndarray                              # float64 [N, 4] in pixels
    categories: np.ndarray                              # int64 [N], the data set's numbers; 1 where it has none
    occlusion: np.ndarray                               # int64 [N, N], 1 = row over column, -1 = not judged
    amodal: np.ndarray | None = None                    # uint8 [N, H, W], hidden parts as well; None = the set has none
    depths: tuple[DepthRelation, ...] | None = None     # None = the set has none


@dataclass(frozen=True)
class OrderSample:
    """One picture with the orders of its instances. Raises ValueError where sizes differ."""

    rgb: np.ndarray                                     # uint8 [H, W, 3]
    truth: OrderTruth

    def __post_init__(self):
        if self.truth.modal.shape[1:] != self.rgb.shape[:2]:
            raise ValueError(f"masks are {self.truth.modal.shape[1:]}, the picture {self.rgb.shape[:2]}")


def order_truth(name: str, labels: np.ndarray, occlusions: Iterable[tuple[int, int, float]] | None,
                depth_orders: Iterable[tuple[int, int, bool, bool]] | None) -> OrderTruth | None:
    """What is known of the instances of a label image, in the order of their ids; None with fewer than two of them.

    labels       integer [H, W], 0 = background
    occlusions   occluder, occludee, length of their boundary in pixels; None = unknown
    depth_orders nearer, farther, equal, overlapping; None = unknown
    Raises ValueError for an id that is not in the labels.
    """
    ids = np.unique(labels[labels > 0]).tolist()
    if len(ids) < 2:
        return None
    row = {number: k for k, number in enumerate(ids)}
    modal = (labels == np.array(ids)[:, None, None]).astype(np.uint8)
    try:
        depths = None if depth_orders is None else tuple(
            DepthRelation(row[near], row[far], bool(equal), bool(overlapping), 2)        # 2: every pair weighs 1
            for near, far, equal, overlapping in depth_orders)
        found = None if occlusions is None else [(row[front], row[back], length) for front, back, length in occlusions]
    except KeyError as error:
        raise ValueError(f"{name}: an order is about {error}, but the labels are {ids}") from error
    return OrderTruth(name, modal, np.array([mask_box(mask) for mask in modal], np.float64), np.ones(len(ids), np.int64),
                      occlusion_matrix(len(ids), found), None, depths)


def occlusion_matrix(count: int, occlusions: Iterable[tuple[int, int, float]] | None) -> np.ndarray:
    """int64 [N, N], 1 = row over column, from (row, column, length of their boundary in pixels).

    Two whose boundary is shorter than `MIN_LENGTH_PX` in both directions are -1, as everything is for None.
    """
    if occlusions is None:
        return np.full((count, count), -1, np.int64)
    length = np.zeros((count, count))
    for front, back, pixels in occlusions:
        length[front, back] = pixels
    longest = np.maximum(length, length.T)
    return np.where((longest > 0) & (longest < MIN_LENGTH_PX), -1, length >= MIN_LENGTH_PX).astype(np.int64)


def depth_matrices(relations: tuple[DepthRelation, ...], instances: int,
                   leave_out_overlapping: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth (1 = row closer, 0 = farther, 2 = equal), overlap (0 or 1) and count; int64 [N, N], -1 = not annotated.

    `leave_out_overlapping` is the official option `remove_depth_overlap`: overlap becomes -1 where it is 1, which keeps
    such pairs out of every WHDR.
    """
    depth, overlap, count = np.full((3, instances, instances), -1, np.int64)
    for relation in relations:
        there, back = (relation.first, relation.second), (relation.second, relation.first)
        depth[there], depth[back] = (2, 2) if relation.equal else (1, 0)
        overlap[there] = overlap[back] = -1 if relation.overlap and leave_out_overlapping else relation.overlap
        count[there] = count[back] = relation.count
    return depth, overlap, count
