# SPDX-License-Identifier: Apache-2.0
"""`modot predict`: depth, boundaries, instances and order graph of pictures, videos and cameras, as files."""
from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from modot_ros.cli.arguments import engine_argument, model_arguments, scene_arguments
from modot_ros.cli.use.predictions import predictions

HELP = "Predict for a picture, the pictures of a folder, a video or a camera (a video of overlays and a line of JSON per frame)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", help="picture, folder, video; camera (0, /dev/video0) or stream (rtsp://, http://) until Ctrl-C")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the results, made when missing")
    parser.add_argument("--frames", action="store_true", help="of a video or camera, keep the files of every frame too")
    parser.add_argument("--panel", action="store_true", help="also NAME_panel.jpg: picture, depth, boundaries and order on one "
                        "slide; of a video NAME_panel.mp4 in place of the overlay")
    parser.add_argument("--mcap", type=Path, metavar="NAME", help="also a recording for Foxglove and `ros2 bag`: folder NAME, "
                        "which is made (needs ROS 2)")
    model_arguments(parser)
    engine_argument(parser)
    scene_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from modot_ros.scene.drawing.film import Film
    from modot_ros.scene.drawing.panel import write_panel
    from modot_ros.scene.drawing.prediction_files import write_prediction

    shown = "panel" if options.panel else "overlay"
    stem = Path(options.input).stem
    done, film, seen = 0, None, None
    try:
        with ExitStack() as stack:
            recording = None if options.mcap is None else stack.enter_context(_recording(options.mcap))
            for seen in predictions(options, live=True):
                if recording is not None:
                    recording.add(seen.rgb, seen.prediction, seen.time_s)
                if seen.rate_hz:
                    film = film or stack.enter_context(Film(options.output, stem, seen.rate_hz, shown))
                    film.add(seen.rgb, seen.prediction, seen.time_s)
                if not seen.rate_hz or options.frames:
                    write_prediction(seen.prediction, seen.rgb, options.output, seen.name or f"{stem}_{done:06d}")
                    if options.panel:
                        write_panel(seen.prediction, seen.rgb, options.output, seen.name or f"{stem}_{done:06d}")
                done += 1
    except KeyboardInterrupt:
        if seen is None or not seen.live:
            raise
    print(f"{done} frames in {' and '.join(map(str, film.paths))}" if film else f"{done} predictions in {options.output}")
    return 0


def _recording(folder: Path):
    try:
        from modot_ros.ros.watch.predicted import PredictedRecording
    except ModuleNotFoundError as error:
        raise ValueError(f"--mcap needs ROS 2 and {error.name} can't be imported: source a distribution, or enter "
                         ".ros/environment.sh of a checkout") from error
    return PredictedRecording(folder)
