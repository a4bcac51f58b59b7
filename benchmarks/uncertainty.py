# SPDX-License-Identifier: Apache-2.0
"""Does the predicted standard deviation of ln z follow the error? On photographs with sensor depth, and renders.

    python benchmarks/uncertainty.py [--model modot_nano] [--weights FILE] [--data FOLDER] [--scenes A B ...] [--plot FILE]

`--scenes` of rgbd_mixed are those that the weights were not trained with. Of a Laplace distribution the mean |error| is the
standard deviation over the square root of 2. Prints a table of pixels by their predicted deviation, of pictures by their median
deviation, what a covered lens, a blurred picture and a frame get, and one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from photographs import BORDER_PX, pictures, read  # noqa: E402

from modot_ros.predictor import Predictor  # noqa: E402

EDGES = (0.0, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 2.0)
PIXELS = 2000                                           # of each picture, so that large ones count no more
LIMITS = (0.3, 0.4, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="modot_nano")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--scenes", nargs="+")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    predictor, chance = Predictor(options.model, options.weights), np.random.default_rng(0)
    if not predictor.has_uncertainty:
        raise SystemExit(f"{options.model} predicts no uncertainty with these weights")
    std, error, of_picture, odd = [], [], [], {"black": [], "frame": [], "blurred": []}
    for one in pictures(options.data, options.scenes):
        if one["focal_px"] is None:                     # its metres are not known
            continue
        rgb, true_m = read(one)
        found = predictor.predict(rgb, one["focal_px"], parts=("depth",))
        known = np.flatnonzero(np.isfinite(true_m))
        drawn = chance.choice(known, min(PIXELS, len(known)), replace=False)
        wrong = np.abs(np.log(found.depth.ravel()[drawn] / true_m.ravel()[drawn]))
        std.append(found.log_depth_std.ravel()[drawn])
        error.append(wrong)
        of_picture.append((float(np.median(found.log_depth_std)), float(wrong.mean())))
        framed = cv2.copyMakeBorder(rgb[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX], *[BORDER_PX] * 4, cv2.BORDER_CONSTANT)
        for name, picture in (("black", np.zeros_like(rgb)), ("frame", framed), ("blurred", cv2.GaussianBlur(rgb, (0, 0), 12))):
            odd[name].append(float(np.median(predictor.predict(picture, one["focal_px"], parts=("depth",)).log_depth_std)))
    sigma, wrong, each = np.concatenate(std), np.concatenate(error), np.array(of_picture)
    rows = []
    print("| predicted deviation | share of pixels | expected mean error | mean error |\n| --- | --- | --- | --- |")
    for low, high in zip(EDGES[:-1], EDGES[1:]):
        inside = (sigma >= low) & (sigma < high)
        if inside.mean() > 0.002:
            rows.append((float(sigma[inside].mean()) / math.sqrt(2), float(wrong[inside].mean())))
            print(f"| {low:.2f} to {high:.2f} | {inside.mean():.2f} | {rows[-1][0]:.3f} | {rows[-1][1]:.3f} |")
    print("\nmean |error| of ln z in pictures whose median deviation is")
    for limit in LIMITS:
        below = each[:, 0] < limit
        print(f"  below {limit}: {each[below, 1].mean() if below.any() else math.nan:.3f} ({below.sum()} pictures), else "
              f"{each[~below, 1].mean() if (~below).any() else math.nan:.3f}")
    report = {"model": options.model, "pictures": len(each),
              "rank_correlation_pixels": round(spearmanr(sigma, wrong).statistic, 3),
              "rank_correlation_pictures": round(spearmanr(*each.T).statistic, 3),
              "median_std": round(float(np.median(each[:, 0])), 3),
              **{f"std_{name}": round(float(np.median(values)), 3) for name, values in odd.items()},
              "mean_error": round(float(wrong.mean()), 3), "expected_error": round(float(sigma.mean()) / math.sqrt(2), 3),
              "device": f"{predictor.device}, {platform.processor() or platform.machine()}",
              "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True,
                                       text=True).stdout.strip()}
    if options.plot:
        from matplotlib.figure import Figure
        figure = Figure(figsize=(9, 4), layout="constrained")
        pixels, whole = figure.subplots(1, 2)
        pixels.plot([0, 0.7], [0, 0.7], color="0.7")
        pixels.plot(*zip(*rows), "o-")
        pixels.set(xlabel="expected mean |error| of ln z", ylabel="mean |error|", title="pixels by predicted deviation")
        whole.plot([0, 1], [0, 1 / math.sqrt(2)], color="0.7")
        whole.plot(*each.T, ".")
        whole.set(xlabel="median predicted deviation", ylabel="mean |error| of ln z", title="pictures")
        figure.savefig(options.plot, dpi=90)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
