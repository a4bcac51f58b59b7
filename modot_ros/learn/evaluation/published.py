# SPDX-License-Identifier: Apache-2.0
"""A set scored as the published MoDOT (WACV 2026) was: its limits and masks, in the paper's own unit of depth.

Plain means over pictures with the average of the mirrored picture. What differs from `compare`: `published_protocol`
limits the estimate and masks the truth, boundaries count at a threshold of 0.7 without tolerance or thinning, iBims-1 is
scored as by the zero-shot script (depth times 3.7, threshold 0.5), and OB-Hypersim in units of 3.05 m along the ray.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import numpy as np

from modot_ros.learn.datasets import ORDER_DATASETS, open_dataset
from modot_ros.learn.datasets.depth_sets.ob_hypersim import PUBLISHED_DIVISOR
from modot_ros.learn.datasets.sample import Sample
from modot_ros.learn.evaluation.pictures import Pictures, open_pictures
from modot_ros.learn.evaluation.published_disparity import DISPARITY_KINDS
from modot_ros.learn.evaluation.published_others import BOUNDARY_KINDS
from modot_ros.learn.evaluation.quoted import DEPTH_COLUMNS, beside
from modot_ros.learn.metrics.published_protocol import PublishedScores, published_scores
from modot_ros.predictor import Predictor
from modot_ros.scene.geometry import ray_lengths

KINDS = ("nyud_mt", "ob_future", "ob_hypersim", "ibims")
IBIMS_FACTOR, IBIMS_THRESHOLD, THRESHOLD = 3.7, 0.5, 0.7
FUTURE_RANGE_M, FUTURE_OFFSET_M = 9.9, 0.1              # greys 0 to 255 are distances from the second to both, read as 0 to 10
# The protocol's names of the scores, where those of the tables are others.
NAMED = {"rms": "rmse", "log_rms": "rmse_log", "recall": "pixel_recall", "f1": "pixel_f1"}


@dataclass(frozen=True)
class PublishedRow:
    """Means over the pictures of a set."""

    kind: str
    title: str
    pictures: int
    scores: PublishedScores
    skipped: dict[str, str]                             # picture -> reason


def paper_depth(depth_m: np.ndarray, sample: Sample, kind: str) -> np.ndarray:
    """z in metres [H, W] -> the unit that the paper's depth of this set is in."""
    if kind in ("nyud_mt", "ibims"):
        return depth_m
    height, width = depth_m.shape
    range_m = depth_m * ray_lengths(width, height, float(sample.K[0, 0]))
    return range_m / PUBLISHED_DIVISOR if kind == "ob_hypersim" else 10 * (range_m - FUTURE_OFFSET_M) / FUTURE_RANGE_M


def open_published(data: str, limit: int | None = None) -> Pictures:
    """A set of "KIND=FOLDER"; depth as MoDOT's loaders read it, where the set has any. Raises ValueError for a set that no
    paper has scored on, and what `open_dataset` raises."""
    kind, _, folder = data.partition("=")
    choices = (*KINDS, *BOUNDARY_KINDS, *DISPARITY_KINDS, *ORDER_DATASETS)
    if kind not in choices or not folder:
        raise ValueError(f"data {data!r}: the published protocol takes KIND=FOLDER, KIND one of {', '.join(choices)}")
    if kind in ORDER_DATASETS:
        return open_pictures(data, limit)
    opened = open_dataset(kind, folder, as_published=True)
    return Pictures(kind, opened.title, opened.names[:limit], opened.__getitem__, 0)


def published_row(pictures: Pictures, predictor: Predictor, progress: Callable[[int, int], None] | None = None) -> PublishedRow:
    """Mean scores of a model on a set of `open_published`. Raises ValueError for a model of relative depth or without the average
    of mirrored pictures, and when no picture can be read."""
    if predictor.depth_kind != "metric" or not predictor.flip:
        raise ValueError(f"{predictor.name}: the published protocol needs metric depth and the mirrored picture")
    threshold, factor = (IBIMS_THRESHOLD, IBIMS_FACTOR) if pictures.kind == "ibims" else (THRESHOLD, 1.0)
    # Weights that were trained on OB-FUTURE predict its unit; all others predict metres.
    in_its_unit = pictures.kind == "ob_future" and predictor.loaded.record.get("dataset") == "ob-future"
    skipped: dict[str, str] = {}
    found: list[PublishedScores] = []
    for sample in pictures.samples(skipped):
        if not sample.valid.any() or sample.boundary is None:
            skipped[sample.name] = "has no depth or no boundaries"
            continue
        focal_px = None if sample.K is None else float(sample.K[0, 0])
        prediction = predictor.predict(sample.rgb, focal_px, parts=("depth", "boundary"))
        depth = prediction.depth if in_its_unit else paper_depth(prediction.depth, sample, pictures.kind)
        found.append(published_scores(factor * depth, prediction.boundary_probability, sample.depth_m, sample.boundary,
                                      pictures.kind, threshold))
        if progress:
            progress(len(found), len(pictures))
    if not found:
        raise ValueError(f"{pictures.title}: none of {len(pictures)} pictures can be scored: {skipped}")
    means = {one.name: float(np.mean([getattr(scores, one.name) for scores in found])) for one in fields(PublishedScores)}
    return PublishedRow(pictures.kind, pictures.title, len(found), PublishedScores(**means), skipped)


def published_lines(row: PublishedRow, model: str) -> list[str]:
    """Markdown: the model's row above those of papers."""
    ours = {model: {NAMED.get(name, name): value for name, value in asdict(row.scores).items()}}
    lines = [f"## {row.title}, as published", "", f"{row.pictures} pictures, means.", "",
             *beside(row.kind, ours, DEPTH_COLUMNS, 4)]
    if row.skipped:
        lines += ["", f"{len(row.skipped)} skipped:", *(f"- `{name}`: {reason}" for name, reason in row.skipped.items())]
    return [*lines, ""]
