# SPDX-License-Identifier: Apache-2.0
"""What semantic classes cost: a picture of 640x480 through the predictor with and without them, in turns.

    python benchmarks/class_cost.py [--pictures 60] [--runs 5] [--weights FILE]

All parts but classes, then all parts, picture by picture, so that other work on the machine hits both. The last line is one line
of JSON.
"""
from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.learn.synthetic.shards import FIRST_SEED, training_view  # noqa: E402
from modot_ros.prediction import PARTS  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=60, help="of each run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    predictor = Predictor(weights=options.weights)
    if not predictor.has_semantics:
        raise SystemExit(f"{options.weights or 'the weights of the package'}: no semantic classes in there")
    rgb = training_view(FIRST_SEED["test"], 640, 480).rgb
    asked = {"without": [part for part in PARTS if part != "classes"], "with": PARTS}
    for parts in asked.values():
        predictor.predict(rgb, 500.0, parts=parts)
    ratios, network, medians_s = [], [], {name: [] for name in asked}
    for _ in range(options.runs):
        taken_s, inside_s = ({name: [] for name in asked} for _ in range(2))
        for _ in range(options.pictures):
            for name, parts in asked.items():
                start_s = time.perf_counter()
                found = predictor.predict(rgb, 500.0, parts=parts)
                taken_s[name].append(time.perf_counter() - start_s)
                inside_s[name].append(found.stage_s["network"])
        for name in asked:
            medians_s[name].append(float(np.median(taken_s[name])))
        ratios.append(medians_s["with"][-1] / medians_s["without"][-1])
        network.append(float(np.median(inside_s["with"]) / np.median(inside_s["without"])))
    for name, values in medians_s.items():
        print(f"{name}: {1e3 * np.median(values):.1f} ms a picture ({1e3 * min(values):.1f} to {1e3 * max(values):.1f})")
    print(f"with / without: {np.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), "
          f"of the network alone {np.median(network):.3f} ({min(network):.3f} to {max(network):.3f})")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(json.dumps({"benchmark": "class_cost", "commit": commit, "device": predictor.device, "machine": platform.processor(),
                      "ratio": round(float(np.median(ratios)), 4), "ratio_of_network": round(float(np.median(network)), 4),
                      "without_ms": round(1e3 * float(np.median(medians_s["without"])), 2), "runs": options.runs}))


if __name__ == "__main__":
    main()
