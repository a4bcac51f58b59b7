# SPDX-License-Identifier: Apache-2.0
"""`modot predict`: depth, boundaries, instances and order graph of pictures and videos, as files."""
from __future__ import annotations

import argparse
from pathlib import Path

from modot_ros.cli.arguments import model_arguments, scene_arguments
from modot_ros.cli.use.predictions import predictions

HELP = "Predict for a picture, the pictures of a folder, or a video."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", help="picture, folder or video")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the results, made when missing")
    model_arguments(parser)
    scene_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from modot_ros.scene.drawing.prediction_files import write_prediction

    done = 0
    for name, rgb, prediction in predictions(options):
        write_prediction(prediction, rgb, options.output, name)
        done += 1
    print(f"{done} predictions in {options.output}")
    return 0
