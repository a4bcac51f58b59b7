# SPDX-License-Identifier: Apache-2.0
"""How right the geometric order graph is on synthetic views with exact truth, and how far to believe its confidences.

    python benchmarks/orders.py [--views 500] [--cache DIR] [--weights FILE] [--plot docs/order_reliability.png]
    python benchmarks/orders.py --fit [--views 300]

The views are those of the test split, 256x192, with true masks; rendered ones are kept in --cache and read from there.
Each is scored with its true depth, with depth and boundaries from the network, and with these by the regions that the
library finds itself, whose truth is their true depth. --fit takes the validation split instead and prints the weights of
the cues that `modot_ros.scene.order.occlusion_order` should have, by logistic regression on the pairs with an occlusion under
the network's depth, and those of `depth_order`, likewise for three cases. The latter hear the occlusions as the library's
present weights find them: put the former in first, and fit once more; `modot train-orders` then trains what corrects
them. The last line is one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.learn.metrics.graph_orders import MIN_LENGTH_PX, Reliability, judge, reliability, score  # noqa: E402
from modot_ros.learn.synthetic.shards import FIRST_SEED, training_view  # noqa: E402
from modot_ros.learn.synthetic.view import View  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.scene.order import depth_order, occlusion_order  # noqa: E402
from modot_ros.scene.order.contour import contour  # noqa: E402
from modot_ros.scene.order.graph import order_graph  # noqa: E402

INK, FAINT, BLUE, ORANGE = (40, 40, 40), (215, 215, 215), (180, 90, 20), (20, 120, 240)     # BGR


def views(split: str, count: int, cache: Path | None) -> Iterator[View]:
    for k in range(count):
        path = cache / f"{split}_256x192_{k:05d}.npz" if cache else None
        if path and path.exists():
            with np.load(path) as stored:
                yield View(**{field.name: stored[field.name] for field in fields(View)})
            continue
        view = training_view(FIRST_SEED[split] + k)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **{field.name: getattr(view, field.name) for field in fields(View)})
        yield view


def softmax(features: np.ndarray, case: np.ndarray) -> np.ndarray:
    """Weights [k] by which softmax(features [n, cases, k] @ weights) is the probability of `case` [n]."""
    scale = features.std((0, 1))
    features = features / scale
    chosen = np.take_along_axis(features, case[:, None, None], 1)[:, 0]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = features @ weights
        odds -= odds.max(1, keepdims=True)
        share = np.exp(odds)
        share /= share.sum(1, keepdims=True)
        right = np.take_along_axis(share, case[:, None], 1)
        gradient = np.einsum("nc,nck->k", share, features) - chosen.sum(0)
        return (1e-3 * np.sum(weights ** 2) - np.mean(np.log(right + 1e-12)), gradient / len(case) + 2e-3 * weights)
    return minimize(loss, np.zeros(features.shape[2]), jac=True, method="L-BFGS-B").x / scale


def fit(predictor: Predictor, count: int, cache: Path | None) -> dict[str, dict[str, float]]:
    """What the weights of the library's cues should be, by name."""
    shape, in_front, nearness, nearer = [], [], [], []
    for view in views("validation", count, cache):
        found = predictor.predict(view.rgb, float(view.K[0, 0]), view.labels)
        true = {(a, b) for a, b, length in view.occlusions.tolist() if length >= MIN_LENGTH_PX}
        c = contour(view.labels.astype(np.uint16), found.depth, found.boundary_probability)
        pairs = list(zip(c.smaller.tolist(), c.larger.tolist()))
        chosen = np.array([((a, b) in true) != ((b, a) in true) for a, b in pairs], bool)
        if chosen.any():
            shape.append(occlusion_order.cues(c)[chosen])
            in_front.append(np.array([pair in true for pair in pairs])[chosen])
        if view.depth_orders:
            # [pairs, 3, 7]: closer, farther, equal
            odds, level = depth_order.cues(found.graph.instances, found.graph.occlusions, len(view.labels))
            none = np.zeros((2, len(level)))
            even = np.stack([*np.zeros_like(odds), np.ones(len(level)), level])
            near, far = (np.concatenate([sign * odds / 2, none]) for sign in (1, -1))
            nearness.append(np.stack([near, far, even]).transpose(2, 0, 1))
            nearer += [2 if equal else int(near > far) for near, far, equal, _ in view.depth_orders]
    shape = np.concatenate(shape)
    weights = softmax(np.stack([shape / 2, -shape / 2], 1), np.where(np.concatenate(in_front), 0, 1))
    depth_weights = softmax(np.concatenate(nearness), np.array(nearer))
    return {"occlusion_order": dict(zip(("LEAN", "JUNCTION", "CONVEXITY", "ENCLOSURE"), weights.round(3).tolist())),
            "depth_order": dict(zip(("MEDIANS", "FEET", "MIDDLES", "HIDES", "CHAIN", "EQUAL", "LEVEL"),
                                    depth_weights.round(3).tolist()))}


