# SPDX-License-Identifier: Apache-2.0
"""`modot order`: the order graph of pictures, printed and as files."""
from __future__ import annotations

import argparse
from pathlib import Path

import cv2

from modot_ros.cli.arguments import model_arguments, scene_arguments
from modot_ros.cli.use.predictions import predictions

HELP = "Say who occludes whom and who is nearer, in a picture or those of a folder."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", help="picture or folder")
    parser.add_argument("-o", "--output", type=Path, help="folder for the graph as JSON, GraphML and DOT and for the "
                        "overlay, made when missing; without it the graph is only printed")
    model_arguments(parser)
    scene_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from modot_ros.scene.drawing.graph_files import graph_text, write_graph
    from modot_ros.scene.drawing.overlay import overlay

    for name, rgb, prediction in predictions(options):
        if options.output is not None:
            write_graph(prediction.graph, options.output, name)
            path = options.output / f"{name}_overlay.png"
            if not cv2.imwrite(str(path), cv2.cvtColor(overlay(rgb, prediction), cv2.COLOR_RGB2BGR)):
                raise OSError(f"{path} can't be written")
        print(f"{name}: {graph_text(prediction.graph, 'm' if prediction.depth_kind == 'metric' else '')}")
    return 0
