# SPDX-License-Identifier: Apache-2.0
"""Masks -> the labels that a predictor takes; its graph over them -> matrices over the masks, to be scored."""
from __future__ import annotations

import numpy as np

from modot_ros.prediction import OrderGraph, PairOrders


def painted(modal: np.ndarray) -> np.ndarray:
    """Masks [N, H, W] -> labels int32 [H, W], mask k as k + 1. Where masks overlap the smaller one is on top."""
    labels = np.zeros(modal.shape[1:], np.int32)
    areas = modal.astype(bool).sum(axis=(1, 2))
    for k in np.argsort(-areas, kind="stable").tolist():
        labels[modal[k] > 0] = k + 1
    return labels


def graph_orders(graph: OrderGraph, count: int) -> PairOrders:
    """Matrices of a graph over ids 1..count. A pair without a depth order is -1 there, which is never right."""
    occlusion, depth = np.zeros((count, count), np.int64), np.full((count, count), -1, np.int64)
    np.fill_diagonal(depth, 0)
    for order in graph.occlusions:
        occlusion[order.occluder - 1, order.occludee - 1] = 1
    for order in graph.depths:
        near, far = order.near - 1, order.far - 1
        depth[near, far], depth[far, near] = (2, 2) if order.equal else (1, 0)
    return PairOrders(occlusion=occlusion, depth=depth)
