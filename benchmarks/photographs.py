# SPDX-License-Identifier: Apache-2.0
"""How the depth of a model holds up on photographs: other cameras, cropped and framed pictures, a video.

    python benchmarks/photographs.py [--model modot_nano] [--weights FILE] [--data ../shared/data] [--scenes A B ...]

Scores are medians over scenes of medians over their pictures, with the interval that holds 95 % of 2,000 bootstrap samples
of scenes. Prints a table and one line of JSON; the same for two models can be compared line by line.

    sources     delta<1.25 metric and scaled by the median, AbsRel, true over predicted scale
    range       95 % over 5 % quantile of z, predicted over true
    aspect      metric delta<1.25 of the 16:9 middle, seen in the whole 4:3 picture and cropped to it
    border      |ln| of the change of scale inside a frame of 8 px, black and white
    video       median |change of ln z| from frame to frame, of pixels and of the picture's median
    doubt       of networks with `log_depth_std`: mean and share of errors of ln z within it, and what a frame and black give
"""
from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.predictor import Predictor  # noqa: E402
from modot_ros.scene.pixel_scores import depth_scores  # noqa: E402

BORDER_PX, FRAMES = 8, 120


def pictures(data: Path, scenes: list[str] | None) -> list[dict]:
    """rgb, depth_m (NaN unknown), focal_px (None: nominal or unknown), source, scene of both sets."""
    found = []
    for one in json.loads((data / "real" / "index.json").read_text()):
        name = one["name"]
        source = next(key for key in ("realsense", "tum", "livingroom", "icl") if name.startswith(key))
        scene = name if source == "realsense" else name[:7] if source == "tum" else source
        found.append({"set": "real", "source": source, "scene": scene, "focal_px": one["K"][0],
                      "rgb": data / "real" / one["image"], "depth": data / "real" / one["depth_mm"]})
    for one in json.loads((data / "rgbd_mixed" / "index.json").read_text())["items"]:
        if scenes is None or one["scene"] in scenes:
            known = one["focal_px"] and "nominal" not in (one["focal_from"] or "")
            found.append({"set": "rgbd_mixed", "source": "rgbd_mixed", "scene": one["scene"],
                          "focal_px": one["focal_px"] if known else None, "rgb": data / "rgbd_mixed" / one["rgb"],
                          "depth": data / "rgbd_mixed" / one["depth"]})
    return found


def read(one: dict) -> tuple[np.ndarray, np.ndarray]:
    rgb = cv2.cvtColor(cv2.imread(str(one["rgb"])), cv2.COLOR_BGR2RGB)
    depth_m = cv2.imread(str(one["depth"]), cv2.IMREAD_UNCHANGED).astype(np.float32) / 1000.0
    depth_m[depth_m <= 0] = np.nan
    return rgb, depth_m


def over_scenes(values: dict[str, list[float]]) -> list[float]:
    """Median over scenes, and the bounds of its interval."""
    medians = np.array([np.nanmedian(v) for v in values.values() if not np.isnan(v).all()])
    if not len(medians):
        return [math.nan] * 3
    drawn = np.random.default_rng(0).integers(0, len(medians), (2000, len(medians)))
    low, high = np.quantile(np.median(medians[drawn], axis=1), (0.025, 0.975))
    return [round(float(v), 3) for v in (np.median(medians), low, high)]


def spread(z: np.ndarray) -> float:
    low, high = np.nanquantile(z, (0.05, 0.95))
    return high / low


def single_pictures(predictor: Predictor, found: list[dict]) -> dict:
    """All but the video."""
    scores: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        rgb, true_m = read(one)
        height, width = true_m.shape
        def predict(picture: np.ndarray, focal_px: float | None = one["focal_px"]):
            return predictor.predict(picture, focal_px, parts=("depth",))
        def add(name: str, value: float) -> None:
            for group in {one["set"], one["source"]}:
                scores[group, name][one["scene"]].append(float(value))
        prediction = predict(rgb)
        z, known = prediction.depth, np.isfinite(true_m)
        scale = np.median(true_m[known]) / np.median(z[known])
        add("scaled", depth_scores(z * scale, true_m).delta1)
        add("constant", depth_scores(np.full_like(z, np.median(true_m[known])), true_m).delta1)
        add("range", spread(z[known]) / spread(true_m[known]))
        for name, colour in (("black", 0), ("white", 255)):
            framed = rgb.copy()
            inside = np.zeros((height, width), bool)
            inside[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = True
            framed[~inside] = colour
            other = predict(framed)
            add(f"border_{name}", abs(np.median(np.log(other.depth[inside] / z[inside]))))
            if other.log_depth_std is not None:
                add("std_border", np.median(other.log_depth_std[~inside]))
        if prediction.log_depth_std is not None:
            add("std", np.median(prediction.log_depth_std))
            add("std_black", np.median(predict(np.zeros_like(rgb)).log_depth_std))
        if one["focal_px"] is None:
            continue
        metric = depth_scores(z, true_m)
        add("metric", metric.delta1)
        add("abs_rel", metric.abs_rel)
        add("scale", scale)
        if prediction.log_depth_std is not None:
            error = np.abs(np.log(z[known] / true_m[known]))
            add("error", error.mean())
            add("within", (error < prediction.log_depth_std[known]).mean())
            add("z2", np.mean(math.sqrt(2) * error / prediction.log_depth_std[known]))
        if abs(width / height - 4 / 3) < 0.05:
            rows = round(width * 9 / 16)
            top = (height - rows) // 2
            cut = slice(top, top + rows)
            whole, cropped = depth_scores(z[cut], true_m[cut]).delta1, depth_scores(predict(rgb[cut]).depth, true_m[cut]).delta1
            add("aspect_whole", whole)
            add("aspect_cropped", cropped)
            add("aspect_loss", whole - cropped)
    return {group: {name: over_scenes(v) for (g, name), v in scores.items() if g == group}
            | {"scenes": len(scores[group, "scaled"])} for group in sorted({g for g, _ in scores})}


def video(predictor: Predictor, path: Path) -> dict[str, float]:
    """Frame to frame, in thousandths of the depth."""
    capture, pixels, medians, former = cv2.VideoCapture(str(path)), [], [], None
    for _ in range(FRAMES):
        ok, frame = capture.read()
        if not ok:
            break
        log_z = np.log(predictor.predict(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), parts=("depth",)).depth)
        if former is not None:
            pixels.append(np.median(np.abs(log_z - former)))
            medians.append(abs(np.median(log_z) - np.median(former)))
        former = log_z
    return {"frames": len(pixels) + 1, "pixel_permille": round(1e3 * float(np.median(pixels)), 2),
            "picture_permille": round(1e3 * float(np.median(medians)), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="modot_nano")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--scenes", nargs="+", help="of rgbd_mixed: those that the weights were not trained with")
    parser.add_argument("--output", type=Path, help="file for the JSON")
    options = parser.parse_args()
    predictor = Predictor(options.model, options.weights)
    result = {"model": options.model, **single_pictures(predictor, pictures(options.data, options.scenes)),
              "video": video(predictor, options.data / "real" / "bedroom.mp4")}
    for group, values in result.items():
        if isinstance(values, dict):
            print(f"{group}: " + "  ".join(f"{key} {value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]" if isinstance(value, list)
                                           else f"{key} {value}" for key, value in values.items()))
    text = json.dumps(result)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
