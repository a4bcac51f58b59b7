# SPDX-License-Identifier: Apache-2.0
"""What strokes are worth: boundaries before them, by a trivial editor, and by the network that reads them.

    python benchmarks/strokes.py --data rooms=rooms --views 200
    python benchmarks/strokes.py --data pairs=../shared/data/real

A simulated person corrects the longest errors of every picture (learn.interaction; lengths scaled to the picture). F is that of
scene.pixel_scores at the threshold that strokes are drawn over, mean over pictures; the tolerance is the set's. Strokes of
later rounds are added, as the page does. For comparison:

- the trivial editor takes a threshold of 0.2 inside missing strokes and erases false ones;
- the perfect editor puts the truth inside all strokes and leaves the rest as it was: what strokes say of their own places;
- "others": the strokes of the picture before, which are nothing but disturbance.
"""
from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from random import Random

import numpy as np

from modot_ros.learn.evaluation.pictures import open_pictures
from modot_ros.learn.interaction.editor import correct, rounds
from modot_ros.learn.interaction.segments import Lengths
from modot_ros.model import run_strokes
from modot_ros.predictor import Predictor
from modot_ros.scene.boundaries import thin
from modot_ros.scene.pixel_scores import boundary_f
from modot_ros.scene.suppression import PREVIOUS_THRESHOLD, previous_output

MOST = (1, 3, 5)
ROUNDS = 3
TRIVIAL_THRESHOLD = 0.2
SEED = 42
RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="as of modot evaluate; without it some rooms are rendered")
    parser.add_argument("--views", type=int, help="most pictures")
    parser.add_argument("--only", nargs="+", default=[""], metavar="PREFIX", help="pictures whose names begin so")
    parser.add_argument("--model", default="scribble_nano")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--json", type=Path, help="also write scores per picture there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = open_pictures(options.data or f"rooms={folder}", options.views or (None if options.data else 8))
        found = score(pictures, Predictor(options.model, options.weights, "cpu"), tuple(options.only))
    if options.json:
        options.json.write_text(json.dumps(found))
    print("\n".join(table(found)))


def score(pictures, predictor: Predictor, prefixes: tuple[str, ...]) -> dict[str, list[float]]:
    """F of every picture with boundaries, by what was done to it."""
    found, draws = defaultdict(list), Random(SEED)
    before: np.ndarray | None = None
    for one in pictures.samples({}):
        if one.boundary is None or not one.name.startswith(prefixes):
            continue
        truth = one.boundary > 0
        lengths = Lengths.scaled(truth.shape[1], truth.shape[0])
        firsts: list[np.ndarray] = []

        def forward(maps: np.ndarray, rgb: np.ndarray = one.rgb, firsts: list[np.ndarray] = firsts) -> np.ndarray:
            if maps.any():
                return run_strokes(predictor.loaded, rgb, maps)
            if not firsts:
                firsts.append(run_strokes(predictor.loaded, rgb, maps))
            return firsts[0]

        def f(mask: np.ndarray, truth: np.ndarray = truth) -> float:
            return boundary_f(mask, truth, pictures.tolerance_px).f

        for most in MOST:
            for k, look in enumerate(rounds(forward, truth, draws, ROUNDS, most, add=True, lengths=lengths)):
                if k:
                    found[f"{most} strokes, round {k}"].append(f(mask_of(look.probability)))
                elif most == MOST[0]:
                    found["first"].append(f(mask_of(look.probability)))
                if k == 1:
                    loose = mask_of(firsts[0], TRIVIAL_THRESHOLD)
                    missing, false = look.maps[:2] > 0
                    found[f"{most} strokes, trivial"].append(f((mask_of(firsts[0]) | loose & missing) & ~false))
                    found[f"{most} strokes, perfect"].append(f(np.where(missing | false, truth, mask_of(firsts[0]))))
        previous = previous_output(firsts[0])
        if before is not None and before.shape[1:] == truth.shape:
            found["others"].append(f(mask_of(forward(np.concatenate([before, previous[None]])))))
            found["first, of these"].append(found["first"][-1])
        done = correct(truth, previous, draws, MOST[-1], lengths)
        before = np.stack([done.missing, done.false]).astype(np.float32)
    return dict(found)


def mask_of(probability: np.ndarray, threshold: float = PREVIOUS_THRESHOLD) -> np.ndarray:
    return thin(probability, np.full(probability.shape, np.nan, np.float32), threshold)[0]


def table(found: dict[str, list[float]]) -> list[str]:
    lines = [f"{len(found['first'])} pictures", "", "| boundaries | F | above the first | above the trivial editor |",
             "| --- | --- | --- | --- |"]
    for name, values in found.items():
        first = found["first, of these"] if name == "others" else found["first"]
        trivial = found.get(f"{name.partition(',')[0]}, trivial")
        against = [first if name not in ("first", "first, of these") else None, trivial if "round" in name else None]
        cells = ["" if other is None else difference(values, other) for other in against]
        lines.append(f"| {name} | {np.mean(values):.3f} | {cells[0]} | {cells[1]} |")
    return lines


def difference(values: list[float], others: list[float]) -> str:
    """Mean difference over pictures and its 95 % interval (bootstrap)."""
    each = np.array(values) - np.array(others)
    picks = np.random.default_rng(0).integers(0, len(each), (RESAMPLES, len(each)))
    low, high = np.quantile(each[picks].mean(1), (0.025, 0.975))
    return f"{each.mean():+.3f} ({low:+.3f} to {high:+.3f})"


if __name__ == "__main__":
    main()
