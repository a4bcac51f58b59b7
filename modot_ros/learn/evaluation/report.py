# SPDX-License-Identifier: Apache-2.0
"""An evaluation on disk: tables to read, numbers to compute with, curves and pictures.

    results.md          the tables, with what they were made from
    results.json        mean, median with its 95 % confidence interval and count of every score; precision-recall curves
    results.csv         the same scores, one line per set, contender and score
    SET_pictures.csv    every score of every picture and contender
    SET_curve.png       precision over recall (needs matplotlib)
    SET_worst/          pictures on which the model did worst: input; true depth, found depth; boundaries
"""
from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from modot_ros.learn.evaluation.comparison import Comparison
from modot_ros.learn.evaluation.contenders import CANNY
from modot_ros.learn.evaluation.panels import side_by_side
from modot_ros.learn.evaluation.quoted import rows_of
from modot_ros.learn.evaluation.quoted.modot import UNITS
from modot_ros.learn.metrics.boundary_benchmark import PIPELINES

# Heading, score, whether a mean or a median, and digits. As in the paper first: plain means.
DEPTH_COLUMNS = (
    ("RMSE", "rmse", "mean", 3), ("RMSE log", "rmse_log", "mean", 3), ("AbsRel", "abs_rel", "mean", 3),
    ("SqRel", "sq_rel", "mean", 3), ("log10", "log10", "mean", 3), ("SILog", "silog", "mean", 1),
    ("MAE", "mae", "mean", 3), ("d<1.25", "delta1", "mean", 3), ("d<1.25^2", "delta2", "mean", 3),
    ("d<1.25^3", "delta3", "mean", 3), ("median d<1.25", "delta1", "median", 3),
    ("median AbsRel", "abs_rel", "median", 3), ("scaled: d<1.25", "median_delta1", "median", 3),
    ("scaled: AbsRel", "median_abs_rel", "median", 3), ("affine: d<1.25", "affine_delta1", "median", 3),
    ("true / found scale", "scale", "median", 2))
BOUNDARY_COLUMNS = (
    ("pixel precision", "pixel_precision", "mean", 3), ("recall", "pixel_recall", "mean", 3),
    ("F", "pixel_f1", "mean", 3), ("F at 0.5", "f_0.5", "median", 3), ("edge error accuracy", "edge_accuracy_px", "mean", 2),
    ("completeness", "edge_completeness_px", "mean", 2), ("edge F", "edge_f", "mean", 3))
ORDER_COLUMNS = (
    ("recall", "occlusion_recall"), ("precision", "occlusion_precision"), ("F1", "occlusion_f1"),
    ("WHDR distinct", "whdr_distinct"), ("overlap", "whdr_overlap"), ("all", "whdr_all"),
    ("pooled: recall", "pooled_occlusion_recall"), ("precision", "pooled_occlusion_precision"),
    ("F1", "pooled_occlusion_f1"), ("WHDR all", "pooled_whdr_all"))
LEGEND = """\
Depth: means over pictures as in papers, then medians over pictures; "scaled": after multiplying each picture by the ratio
of medians; "affine": after fitting scale and shift of inverse depth. The last column is what the depth should be
multiplied by. Confidence: where medians would lie over other pictures of the kind, by ranks, as if each picture were drawn
by itself. Boundaries: "pixel" without tolerance at probability 0.7, as MoDOT is scored; "F at 0.5" and "best F"
after thinning, within the tolerance named above, median over pictures, the latter at the best threshold of all; ODS, OIS
and AP with one-to-one matching within 0.75 % of the diagonal, as DOOBNet's scripts do (but at all 99 thresholds; as
released they start at 0.51, so that the AP of papers that used them is another) and as the BSDS code does;
"edge": edges of the depth map itself, iBims-1's error in pixels and Depth Pro's scale-invariant F. Orders: in percent, of
true masks, as InstaOrder scores them: occlusion, and the share of depth orders that are wrong (WHDR) for pairs whose depth
ranges are distinct, overlap, and all; means over pictures, then over all pairs of all pictures ("pooled"). Semantic classes:
over all pixels of the set; the two blind predictions are fitted to the very set that they are scored on.
"""


