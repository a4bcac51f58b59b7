# SPDX-License-Identifier: Apache-2.0
"""How well the partition without masks follows the true instances of synthetic views.

    python benchmarks/partition.py [--views 200] [--cache DIR] [--weights FILE]
    python benchmarks/partition.py --fit [--views 300]

The views are those of the test split, 256x192; rendered ones are kept in --cache and read from there. Each is parted by
its true depth and boundaries and by those of the network. --fit takes the validation split instead and prints the
weights that `modot_ros.scene.partition` should have, by logistic regression on all borders that come up while regions
are joined by the weights that it has: put them in and fit once more. The last line is one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from orders import softmax, views  # noqa: E402

from modot_ros.learn.metrics.partition import PartitionScores, partition_scores  # noqa: E402
from modot_ros.learn.synthetic.view import View  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.scene.partition import BACKGROUND, ONE, Regions, partition  # noqa: E402

PURE = 0.6                              # of a region belongs to one instance, or it says nothing about borders
PAST = -2.0                             # odds down to which regions are joined to learn from them


def maps(view: View, predictor: Predictor) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(name, depth, probability of a boundary), the true and the network's."""
    yield "true maps", view.depth_m, cv2.dilate(view.boundary.astype(np.float32), np.ones((3, 3)))
    found = predictor.predict(view.rgb, float(view.K[0, 0]), parts=("depth", "boundary"))
    yield "network", found.depth, found.boundary_probability


def owners(regions: Regions, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The true instance that most of each region [n] belongs to, and whether PURE of it does."""
    size = int(true.max()) + 1
    shared = np.bincount(regions.labels.ravel() * size + true.ravel(), minlength=len(regions.area) * size)
    shared = shared.reshape(-1, size)
    return shared.argmax(1), shared.max(1) > PURE * shared.sum(1)


def fit(predictor: Predictor, count: int, cache: Path | None) -> dict[str, dict[str, float]]:
    """What the weights should be, by name; the last one is the bias."""
    borders, one, shells, shell = [], [], [], []
    for view in views("validation", count, cache):
        for _, depth_m, probability in maps(view, predictor):
            regions = Regions(depth_m, probability, view.rgb)
            while True:
                owner, pure = owners(regions, view.labels)
                of_a, of_b = owner[regions.a], owner[regions.b]
                # two parts of the shell tell nothing
                telling = pure[regions.a] & pure[regions.b] & (of_a + of_b > 0)
                borders.append(regions.cues()[telling])
                one.append((of_a == of_b)[telling])
                together = regions.likeliest(PAST)
                if not together.any():
                    break
                regions.unite(together)
            regions = Regions(depth_m, probability, view.rgb)
            regions.join()
            shells.append(regions.background_cues())
            shell.append(owners(regions, view.labels)[0] == 0)
    return {name: dict(zip((*names, "BIAS"), logistic(np.concatenate(cues), np.concatenate(yes)).round(2).tolist()))
            for name, names, cues, yes in (("ONE", ONE, borders, one), ("BACKGROUND", BACKGROUND, shells, shell))}


def logistic(cues: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """Weights of cues [n, k] and bias [k + 1] by which they give the log-odds of `yes` bool [n]."""
    half = np.column_stack([cues, np.ones(len(cues))]) / 2
    return softmax(np.stack([half, -half], 1), np.where(yes, 0, 1))


def summary(scores: list[PartitionScores]) -> dict[str, float]:
    right, found, true = (sum(getattr(score, name) for score in scores) for name in ("right", "found", "true"))
    return {"covering": round(float(np.mean([score.covering for score in scores])), 4),
            "object_covering": round(float(np.nanmean([score.object_covering for score in scores])), 4),
            "f": round(2 * right / (found + true), 4), "right": right, "found": found, "true": true}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=200)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--fit", action="store_true")
    args = parser.parse_args()
    predictor = Predictor(weights=args.weights)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    result: dict = {"benchmark": "partition", "commit": commit.strip(), "views": args.views}
    if args.fit:
        print(json.dumps(result | fit(predictor, args.views, args.cache)))
        return
    scores: dict[str, list[PartitionScores]] = {}
    for view in views("test", args.views, args.cache):
        for name, depth_m, probability in maps(view, predictor):
            found = partition(depth_m, probability, view.rgb)
            scores.setdefault(name, []).append(partition_scores(found, view.labels))
    for name, of_views in scores.items():
        result[name] = summary(of_views)
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in result[name].items()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
