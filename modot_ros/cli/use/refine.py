# SPDX-License-Identifier: Apache-2.0
"""`modot refine`: boundaries of a picture, corrected where a person drew strokes."""
from __future__ import annotations

import argparse
from pathlib import Path

import cv2

from modot_ros.cli.arguments import model_arguments

HELP = "Find boundaries of a picture, and correct them by strokes."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=Path, help="picture; a rotation that its file asks for is ignored")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the results, made when missing")
    parser.add_argument("--strokes", type=Path, help="JSON file of strokes, see docs/interactive.md; without it this is a "
                        "first look")
    parser.add_argument("--previous", type=Path, help="NAME_boundary_prob.npy that the strokes were drawn over; without it "
                        "it is computed first")
    parser.add_argument("--boundary-threshold", type=float, default=0.7,
                        help="probability from which a boundary counts; the paper's")
    model_arguments(parser)
    parser.set_defaults(model="scribble_nano")


def run(options: argparse.Namespace) -> int:
    from modot_ros.learn.datasets.picture_file import read_array, read_rgb
    from modot_ros.model import STROKE_MODELS
    from modot_ros.predictor import Predictor
    from modot_ros.scene.drawing.prediction_files import npy_bytes, png_bytes
    from modot_ros.scene.drawing.stroke_overlay import stroke_overlay
    from modot_ros.scene.drawing.whole_files import write_whole
    from modot_ros.scene.strokes import strokes_from_json

    if options.model not in STROKE_MODELS:
        raise ValueError(f"{options.model} takes no strokes: choose one of {', '.join(STROKE_MODELS)}")
    rgb = read_rgb(options.picture)
    strokes = []
    if options.strokes is not None:
        try:
            strokes = strokes_from_json(options.strokes.read_bytes(), rgb.shape[1], rgb.shape[0])
        except ValueError as error:
            raise ValueError(f"{options.strokes}: {error}") from error
    previous = None if options.previous is None else read_array(options.previous)
    predictor = Predictor(options.model, options.weights, options.device, options.precision, options.boundary_threshold)
    refined = predictor.refine(rgb, strokes, previous)
    options.output.mkdir(parents=True, exist_ok=True)
    overlay = stroke_overlay(rgb, refined.boundary_mask, strokes)
    files = {"boundary_prob.npy": npy_bytes(refined.boundary_probability),
             "boundary.png": png_bytes(refined.boundary_mask.astype("uint8") * 255),
             "refined.png": png_bytes(cv2.cvtColor(overlay, cv2.COLOR_RGB2BGR))}
    paths = write_whole({options.output / f"{options.picture.stem}_{ending}": content for ending, content in files.items()})
    print(f"{len(strokes)} strokes; {int(refined.boundary_mask.sum())} boundary pixels; written: {', '.join(map(str, paths))}")
    return 0