def write_report(output: str | Path, comparisons: Sequence[Comparison], about: dict[str, str]) -> Path:
    """Write everything into the folder `output`; returns the path of results.md.

    about: what the evaluation was made with, written at the top.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    page = ["# Evaluation", "", *(f"- {key}: {value}" for key, value in about.items()), "", LEGEND]
    summaries: dict[str, dict] = {}
    for comparison in comparisons:
        name = _file_name(comparison, summaries)
        summaries[name] = summary(comparison)
        _write_pictures(output / f"{name}_pictures.csv", comparison)
        page += tables(comparison)
        if comparison.curves:
            page.append(f"![precision over recall]({name}_curve.png)\n" if _draw_curves(
                output / f"{name}_curve.png", comparison) else "No curve was drawn: matplotlib is not installed.\n")
        page += _write_failures(output / f"{name}_worst", comparison)
    (output / "results.json").write_text(json.dumps({"about": about, "sets": summaries}, indent=1) + "\n")
    _write_scores(output / "results.csv", summaries)
    path = output / "results.md"
    path.write_text("\n".join(page))
    return path


def summary(comparison: Comparison) -> dict:
    """Everything about a set but its pictures, as JSON has it; a score that no picture has is left out."""
    found: dict[str, dict] = {}
    for name, rows in comparison.rows.items():
        keys = dict.fromkeys(key for row in rows.values() for key in row)
        scores = {key: {"mean": round(comparison.mean(name, key), 5), "median": round(comparison.median(name, key), 5),
                        "pictures": len(comparison.column(name, key)), **_between(comparison, name, key)}
                  for key in keys if len(comparison.column(name, key))}
        found[name] = {"scores": scores, "curves": {pipeline: asdict(curve) for pipeline, curve
                                                    in comparison.curves.get(name, {}).items()}}
        if name in comparison.orders:
            found[name]["orders"] = {key: round(value, 3) for key, value in comparison.orders[name].scores().items()}
        if comparison.classes is not None and name == next(iter(comparison.rows)):
            found[name]["classes"] = comparison.classes.record()
        if any(key.startswith("f_") for key in scores):
            found[name]["best_threshold"] = comparison.best_threshold(name)
    return {"title": comparison.pictures.title, "kind": comparison.pictures.kind,
            "tolerance_px": comparison.pictures.tolerance_px, "skipped": comparison.skipped, "contenders": found}


def _between(comparison: Comparison, name: str, key: str) -> dict[str, list[float]]:
    between = comparison.median_between(name, key)
    return {} if math.isnan(between[0]) else {"median_between": [round(end, 5) for end in between]}


def headline(comparison: Comparison) -> dict[str, float | str]:
    """What is asked of a model first, its medians over pictures and ODS; scores that the set has no truth for are left
    out."""
    model = next(iter(comparison.rows))
    found = {key: comparison.median(model, key) for key in ("delta1", "abs_rel", "rmse", "scale", "median_delta1",
                                                            "median_abs_rel", "affine_delta1", "f_0.5")}
    if model in comparison.curves:
        threshold = comparison.best_threshold(model)
        found |= {"threshold": threshold, "best_f": comparison.median(model, f"f_{threshold}"),
                  **{f"{pipeline}_ods": curve.ods for pipeline, curve in comparison.curves[model].items()}}
    if model in comparison.orders:
        found |= comparison.orders[model].scores()
    if comparison.classes is not None:
        found |= comparison.classes.record()
    return {"set": comparison.pictures.kind, "pictures": len(comparison.rows[model]),
            **{key: round(value, 4) for key, value in found.items() if not math.isnan(value)}}


def tables(comparison: Comparison) -> list[str]:
    """Markdown of one set."""
    pictures, published = comparison.pictures, rows_of(comparison.pictures.kind)
    count = len(next(iter(comparison.rows.values())))
    bounded = any(len(comparison.column(name, "edge_accuracy_px")) for name in comparison.rows)
    lines = [f"## {pictures.title}", "",
             f"{count} pictures" + (f"; boundaries within {pictures.tolerance_px} px." if bounded else ".")]
    if comparison.skipped:
        lines += ["", f"{len(comparison.skipped)} skipped, for they can't be read:",
                  *(f"- `{name}`: {reason}" for name, reason in comparison.skipped.items())]
    if any(len(comparison.column(name, "median_delta1")) for name in comparison.rows):
        rows = {name: [_cell(getattr(comparison, how)(name, key), digits) for _, key, how, digits in DEPTH_COLUMNS]
                for name in comparison.rows if CANNY not in name and len(comparison.column(name, "median_delta1"))}
        rows |= _published_rows(published, DEPTH_COLUMNS)
        lines += ["", "**Depth**", "", *_table([column[0] for column in DEPTH_COLUMNS], rows)]
        if pictures.kind in UNITS:
            lines += ["", UNITS[pictures.kind]]
        lines += _how_sure(comparison, (column for column in DEPTH_COLUMNS if column[2] == "median"))
    if bounded:
        headings = [column[0] for column in BOUNDARY_COLUMNS]
        headings[4:4] = ["best F", "precision", "recall", "threshold", "ODS", "OIS", "AP", "BSDS ODS", "OIS", "AP"]
        rows = {}
        for name in (name for name in comparison.rows if len(comparison.column(name, "edge_accuracy_px"))):
            cells = [_cell(getattr(comparison, how)(name, key), digits) for _, key, how, digits in BOUNDARY_COLUMNS]
            cells[4:4] = _best(comparison, name) + _curve_cells(comparison, name)
            rows[name] = cells
        rows |= {name: cells[:4] + ["-"] * 10 + cells[4:]
                 for name, cells in _published_rows(published, BOUNDARY_COLUMNS).items()}
        lines += ["", "**Boundaries**", "", *_table(headings, rows)]
        best = comparison.best_threshold(next(iter(comparison.rows)))
        lines += _how_sure(comparison, [("best F", f"f_{best}", "median", 3)])
    if comparison.orders:
        scores = {name: table.scores() for name, table in comparison.orders.items()}
        rows = {name: [_cell(found.get(key, math.nan), 2) for _, key in ORDER_COLUMNS]
                for name, found in (scores | published).items() if any(key in found for _, key in ORDER_COLUMNS)}
        lines += ["", "**Orders**", "", *_table([heading for heading, _ in ORDER_COLUMNS], rows)]
    if comparison.classes is not None:
        lines += ["", "**Semantic classes**", "", *comparison.classes.lines(next(iter(comparison.rows)))]
    return [*lines, ""]


def _how_sure(comparison: Comparison, columns: Iterable[tuple]) -> list[str]:
    """In which interval the first contender's medians lie."""
    model, *_ = comparison.rows
    found = {heading: [_cell(end, digits) for end in comparison.median_between(model, key)]
             for heading, key, _, digits in columns if len(comparison.column(model, key)) >= 6}
    return ["", f"95 % confidence, {model}: " + ", ".join(f"{heading} {low} to {high}" for heading, (low, high) in found.items())
            + "."] if found else []


