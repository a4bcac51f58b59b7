# SPDX-License-Identifier: Apache-2.0
"""What every data set of annotated instance orders gives: masks, and who is said to occlude whom and to be closer."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    occlusion: np.ndarray                               # int64 [N, N], 1 = row over column
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
