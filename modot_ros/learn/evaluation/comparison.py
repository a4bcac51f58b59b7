# SPDX-License-Identifier: Apache-2.0
"""Every contender on every picture of a set: one row of scores each, and the curves over the set."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
from scipy.stats import quantile_test
from torch import nn

from modot_ros.learn.datasets.sample import Sample
from modot_ros.learn.evaluation.class_benchmark import ClassBenchmark
from modot_ros.learn.evaluation.contenders import Estimate, contenders, typical_depth
from modot_ros.learn.evaluation.order_contenders import order_contenders
from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.evaluation.validation import THRESHOLDS
from modot_ros.learn.metrics.boundary_benchmark import PIPELINES, BoundaryBenchmark, BoundaryCurve
from modot_ros.learn.metrics.depth import ALIGNMENTS, depth_metrics
from modot_ros.learn.metrics.depth_boundary import depth_boundary_error, scale_invariant_boundary_f
from modot_ros.learn.metrics.pixels import pixel_metrics
from modot_ros.learn.orders.evaluation import OrderBenchmark, OrderTable
from modot_ros.learn.orders.graph import painted
from modot_ros.predictor import Predictor
from modot_ros.scene.pixel_scores import boundary_f

Row = dict[str, float]
WORST = 4                                               # pictures kept by each of the two ways to be bad
_LOOKED_AT = 64                                         # pictures that the typical depth is taken from


@dataclass(frozen=True)
class Failure:
    """A picture on which the model did badly."""

    score: str                                          # which score, a key of its row
    value: float
    sample: Sample
    estimate: Estimate


@dataclass(frozen=True)
class Comparison:
    """Scores of one set."""

    pictures: Pictures
    rows: dict[str, dict[str, Row]]                     # contender -> picture -> score
    curves: dict[str, dict[str, BoundaryCurve]]         # contender -> pipeline; contenders that predict boundaries
    skipped: dict[str, str]                             # picture -> reason
    orders: dict[str, OrderTable]                       # who orders -> scores; empty without instances
    classes: ClassBenchmark | None                      # of the model; None without true or predicted classes
    failures: tuple[Failure, ...] = field(repr=False)

    def column(self, contender: str, score: str) -> np.ndarray:
        """A score of every picture that has it, float [n]."""
        values = np.array([row.get(score, math.nan) for row in self.rows[contender].values()])
        return values[~np.isnan(values)]

    def mean(self, contender: str, score: str) -> float:
        """NaN when no picture has the score."""
        values = self.column(contender, score)
        return float(values.mean()) if len(values) else math.nan

    def median(self, contender: str, score: str) -> float:
        """NaN when no picture has the score."""
        values = self.column(contender, score)
        return float(np.median(values)) if len(values) else math.nan

    def median_between(self, contender: str, score: str) -> tuple[float, float]:
        """95 % confidence interval of the median, by ranks (Conover 1999): what other pictures of the kind could have made
        it, were each drawn by itself. NaN, NaN for fewer than six."""
        values = self.column(contender, score)
        if len(values) < 6:
            return math.nan, math.nan
        low, high = quantile_test(values, q=float(np.median(values))).confidence_interval()
        return float(low), float(high)

    def best_threshold(self, contender: str) -> float:
        """That of `validation.THRESHOLDS` with the largest median F."""
        medians = [self.median(contender, f"f_{threshold}") for threshold in THRESHOLDS]
        return THRESHOLDS[int(np.nan_to_num(medians, nan=-1.0).argmax())]


def compare(pictures: Pictures, predictor: Predictor, progress: Callable[[int, int], None] | None = None,
            order_network: tuple[str, nn.Module] | None = None) -> Comparison:
    """Scores of the model and all it is compared with. Raises ValueError when no picture can be read.

    order_network: name and network that orders as well, where there are instances.
    """
    skipped: dict[str, str] = {}
    few = range(0, len(pictures), max(1, len(pictures) // _LOOKED_AT))
    known = Pictures(pictures.kind, pictures.title, tuple(pictures.names[k] for k in few),
                     lambda k: pictures.read(few[k]), pictures.tolerance_px)
    named = contenders(predictor, typical_depth(known.samples({})))
    model = next(iter(named))
    rows: dict[str, dict[str, Row]] = {name: {} for name in named}
    benchmarks = {name: {pipeline: BoundaryBenchmark(pipeline) for pipeline in PIPELINES} for name in named}
    ordered: dict[str, OrderBenchmark] = {}
    classes: ClassBenchmark | None = None
    failures: dict[str, list[Failure]] = {"median_abs_rel": [], "f_0.5": []}
    for done, sample in enumerate(pictures.samples(skipped), 1):
        of_model = None
        for name, contender in named.items():
            estimate = contender(sample, of_model)
            of_model = estimate if name == model else of_model
            row = score(estimate, sample, pictures.tolerance_px)
            if row or name == model:
                rows[name][sample.name] = row
            if sample.boundary is not None and estimate.probability is not None:
                for benchmark in benchmarks[name].values():
                    benchmark.add(estimate.probability, sample.boundary if sample.drawings is None else sample.drawings)
            if name == model:
                _remember(failures, row, sample, estimate)
        if sample.classes is not None and of_model.classes is not None:
            titles = {} if of_model.graph is None else {one.id: one.name for one in of_model.graph.instances}
            classes = classes or ClassBenchmark()
            classes.add(of_model.classes, sample.classes, None if sample.orders is None else painted(sample.orders.modal),
                        titles)
        if sample.orders is not None:
            for name, orders in order_contenders(model, of_model.graph, sample, order_network).items():
                row = ordered.setdefault(name, OrderBenchmark()).add(orders, sample.orders)
                rows.setdefault(name, {}).setdefault(sample.name, {}).update(row)
        if progress:
            progress(done, len(pictures))
    if not rows[model]:
        raise ValueError(f"{pictures.title}: none of {len(pictures)} pictures can be read: {skipped}")
    curves = {name: {pipeline: one.curve() for pipeline, one in each.items() if len(one)}
              for name, each in benchmarks.items()}
    return Comparison(pictures, {name: found for name, found in rows.items() if found},
                      {name: each for name, each in curves.items() if each}, skipped,
                      {name: one.table(skipped) for name, one in ordered.items()}, classes,
                      tuple(failure for each in failures.values() for failure in each))


def score(estimate: Estimate, sample: Sample, tolerance_px: int) -> Row:
    """All scores of one picture that its truth allows.

    Depth: `depth.DepthMetrics`, those after alignment with "median_" or "affine_" before their names, and `scale`, what
    the estimate should be multiplied by; relative depth has only those after alignment. Boundaries: `pixels` at 0.7
    ("pixel_"), F of thinned boundaries within `tolerance_px` at each threshold ("f_0.5") with precision and recall,
    and the scores of depth's own edges ("edge_").
    """
    row: Row = {}
    if sample.valid.any():
        for alignment in ALIGNMENTS:
            if alignment == "none" and estimate.relative:
                continue
            prefix = "" if alignment == "none" else f"{alignment}_"
            found = depth_metrics(estimate.depth, sample.depth_m, sample.valid, alignment)
            row |= {f"{prefix}{key}": value for key, value in asdict(found).items()}
        both = sample.valid & np.isfinite(estimate.depth) & (estimate.depth > 0)
        if both.any() and not estimate.relative:
            row["scale"] = float(np.median(sample.depth_m[both] / estimate.depth[both]))
    if sample.boundary is None:
        return row
    if estimate.probability is not None:
        found = pixel_metrics(estimate.probability, sample.boundary)
        row |= {f"pixel_{key}": value for key, value in asdict(found).items()}
        same = None
        for threshold in THRESHOLDS:
            if same is None or estimate.edges is None:                  # lines are the same at every threshold
                same = boundary_f(estimate.boundary(threshold), sample.boundary, tolerance_px)
            row |= {f"f_{threshold}": same.f, f"precision_{threshold}": same.precision,
                    f"recall_{threshold}": same.recall}
    error = depth_boundary_error(estimate.depth, sample.boundary)
    row |= {"edge_accuracy_px": error.accuracy_px, "edge_completeness_px": error.completeness_px}
    if sample.valid.any():
        row["edge_f"] = scale_invariant_boundary_f(estimate.depth, np.where(sample.valid, sample.depth_m, np.nan))
    return row


def _remember(failures: dict[str, list[Failure]], row: Row, sample: Sample, estimate: Estimate) -> None:
    """Keep the worst pictures by each score, the worst first."""
    for key, kept in failures.items():
        value = row.get(key, math.nan)
        if not math.isnan(value):
            kept.append(Failure(key, value, sample, estimate))
            kept.sort(key=lambda failure: failure.value, reverse=key == "median_abs_rel")
            del kept[WORST:]
