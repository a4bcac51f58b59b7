# SPDX-License-Identifier: Apache-2.0
"""`modot order`: the order graph of pictures, printed and as files."""
from __future__ import annotations

import argparse
from pathlib import Path

import cv2

from modot_ros.cli.arguments import model_arguments, scene_arguments
from modot_ros.cli.use.predictions import predictions

HELP = "Say who occludes whom and who is nearer, in a picture, those of a folder or a video."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", help="picture, folder or video")
    parser.add_argument("-o", "--output", type=Path, help="folder for the graph as JSON, GraphML and DOT and for the "
                        "overlay, made when missing; without it the graph is only printed")
    model_arguments(parser)
    scene_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from modot_ros.scene.drawing.graph_files import graph_files, graph_text
    from modot_ros.scene.drawing.overlay import overlay
    from modot_ros.scene.drawing.prediction_files import png_bytes
    from modot_ros.scene.drawing.whole_files import write_whole

    for seen in predictions(options):
        name, prediction = seen.name, seen.prediction
        if options.output is not None:
            drawn = cv2.cvtColor(overlay(seen.rgb, prediction), cv2.COLOR_RGB2BGR)
            contents = {**graph_files(prediction.graph, name), f"{name}_overlay.png": png_bytes(drawn)}
            write_whole({options.output / file: content for file, content in contents.items()})
        print(f"{name}: {graph_text(prediction.graph, 'm' if prediction.depth_kind == 'metric' else '')}")
    return 0