def _best(comparison: Comparison, name: str) -> list[str]:
    """Best F with its precision, recall and threshold; all empty for contenders without boundaries."""
    if name not in comparison.curves:
        return ["-"] * 4
    threshold = comparison.best_threshold(name)
    return [*(_cell(comparison.median(name, f"{key}_{threshold}"), 3) for key in ("f", "precision", "recall")),
            "-" if CANNY in name else f"{threshold}"]


def _curve_cells(comparison: Comparison, name: str) -> list[str]:
    curves = comparison.curves.get(name, {})
    lines = CANNY in name                               # one mask has no curve, and so no area under one
    return [_cell(getattr(curves[pipeline], key), 3) if pipeline in curves and not (lines and key == "ap") else "-"
            for pipeline in PIPELINES for key in ("ods", "ois", "ap")]


def _published_rows(published: dict[str, dict[str, float]], columns: Sequence[tuple]) -> dict[str, list[str]]:
    """Rows of papers with a value in these columns; they report means only."""
    rows = {name: [_cell(values[key], 4) if how == "mean" and key in values else "-" for _, key, how, _ in columns]
            for name, values in published.items()}
    return {name: cells for name, cells in rows.items() if set(cells) != {"-"}}


def _cell(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _table(headings: Sequence[str], rows: dict[str, list[str]]) -> list[str]:
    return [f"| | {' | '.join(headings)} |", f"| --- |{' ---: |' * len(headings)}",
            *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())]


