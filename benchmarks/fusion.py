# SPDX-License-Identifier: Apache-2.0
"""What fusion with an order network gains over geometry, on rendered rooms with their true masks.

    python benchmarks/fusion.py [--views 200]
    python benchmarks/fusion.py --order-model instaordernet_od --order-weights InstaOrder_InstaOrderNet_od.pth.tar

Depth and boundaries are predicted with the weights that ship. The first command needs no order network: it simulates
one of a known accuracy. That network gets instances that do not meet right; on every other pair it is right with the
given probability, is calibrated, and its errors are independent of geometry's. The last is kinder than any real
network, which sees the same picture, so the gains are upper bounds. "overconfident" is the same network with log-odds three
times too large. The second command measures a real network. Ends in one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.learn.metrics.graph_orders import MIN_LENGTH_PX, judge, score  # noqa: E402
from modot_ros.learn.synthetic.shards import FIRST_SEED, training_view  # noqa: E402
from modot_ros.learn.synthetic.view import View  # noqa: E402
from modot_ros.prediction import OrderGraph, PairOrders  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.scene.order.fusion import fuse, learned_graph, meeting_regions  # noqa: E402

UNSEEN = FIRST_SEED["test"] + 500_000                   # beyond what `modot evaluate` renders
ACCURACIES = (0.6, 0.7, 0.8, 0.9, 0.95)
ROUNDS = 1                                              # of the simulated network, each with its own seed
OVERCONFIDENT = 3.0
APART = 0.02                                            # its probability for instances that do not meet


def simulated(view: View, accuracy: float, rng: np.random.Generator, sharpness: float = 1.0) -> tuple[PairOrders, list[int]]:
    """PairOrders of a simulated network that is right with probability `accuracy`, and the ids of their rows.

    Log-likelihood ratios of two cases are drawn from normal distributions of means +-d^2 / 2 and deviation d: what it
    says is then the true probability of being right, when both cases are equally frequent. Three cases likewise.
    """
    ids = sorted(int(id) for id in np.unique(view.labels) if id)
    at = {id: k for k, id in enumerate(ids)}
    count = len(ids)
    over = np.zeros((count, count), bool)
    for front, back, _ in view.occlusions.tolist():
        over[at[front], at[back]] = True
    apart = np.ones((count, count), bool)
    for a, b in meeting_regions(view.labels):
        apart[at[a], at[b]] = apart[at[b], at[a]] = False
    d = 2 * statistics.NormalDist().inv_cdf(accuracy)
    odds = np.where(over, 1, -1) * d * d / 2 + d * rng.normal(size=over.shape)
    probability = np.where(apart & ~over, APART, 1 / (1 + np.exp(-sharpness * odds)))
    np.fill_diagonal(probability, np.nan)

    shares = np.full((count, count, 3), np.nan)
    d = three_case_distance(accuracy)
    for near, far, equal, _ in view.depth_orders:
        signal = d * (np.arange(3) == (2 if equal else 0)) + rng.normal(size=3)
        share = np.exp(sharpness * d * (signal - signal.max()))
        shares[at[near], at[far]] = share / share.sum()
        shares[at[far], at[near]] = shares[at[near], at[far], [1, 0, 2]]
    relation = np.array([1, 0, 2])[np.nan_to_num(shares).argmax(2)]
    return PairOrders((probability > 0.5).astype(np.int64), relation, probability.astype(np.float32),
                      shares.astype(np.float32)), ids


def three_case_distance(accuracy: float) -> float:
    """How far a case's signal must lie from the others', in deviations of its noise, to be the largest so often."""
    x = np.linspace(-8, 8, 4001)
    normal = statistics.NormalDist()
    density, others = np.exp(-x * x / 2) / np.sqrt(2 * np.pi), np.array([normal.cdf(value) for value in x]) ** 2
    distances = np.linspace(0, 6, 601)
    right = [np.trapezoid(np.interp(x + d, x, others, right=1.0) * density, x) for d in distances]
    return float(np.interp(accuracy, right, distances))


def beliefs(views: list[View], graphs: list[OrderGraph]) -> dict[str, float]:
    """What the constants of scene.order.fusion should be: shares of the truth given what geometry found, over all views."""
    missed, other_side, nearer_side = [], [], []
    for view, graph in zip(views, graphs):
        length = {(front, back): pixels for front, back, pixels in view.occlusions.tolist()}
        found = {(order.occluder, order.occludee) for order in graph.occlusions}
        for pair in meeting_regions(view.labels):
            for a, b in (pair, pair[::-1]):
                if not {(a, b), (b, a)} & found and not 0 < length.get((a, b), 0) < MIN_LENGTH_PX:
                    missed.append((a, b) in length)
        depth_m = {instance.id: instance.depth_m for instance in graph.instances}
        said = {frozenset((order.near, order.far)): order for order in graph.depths}
        for near, far, equal, _ in view.depth_orders:
            order = said[frozenset((near, far))]
            if order.equal and not equal:
                nearer_side.append(depth_m[near] < depth_m[far])
            elif not order.equal and (equal or order.near != near):
                other_side.append(not equal)
    return {"NOT_FOUND": float(np.mean(missed)), "OTHER_SIDE": float(np.mean(other_side)),
            "NEARER_SIDE": float(np.mean(nearer_side))}


def report(name: str, views: list[View], graphs: list[OrderGraph]) -> dict[str, float]:
    scores = score(judge(graph, view) for view, graph in zip(views, graphs))
    kept = {"f1": scores.f1, "precision": scores.precision, "recall": scores.recall, "whdr": scores.whdr}
    print(f"{name:34s} F1 {scores.f1:.3f} (precision {scores.precision:.3f}, recall {scores.recall:.3f})   "
          f"WHDR {100 * scores.whdr:5.1f} %", flush=True)
    return {key: round(value, 4) for key, value in kept.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=200)
    parser.add_argument("--order-model", default="")
    parser.add_argument("--order-weights", type=Path)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    if options.device == "cpu":
        cv2.setNumThreads(1)
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(f"{options.views} views of 256x192, seeds from {UNSEEN}; commit {commit}; load {os.getloadavg()[0]:.1f}")
    views = [training_view(UNSEEN + k) for k in range(options.views)]
    settings = [("geometric", {})]
    if options.order_model:
        settings += [(method, {"order_model": options.order_model, "order_weights": options.order_weights})
                     for method in ("learned", "fused")]
    result = {"benchmark": "fusion", "commit": commit, "views": options.views, "order_model": options.order_model}
    for method, network in settings:
        predictor = Predictor(device=options.device, order_method=method, **network)
        graphs = [predictor.predict(view.rgb, view.K[0, 0], view.labels.astype(np.int32)).graph for view in views]
        result[method] = report(method, views, graphs)
        if method == "geometric":
            geometric = graphs
            result["beliefs"] = {name: round(share, 3) for name, share in beliefs(views, graphs).items()}
            print(result["beliefs"])
    for sharpness in () if options.order_model else (1.0, OVERCONFIDENT):
        for accuracy in ACCURACIES:
            learned, fused, repeated = [], [], []
            for seed in range(ROUNDS):
                rng = np.random.default_rng(seed)
                for view, graph in zip(views, geometric):
                    predicted, ids = simulated(view, accuracy, rng, sharpness)
                    learned.append(learned_graph(graph.instances, predicted, ids))
                    fused.append(fuse(graph, predicted, ids, view.labels))
                    repeated.append(view)
            name = f"{accuracy:.2f}{' overconfident' if sharpness > 1 else ''}"
            for method, graphs in (("simulated", learned), ("fused", fused)):
                result[f"{method} {name}"] = report(f"{method} {name}", repeated, graphs)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
