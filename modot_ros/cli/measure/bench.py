# SPDX-License-Identifier: Apache-2.0
"""`modot bench`: how fast the predictor is on this machine."""
from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from modot_ros.cli.arguments import model_arguments, size

HELP = "Time the predictor on this machine; the last line is JSON."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument("--size", type=size, default=(640, 480), metavar="WxH", help="picture size in pixels")
    parser.add_argument("--runs", type=int, default=30, help="pictures that count, after the warm-up")


def run(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.speed import measure
    from modot_ros.predictor import Predictor

    predictor = Predictor(options.model, options.weights, options.device, options.precision)
    speed = measure(predictor, *options.size, runs=options.runs)
    print(f"{speed.model} {speed.precision} on {speed.device} ({speed.threads} threads), "
          f"{speed.width}x{speed.height}, {speed.runs} runs; ms")
    for name, (low, middle, high) in {**speed.stage_ms, "total": speed.total_ms}.items():
        print(f"  {name:<10} median {middle:8.2f}   10 % {low:8.2f}   90 % {high:8.2f}")
    print(json.dumps(asdict(speed)))
    return 0
