# SPDX-License-Identifier: Apache-2.0
"""Who is compared: the model, its depth with Canny's edges instead of boundaries, and two predictors that see nothing.

Depth and Canny is how the MoDOT paper compares networks without boundaries. A constant plane and the picture's own
median depth keep anybody from taking a trivial score for skill.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from modot_ros.learn.datasets.sample import Sample
from modot_ros.learn.metrics.canny import PAPER_THRESHOLDS, depth_edges
from modot_ros.learn.orders.graph import painted
from modot_ros.prediction import OrderGraph
from modot_ros.predictor import Predictor
from modot_ros.scene.boundaries import thin

CANNY = " depth + Canny "                               # in the names of those that take edges of depth


@dataclass(frozen=True)
class Estimate:
    """Prediction of a contender for one picture."""

    depth: np.ndarray                                   # float32 [H, W], metres unless `relative`
    probability: np.ndarray | None = None               # [H, W] in 0..1, of a boundary; None: predicts none
    edges: np.ndarray | None = None                     # bool [H, W]: boundaries that are lines already
    relative: bool = False
    graph: OrderGraph | None = None                     # over the painted masks of the truth
    classes: np.ndarray | None = None                   # uint8 [H, W], ids of CLASS_NAMES

    def boundary(self, threshold: float) -> np.ndarray:
        """Boundaries from a probability on, bool [H, W], one pixel wide on the occluder."""
        return self.edges if self.edges is not None else thin(self.probability, self.depth, threshold)[0]


Contender = Callable[[Sample, "Estimate | None"], Estimate]


def contenders(predictor: Predictor, typical_depth_m: float) -> dict[str, Contender]:
    """All contenders by the names that tables show, the model first.

    Each is called with a sample and the model's estimate for it (None for the model itself).
    """
    name = predictor.name

    def model(sample: Sample, _: Estimate | None) -> Estimate:
        focal_px = None if sample.K is None else float(sample.K[0, 0])
        labels = None if sample.orders is None else painted(sample.orders.modal)
        parts = ("depth", "boundary") + ("order",) * (labels is not None) + ("classes",) * (sample.classes is not None)
        found = predictor.predict(sample.rgb, focal_px, labels, parts)
        return Estimate(found.depth, found.boundary_probability, None, found.depth_kind == "relative", found.graph,
                        found.classes)

    def with_edges(low: float, high: float) -> Contender:
        def edges(_: Sample, predicted: Estimate) -> Estimate:
            found = depth_edges(predicted.depth, low, high)
            return Estimate(predicted.depth, found.astype(np.float32), found, predicted.relative)
        return edges

    def plane(sample: Sample, _: Estimate | None) -> Estimate:
        return Estimate(np.full(sample.rgb.shape[:2], typical_depth_m, np.float32))

    def median(sample: Sample, _: Estimate | None) -> Estimate:
        known = sample.depth_m[sample.valid] if sample.depth_m is not None else np.empty(0)
        return Estimate(np.full(sample.rgb.shape[:2], np.median(known) if known.size else np.nan, np.float32))

    return {name: model,
            **{f"{name}{CANNY}({low}, {high})": with_edges(low, high) for low, high in PAPER_THRESHOLDS},
            "constant plane (the set's median depth)": plane, "true median depth of each picture": median}


def typical_depth(samples: Iterable[Sample]) -> float:
    """Median of the pictures' median depths, metres; NaN when none has depth."""
    medians = [np.median(one.depth_m[one.valid]) for one in samples if one.valid.any()]
    return float(np.median(medians)) if medians else float("nan")
