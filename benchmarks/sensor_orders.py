# SPDX-License-Identifier: Apache-2.0
"""How many occlusions between found regions a depth sensor confirms, on real pictures, and how far to believe confidences.

    python benchmarks/sensor_orders.py [--model modot_nano] [--weights FILE] [--data ../shared/data] [--fit]

An occlusion is confirmed where the sensor's inverse depth steps by more than STEP along at least a quarter of the contour,
in that direction and twice as often as in the other; reversed where it does so the other way; without a step otherwise.
Each side is read a few pixels in, and carried to the contour along its slope: the sensor's edges are blurred, and a steep
floor is no step. Contours of which the sensor knows less than half are not judged. The calibrated confidences of a scene come
from a fit to all other scenes (leave one scene out), the intervals from 2,000 bootstrap samples of scenes. --fit prints the
weights of `modot_ros.scene.order.found_regions`, fitted to all scenes. Depth orders are right where they are those of the
sensor's medians, known in at least half of both regions, with the library's band of equal depth; their temperature is
chosen among TEMPERATURES on all other scenes. The last line is one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from photographs import pictures, read  # noqa: E402

from modot_ros.learn.metrics.graph_orders import reliability  # noqa: E402
from modot_ros.prediction import Prediction  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.scene.order.contour import Contour, contour  # noqa: E402
from modot_ros.scene.order.depth_order import EQUAL_BAND, depth_orders  # noqa: E402
from modot_ros.scene.order.found_regions import LEAST, cues  # noqa: E402
from modot_ros.scene.order.graph import nearness_of  # noqa: E402
from modot_ros.scene.order.occlusion_order import occlusion_orders  # noqa: E402

STEP = 0.03                                             # relative step of inverse depth
SHARE, LEAST_PX, KNOWN = 0.25, 8, 0.5                   # of a contour: with the step, its pixels, with sensor depth
NEAR_WIDTHS = 1 / 160                                   # where a side is read, in picture widths from the contour
MARGIN = 16                                             # pixels round the picture, more than is read beyond a contour
TEMPERATURES = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
PADDED = 7                                              # that `contour` counts its pixels with


@dataclass(frozen=True)
class Claim:
    scene: str
    confidence: float                                   # by the cues of direction alone
    cues: np.ndarray                                    # [2], see `found_regions.cues`
    verdict: int                                        # 1 confirmed, -1 reversed, 0 no step


def sensor_steps(c: Contour, labels: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
    """Relative step of the sensor's inverse depth [n] at every crossing, > 0: the smaller id is in front; NaN unknown."""
    near = max(2, round(labels.shape[1] * NEAR_WIDTHS))
    row = labels.shape[1] + 2 * PADDED
    inverse = np.pad(1 / depth_m, PADDED + MARGIN, constant_values=np.nan)
    owner = np.pad(labels.astype(int), PADDED + MARGIN)
    (v1, u1), (v2, u2) = np.divmod(c.px_smaller, row), np.divmod(c.px_larger, row)

    def at(v: np.ndarray, u: np.ndarray, way: int, reach: int, ids: np.ndarray) -> np.ndarray:
        rows, columns = v + MARGIN + way * reach * (v1 - v2), u + MARGIN + way * reach * (u1 - u2)
        return np.where(owner[rows, columns] == ids, inverse[rows, columns], np.nan)

    plain, carried = [], []
    for v, u, way, ids in ((v1, u1, 1, c.smaller[c.pair]), (v2, u2, -1, c.larger[c.pair])):
        edge, here, inside = (at(v, u, way, reach, ids) for reach in (1, near, 2 * near))
        plain.append(np.where(np.isnan(here), edge, here))
        carried.append(np.where(np.isnan(here + inside), plain[-1], 2 * here - inside))
    step, sloped = plain[0] - plain[1], carried[0] - carried[1]
    agreed = np.where(step * sloped > 0, np.sign(step) * np.minimum(np.abs(step), np.abs(sloped)), 0)
    return np.where(np.isnan(step), np.nan, agreed / np.fmax(*plain))


def claims(scene: str, found: Prediction, depth_m: np.ndarray) -> list[Claim]:
    """All occlusions between regions found in a picture that the sensor's depth [H, W], NaN unknown, can judge."""
    labels = found.labels.astype(np.uint16)
    known = np.isfinite(depth_m)
    depth_m = cv2.medianBlur(np.where(known, depth_m, 0).astype(np.float32), 5)
    depth_m[~known | (depth_m <= 0)] = np.nan
    c = contour(labels, found.depth, found.boundary_probability)
    steps = sensor_steps(c, labels, depth_m)
    pairs = len(c.smaller)
    count, seen, forward, backward = (np.bincount(c.pair, values, pairs) for values in (
        np.ones(len(steps)), ~np.isnan(steps), np.nan_to_num(steps) > STEP, np.nan_to_num(steps) < -STEP))
    orders, judged = occlusion_orders(c), []
    index = {pair: k for k, pair in enumerate(zip(c.smaller.tolist(), c.larger.tolist()))}
    for order, cue in zip(orders, cues(orders, c)):
        k = index[min(order.occluder, order.occludee), max(order.occluder, order.occludee)]
        if seen[k] < max(LEAST_PX, KNOWN * count[k]):
            continue
        right, wrong = (forward[k], backward[k]) if order.occluder < order.occludee else (backward[k], forward[k])
        enough = max(2, SHARE * seen[k])
        verdict = 1 if right >= enough and right > 2 * wrong else -1 if wrong >= enough and wrong > 2 * right else 0
        judged.append(Claim(scene, order.confidence, cue, verdict))
    return judged


@dataclass(frozen=True)
class Ordered:
    scene: str
    confidences: tuple[float, ...]                      # at each of TEMPERATURES
    right: bool


