# SPDX-License-Identifier: Apache-2.0
"""Anything that orders instances against a data set of annotated orders: a network, a rule, a whole predictor."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modot_ros.learn.datasets.order_sample import OrderSample, depth_matrices
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.orders.metrics import (OcclusionScores, depth_tally, mean_occlusion, mean_whdr, occlusion_tally,
                                            pooled_occlusion, pooled_whdr)
from modot_ros.prediction import PairOrders


@dataclass(frozen=True)
class OrderTable:
    """Scores in percent; None where the data set or what is scored says nothing about it."""

    pictures: int
    skipped: dict[str, str]                             # name -> why it could not be read
    occlusion: OcclusionScores | None                   # mean over pictures, which is what is published
    occlusion_pooled: OcclusionScores | None
    whdr: dict[str, float] | None                       # by metrics.GROUPS, mean over pictures, which is published
    whdr_pooled: dict[str, float] | None


def evaluate_orders(pictures: PictureSet[OrderSample], orders: Callable[[OrderSample], PairOrders]) -> OrderTable:
    """Scores of `orders` on all pictures that can be read.

    For a network of InstaOrder: `lambda one: order_pairs(network, one.rgb, one.truth.modal, one.truth.boxes_xywh)`.
    Raises ValueError when no picture can be read, or matrices are not of the number of instances.
    """
    count, occlusions, depths = 0, [], []
    for one in pictures:
        count += 1
        said, truth = orders(one), one.truth
        if said.occlusion is not None:
            occlusions.append(occlusion_tally(said.occlusion, truth.occlusion))
        if said.depth is not None and truth.depths is not None:
            depths.append(depth_tally(said.depth, *depth_matrices(truth.depths, len(truth.modal))))
    if not count:
        raise ValueError(f"{pictures.title}: no picture could be read"
                         + (f", the first because {next(iter(pictures.skipped.values()))}" if pictures.skipped else ""))
    return OrderTable(count, dict(pictures.skipped),
                      mean_occlusion(occlusions) if occlusions else None,
                      pooled_occlusion(occlusions) if occlusions else None,
                      mean_whdr(depths) if depths else None, pooled_whdr(depths) if depths else None)
