# SPDX-License-Identifier: Apache-2.0
"""Boundaries before and after a simulated person corrected them, scored as DNMMSI (BMVC 2025) is."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.interaction.editor import Correction, average_work, rounds
from modot_ros.learn.metrics.boundary_benchmark import FIRST_RELEASED, BoundaryBenchmark, BoundaryCurve
from modot_ros.model import STROKE_MODELS, run_strokes
from modot_ros.predictor import Predictor

SEED = 42


@dataclass(frozen=True)
class Look:
    """Scores of one output of all pictures, one entry per draw.

    avg_fn, avg_fp: of the strokes before it, None before the first output.
    """

    curves: tuple[BoundaryCurve, ...]
    avg_fn: tuple[float, ...] | None
    avg_fp: tuple[float, ...] | None


@dataclass(frozen=True)
class Interactive:
    """The first output and those after each round, over `pictures` pictures of a set."""

    title: str
    pictures: int
    skipped: dict[str, str]
    looks: tuple[Look, ...]


def evaluate_interactive(pictures: Pictures, predictor: Predictor, count: int = 1, most: int | None = None, draws: int = 1,
                         progress: Callable[[int, int], None] | None = None) -> Interactive:
    """Score the first output and those after `count` rounds of strokes.

    Strokes follow the truth, as in the paper's tables, and are the authors' (`as_published`), with seed 42 for the first of
    `draws`. most: strokes of either kind in a round; None: at every error. Pictures without boundaries are skipped.

    Raises ValueError for a model that takes no strokes, counts below 1, `most` below 0, and when no picture is left.
    """
    if predictor.name not in STROKE_MODELS:
        raise ValueError(f"{predictor.name} takes no strokes: choose one of {', '.join(STROKE_MODELS)}")
    if count < 1 or draws < 1 or most is not None and most < 0:
        raise ValueError(f"rounds is {count}, draws {draws}, most {most}: must be 1 or more, 1 or more, 0 or more")
    binary = predictor.loaded.network.version == 2
    chances = [Random(SEED + k) for k in range(draws)]
    benches = [[BoundaryBenchmark(first=FIRST_RELEASED) for _ in range(draws)] for _ in range(count + 1)]
    work: list[list[list[Correction]]] = [[[] for _ in range(draws)] for _ in range(count)]
    skipped: dict[str, str] = {}
    for done, one in enumerate(pictures.samples(skipped), start=1):
        if one.boundary is None:
            skipped[one.name] = "its boundaries are unknown"
            continue
        first: list[np.ndarray] = []

        def forward(maps: np.ndarray, rgb: np.ndarray = one.rgb, first: list[np.ndarray] = first) -> np.ndarray:
            if maps.any():
                return run_strokes(predictor.loaded, rgb, maps)
            if not first:                               # all draws share it
                first.append(run_strokes(predictor.loaded, rgb, maps))
            return first[0]
        for draw, chance in enumerate(chances):
            looks = rounds(forward, one.boundary, chance, count, most, binary=binary, as_published=True)
            for k, look in enumerate(looks):
                benches[k][draw].add(look.probability, one.boundary if one.drawings is None else one.drawings)
                if look.correction is not None:
                    work[k - 1][draw].append(look.correction)
        if progress is not None:
            progress(done, len(pictures))
    if not len(benches[0][0]):
        raise ValueError(f"{pictures.title}: no picture with boundaries; {skipped}")
    curves = [tuple(bench.curve() for bench in row) for row in benches]
    averages = [tuple(zip(*(average_work(done) for done in row))) for row in work]
    looks_done = (Look(curves[0], None, None),
                  *(Look(curve, *average) for curve, average in zip(curves[1:], averages)))
    return Interactive(pictures.title, len(benches[0][0]), skipped, looks_done)


def interactive_table(found: Interactive) -> list[str]:
    """Lines of Markdown: ODS, OIS and AP in percent, avgFN in 1e-2 and avgFP in 1e-4; means over the draws, with their standard
    deviation where there are several."""
    def cell(values: tuple[float, ...] | None, factor: float) -> str:
        if values is None:
            return ""
        scaled = factor * np.array(values)
        return f"{scaled.mean():.1f}" + (f" +- {scaled.std(ddof=1):.1f}" if len(scaled) > 1 else "")

    lines = [f"{found.title}: {found.pictures} pictures", "", "| output | ODS | OIS | AP | avgFN, 1e-2 | avgFP, 1e-4 |",
             "| --- | --- | --- | --- | --- | --- |"]
    for k, look in enumerate(found.looks):
        scores = [cell(tuple(getattr(curve, name) for curve in look.curves), 100) for name in ("ods", "ois", "ap")]
        cells = [f"after round {k}" if k else "first", *scores, cell(look.avg_fn, 1e2), cell(look.avg_fp, 1e4)]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, *(["", f"{len(found.skipped)} skipped: {found.skipped}"] if found.skipped else []), ""]