def ordered(scene: str, found: Prediction, depth_m: np.ndarray) -> list[Ordered]:
    """All depth orders between regions found in a picture that the sensor's depth [H, W], NaN unknown, can judge."""
    occlusions = occlusion_orders(contour(found.labels.astype(np.uint16), found.depth, found.boundary_probability))
    median = {k.id: np.nanmedian(depth_m[found.labels == k.id]) for k in found.graph.instances
              if np.isfinite(depth_m[found.labels == k.id]).mean() >= KNOWN}
    correction = nearness_of(found.labels, found.depth, found.boundary_probability, found.graph.instances, occlusions,
                             found.focal_px / found.labels.shape[1])
    softened = [depth_orders(found.graph.instances, occlusions, len(found.labels), False, correction, temperature)
                for temperature in TEMPERATURES]
    judged = []
    for at_each in zip(*softened):
        order = at_each[0]
        if order.near in median and order.far in median:
            ratio = np.log(median[order.far] / median[order.near])
            right = order.equal if abs(ratio) <= EQUAL_BAND else not order.equal and ratio > 0
            judged.append(Ordered(scene, tuple(o.confidence for o in at_each), bool(right)))
    return judged


def softened_confidences(scene: np.ndarray, confidences: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """Confidences [n] at the temperature that is likeliest on all other scenes, and that of all scenes."""
    likelihood = np.log(np.where(right[:, None], confidences, 1 - confidences).clip(1e-6))
    chosen = np.zeros(len(scene))
    for name in np.unique(scene):
        here = scene == name
        chosen[here] = confidences[here, likelihood[~here].mean(axis=0).argmax()]
    return chosen, TEMPERATURES[likelihood.mean(axis=0).argmax()]


def fit(cue: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Weights [3] of the two cues and the constant, by logistic regression."""
    x = np.column_stack([cue, np.ones(len(cue))])

    def loss(weights: np.ndarray) -> float:
        odds = x @ weights
        return float(np.mean(np.logaddexp(0, odds) - right * odds) + 3e-4 * np.sum(weights[:2] ** 2))
    return minimize(loss, np.zeros(3), method="L-BFGS-B").x


def probability(cue: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(cue @ weights[:2] + weights[2])))


def summary(confidence: np.ndarray, verdict: np.ndarray, scene: np.ndarray) -> dict[str, float | int | list[float]]:
    """Of claims [n]; the interval of the confirmed share over scenes."""
    right, rng, names = verdict == 1, np.random.default_rng(0), np.unique(scene)
    of_scene = np.array([[np.count_nonzero(scene == name), np.count_nonzero(right & (scene == name))] for name in names])
    drawn = of_scene[rng.integers(0, len(names), (2000, len(names)))].sum(axis=1)
    share = drawn[:, 1] / np.maximum(drawn[:, 0], 1)
    return {"claims": len(verdict), "confirmed": round(float(right.mean()), 3),
            "interval": np.quantile(share, (0.025, 0.975)).round(3).tolist(),
            "reversed": round(float((verdict == -1).mean()), 3), "confidence": round(float(confidence.mean()), 3),
            "calibration_error": round(reliability(confidence, right).error, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="modot_nano")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    predictor = Predictor(options.model, options.weights, device="cpu", max_instances=65535)
    found: list[Claim] = []
    orders: list[Ordered] = []
    for one in pictures(options.data, None):
        rgb, depth_m = read(one)
        prediction, name = predictor.predict(rgb, one["focal_px"]), f"{one['set']} {one['scene']}"
        found += claims(name, prediction, depth_m)
        orders += ordered(name, prediction, depth_m)
    scene, verdict = (np.array([getattr(claim, name) for claim in found]) for name in ("scene", "verdict"))
    direction, cue = np.array([claim.confidence for claim in found]), np.stack([claim.cues for claim in found])
    calibrated = np.zeros(len(found))
    for name in np.unique(scene):
        here = scene == name
        calibrated[here] = probability(cue[here], fit(cue[~here], verdict[~here] == 1))
    rooms, kept = np.char.startswith(scene, "real"), calibrated >= LEAST
    result = {"benchmark": "sensor_orders", "model": predictor.name, "device": platform.machine(), "commit": subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()}
    for title, chosen in (("all", np.ones(len(found), bool)), ("real", rooms), ("rgbd_mixed", ~rooms)):
        for name, confidence, of in (("direction alone", direction, chosen), ("calibrated", calibrated, chosen),
                                     (f"calibrated, from {LEAST:g}", calibrated, chosen & kept)):
            result[f"{title}, {name}"] = summary(confidence[of], verdict[of], scene[of])
            print(f"{title + ', ' + name:34s}" + "  ".join(f"{k} {v}" for k, v in result[f"{title}, {name}"].items()))
    scene, right, confidences = (np.array([getattr(order, name) for order in orders])
                                 for name in ("scene", "right", "confidences"))
    softened, temperature = softened_confidences(scene, confidences, right)
    for title, chosen in (("all", right >= 0), ("real", np.char.startswith(scene, "real"))):
        for name, confidence in (("as on rooms", confidences[:, 0]), ("softened", softened)):
            line = {"orders": int(chosen.sum()), "right": round(float(right[chosen].mean()), 3),
                    "confidence": round(float(confidence[chosen].mean()), 3),
                    "calibration_error": round(reliability(confidence[chosen], right[chosen]).error, 3)}
            result[f"{title}, depth orders {name}"] = line
            print(f"{title + ', depth orders ' + name:34s}" + "  ".join(f"{key} {value}" for key, value in line.items()))
    if options.fit:
        result["temperature"] = temperature
        result["weights"] = dict(zip(("EVIDENCE", "SEEN", "BIAS"), fit(cue, verdict == 1).round(2).tolist()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
