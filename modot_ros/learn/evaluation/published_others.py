# SPDX-License-Identifier: Apache-2.0
"""Sets of boundaries alone and of orders scored as their papers did, beside the papers' rows.

Boundaries: ODS, OIS and AP in percent by DOOBNet's scripts as released, from threshold 0.51 on; a model of `modot refine` is
scored before and after one round of strokes that follow the truth (DNMMSI, BMVC 2025), any other as the automatic networks
there. Orders: an order network on true masks, means over pictures (InstaOrder, CVPR 2022).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from modot_ros.learn.evaluation.interactive import evaluate_interactive
from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.evaluation.quoted import BOUNDARY_COLUMNS, ORDER_COLUMNS, beside
from modot_ros.learn.metrics.boundary_benchmark import FIRST_RELEASED, BoundaryBenchmark, BoundaryCurve
from modot_ros.learn.orders.evaluation import OrderBenchmark
from modot_ros.model import STROKE_MODELS, order_pairs
from modot_ros.predictor import Predictor

BOUNDARY_KINDS = ("ob_diode", "ob_entityseg", "piod", "bsds_ownership", "cmu", "nyuv2_oc", "interiornet_or")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PublishedRows:
    """Our rows on a set: scores of boundaries and orders in percent; which columns, and with how many digits."""

    kind: str
    title: str
    pictures: int
    scores: dict[str, dict[str, float]]                 # row -> score -> value
    skipped: dict[str, str]                             # picture -> reason
    columns: tuple[str, ...] = BOUNDARY_COLUMNS
    digits: int = 1

    def lines(self) -> list[str]:
        """Markdown: our rows above those of papers."""
        lines = [f"## {self.title}, as published", "", f"{self.pictures} pictures.", "",
                 *beside(self.kind, self.scores, self.columns, self.digits)]
        if self.skipped:
            lines += ["", f"{len(self.skipped)} skipped:", *(f"- `{name}`: {why}" for name, why in self.skipped.items())]
        return [*lines, ""]


def boundary_rows(pictures: Pictures, predictor: Predictor, progress: Progress | None = None) -> PublishedRows:
    """Score a model's boundaries. Raises ValueError for a model that predicts none, and when no picture can be scored."""
    if predictor.name in STROKE_MODELS:
        found = evaluate_interactive(pictures, predictor, progress=progress)
        first, after = found.looks
        work = {"avg_fn_1e2": 1e2 * after.avg_fn[0], "avg_fp_1e4": 1e4 * after.avg_fp[0], "avg_fp_1e3": 1e3 * after.avg_fp[0]} \
            if after.avg_fn and after.avg_fp else {}
        return PublishedRows(pictures.kind, found.title, found.pictures,
                             {f"{predictor.name}, automatic": _percent(first.curves[0]),
                              predictor.name: _percent(after.curves[0]) | work}, found.skipped)
    bench, skipped = BoundaryBenchmark(first=FIRST_RELEASED), {}
    for one in pictures.samples(skipped):
        if one.boundary is None:
            skipped[one.name] = "its boundaries are unknown"
            continue
        probability = predictor.predict(one.rgb, parts=("boundary",)).boundary_probability
        if probability is None:
            raise ValueError(f"{predictor.name} predicts no boundaries")
        bench.add(probability, one.boundary if one.drawings is None else one.drawings)
        if progress:
            progress(len(bench), len(pictures))
    if not len(bench):
        raise ValueError(f"{pictures.title}: none of {len(pictures)} pictures can be scored: {skipped}")
    return PublishedRows(pictures.kind, pictures.title, len(bench), {predictor.name: _percent(bench.curve())}, skipped)


def order_rows(pictures: Pictures, name: str, network: nn.Module, progress: Progress | None = None) -> PublishedRows:
    """Score an order network, called `name`. Raises ValueError when no picture can be scored."""
    bench, skipped = OrderBenchmark(), {}
    for one in pictures.samples(skipped):
        if one.orders is None:
            skipped[one.name] = "has no orders"
            continue
        bench.add(order_pairs(network, one.rgb, one.orders.modal, one.orders.boxes_xywh), one.orders)
        if progress:
            progress(bench.pictures, len(pictures))
    if not bench.pictures:
        raise ValueError(f"{pictures.title}: none of {len(pictures)} pictures can be scored: {skipped}")
    scores = bench.table(skipped).scores()
    return PublishedRows(pictures.kind, pictures.title, bench.pictures,
                         {name: {key: scores[key] for key in ORDER_COLUMNS if key in scores}}, skipped, ORDER_COLUMNS, 2)


def _percent(curve: BoundaryCurve) -> dict[str, float]:
    return {"ods": 100 * curve.ods, "ois": 100 * curve.ois, "ap": 100 * curve.ap}