def _file_name(comparison: Comparison, taken: dict) -> str:
    """The set's name as files have it, unlike those before."""
    name = re.sub(r"\W+", "_", comparison.pictures.kind)
    return name if name not in taken else f"{name}_{len(taken) + 1}"


def _write_pictures(path: Path, comparison: Comparison) -> None:
    keys = dict.fromkeys(key for rows in comparison.rows.values() for row in rows.values() for key in row)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ["contender", "picture", *keys])
        writer.writeheader()
        for name, rows in comparison.rows.items():
            for picture, row in rows.items():
                writer.writerow({"contender": name, "picture": picture, **{key: f"{v:.6g}" for key, v in row.items()}})


def _write_scores(path: Path, summaries: dict[str, dict]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "contender", "score", "mean", "median", "pictures"])
        for name, one in summaries.items():
            for contender, found in one["contenders"].items():
                for key, score in found["scores"].items():
                    writer.writerow([name, contender, key, score["mean"], score["median"], score["pictures"]])
                for key, value in found.get("orders", {}).items():
                    if key.startswith("pooled"):
                        writer.writerow([name, contender, key, value, "", ""])
                for pipeline, curve in found["curves"].items():
                    for key in ("ods", "ois", "ap"):
                        writer.writerow([name, contender, f"{pipeline}_{key}", round(curve[key], 5), "", ""])


def _draw_curves(path: Path, comparison: Comparison) -> bool:
    """Precision over recall of both pipelines; False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return False
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot()
    recall = np.linspace(0.01, 1, 200)
    for f in (0.2, 0.4, 0.6, 0.8):                      # lines of equal F
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = f * recall / (2 * recall - f)
        axes.plot(recall, np.where((precision > 0) & (precision <= 1), precision, np.nan), color="0.85", zorder=0)
    for k, (name, curves) in enumerate(comparison.curves.items()):
        for pipeline, curve in curves.items():
            lines = CANNY in name                       # one mask: a point
            axes.plot(curve.recall[:1] if lines else curve.recall, curve.precision[:1] if lines else curve.precision,
                      "." if lines else "-" if pipeline == "doobnet" else "--", color=f"C{k}",
                      label=f"{name}, {pipeline}: ODS {curve.ods:.3f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1), title=comparison.pictures.title)
    figure.legend(fontsize=7, loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=110)
    return True


def _write_failures(folder: Path, comparison: Comparison) -> list[str]:
    """Pictures of the failures, and the lines of the page that show them."""
    lines = []
    for k, failure in enumerate(comparison.failures):
        folder.mkdir(exist_ok=True)
        name = f"{k:02d}_{re.sub(r'[^-.0-9A-Za-z]+', '_', failure.sample.name)}.png"
        sample, estimate = failure.sample, failure.estimate
        shown = side_by_side(sample.rgb, sample.depth_m, sample.boundary, estimate.depth, estimate.boundary(0.5))
        cv2.imwrite(str(folder / name), shown[:, :, ::-1])
        lines.append(f"`{failure.sample.name}`, {failure.score} {failure.value:.3f}:\n\n![{name}]({folder.name}/{name})\n")
    return ["**Worst pictures** (picture, true depth, found depth; true boundaries, found boundaries)\n", *lines] \
        if lines else []
