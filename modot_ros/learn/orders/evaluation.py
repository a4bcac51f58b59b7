# SPDX-License-Identifier: Apache-2.0
"""Anything that orders instances against a data set of annotated orders: a network, a rule, a whole predictor."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from modot_ros.learn.datasets.order_sample import OrderSample, OrderTruth, depth_matrices
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.orders.metrics import (
    DepthTally,
    OcclusionScores,
    OcclusionTally,
    depth_tally,
    mean_occlusion,
    mean_whdr,
    occlusion_tally,
    pooled_occlusion,
    pooled_whdr,
)
from modot_ros.prediction import PairOrders


@dataclass(frozen=True)
class OrderTable:
    """Scores in percent; None where the data set or the prediction has no value."""

    pictures: int
    skipped: dict[str, str]                             # name -> why it could not be read
    occlusion: OcclusionScores | None                   # mean over pictures, which is what is published
    occlusion_pooled: OcclusionScores | None
    whdr: dict[str, float] | None                       # by metrics.GROUPS, mean over pictures, which is published
    whdr_pooled: dict[str, float] | None

    def scores(self) -> dict[str, float]:
        """What there is, by the names that `OrderBenchmark.add` uses; pooled ones begin with "pooled_"."""
        return _named(self.occlusion, self.whdr) | {
            f"pooled_{name}": value for name, value in _named(self.occlusion_pooled, self.whdr_pooled).items()}


class OrderBenchmark:
    """Collects predictions and truth, picture by picture."""

    def __init__(self) -> None:
        self.pictures = 0
        self._occlusions: list[OcclusionTally] = []
        self._depths: list[DepthTally] = []

    def add(self, predicted: PairOrders, truth: OrderTruth) -> dict[str, float]:
        """The scores of this picture alone: occlusion_recall, _precision, _f1, whdr_distinct, _overlap, _all, as far as
        they can be had. Raises ValueError when matrices are not of the number of instances."""
        self.pictures += 1
        occlusion = depth = None
        if predicted.occlusion is not None and (truth.occlusion != -1).any():
            self._occlusions.append(occlusion_tally(predicted.occlusion, truth.occlusion))
            occlusion = self._occlusions[-1].scores()
        if predicted.depth is not None and truth.depths is not None:
            self._depths.append(depth_tally(predicted.depth, *depth_matrices(truth.depths, len(truth.modal))))
            depth = self._depths[-1].whdr()
        return _named(occlusion, depth)

    def table(self, skipped: dict[str, str]) -> OrderTable:
        """Of all pictures so far."""
        occlusions, depths = self._occlusions, self._depths
        return OrderTable(self.pictures, dict(skipped),
                          mean_occlusion(occlusions) if occlusions else None,
                          pooled_occlusion(occlusions) if occlusions else None,
                          mean_whdr(depths) if depths else None, pooled_whdr(depths) if depths else None)


def evaluate_orders(pictures: PictureSet[OrderSample], orders: Callable[[OrderSample], PairOrders]) -> OrderTable:
    """Scores of `orders` on all pictures that can be read.

    For a network of InstaOrder: `lambda one: order_pairs(network, one.rgb, one.truth.modal, one.truth.boxes_xywh)`.
    Raises ValueError when no picture can be read, or matrices are not of the number of instances.
    """
    benchmark = OrderBenchmark()
    for one in pictures:
        benchmark.add(orders(one), one.truth)
    if not benchmark.pictures:
        raise ValueError(f"{pictures.title}: no picture could be read"
                         + (f", the first because {next(iter(pictures.skipped.values()))}" if pictures.skipped else ""))
    return benchmark.table(pictures.skipped)


def _named(occlusion: OcclusionScores | None, whdr: dict[str, float] | None) -> dict[str, float]:
    named = {f"occlusion_{name}": value for name, value in (asdict(occlusion) if occlusion else {}).items()}
    named |= {f"whdr_{group}": whdr[f"{group}_all"] for group in ("distinct", "overlap", "all") if whdr}
    return {name: value for name, value in named.items() if not np.isnan(value)}