def plot(path: Path, curves: dict[str, list[tuple[str, Reliability]]]) -> None:
    """One panel per relation: share of right claims over their confidence, one line per kind of depth."""
    side, margin, gap = 300, 56, 40
    width = margin + len(curves) * (side + gap)
    picture = np.full((side + 2 * margin + 16, width, 3), 255, np.uint8)

    def write(text: str, u: int, v: int, size: float = 0.42, colour: tuple[int, int, int] = INK) -> None:
        cv2.putText(picture, text, (u, v), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)

    for k, (title, lines) in enumerate(curves.items()):
        left, top = margin + k * (side + gap), margin

        def at(confidence: float, right: float) -> tuple[int, int]:
            return left + round(confidence * side), top + round((1 - right) * side)

        for tick in (0, 0.25, 0.5, 0.75, 1):
            cv2.line(picture, at(tick, 0), at(tick, 1), FAINT, 1)
            cv2.line(picture, at(0, tick), at(1, tick), FAINT, 1)
            write(f"{tick:g}", at(tick, 0)[0] - 8, at(0, 0)[1] + 16, 0.36)
            if k == 0:
                write(f"{tick:g}", left - 32, at(0, tick)[1] + 4, 0.36)
        cv2.line(picture, at(0, 0), at(1, 1), INK, 1, cv2.LINE_AA)
        write(title, left, top - 30, 0.5)
        write("confidence", left + side // 2 - 34, top + side + 36)
        for row, ((name, found), colour) in enumerate(zip(lines, (BLUE, ORANGE))):
            write(f"{name}: {found.count.sum()} claims, calibration error {found.error:.3f}", left, top - 16 + 12 * row,
                  0.34, colour)
            filled = np.flatnonzero(found.count)
            points = [at(found.confidence[b], found.right[b]) for b in filled]
            cv2.polylines(picture, [np.array(points, np.int32)], False, colour, 1, cv2.LINE_AA)
            for point, b in zip(points, filled):
                cv2.circle(picture, point, 2 + int(3 * np.sqrt(found.count[b] / found.count.max())), colour, -1,
                           cv2.LINE_AA)
    write("right", 4, margin - 16)
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} could not be written")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=500)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--fit", action="store_true")
    args = parser.parse_args()
    predictor = Predictor(weights=args.weights, max_instances=65535)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    result: dict = {"benchmark": "orders", "commit": commit.strip(), "views": args.views}
    if args.fit:
        print(json.dumps(result | fit(predictor, args.views, args.cache)))
        return
    verdicts: dict[str, list] = {"true depth": [], "true depth, every pair": [], "network": [], "regions": []}
    for view in views("test", args.views, args.cache):
        exact = order_graph(view.labels, view.depth_m)
        verdicts["true depth"].append(judge(exact, view))
        verdicts["true depth, every pair"].append(judge(exact, view, min_length_px=1))
        found = predictor.predict(view.rgb, float(view.K[0, 0]), view.labels)
        verdicts["network"].append(judge(found.graph, view))
        found = predictor.predict(view.rgb, float(view.K[0, 0]))
        verdicts["regions"].append(judge(found.graph, replace(view, labels=found.labels)))
    curves: dict[str, list] = {"occlusion orders": [], "depth orders": []}
    for name, judged in verdicts.items():
        result[name] = {key: round(value, 4) for key, value in asdict(score(judged)).items()}
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in result[name].items()))
        if name in ("true depth, every pair", "regions"):
            continue
        for title, kind in (("occlusion orders", "occlusion"), ("depth orders", "depth")):
            found = reliability(np.concatenate([getattr(v, f"{kind}_confidence") for v in judged]),
                                np.concatenate([getattr(v, f"{kind}_right") for v in judged]))
            curves[title].append((name, found))
            result[name][f"{kind}_calibration_error"] = round(found.error, 4)
    if args.plot:
        plot(args.plot, curves)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
