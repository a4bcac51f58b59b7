# SPDX-License-Identifier: Apache-2.0
"""The pictures that a command was given, and what the predictor finds in each."""
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from modot_ros.scene.image_decoding import decode
from modot_ros.scene.steady_scale import SteadyScale
from modot_ros.scene.tracking import Tracker

if TYPE_CHECKING:
    from modot_ros.prediction import Prediction

LIVE_RATE_HZ = 10.0                                     # of the video that shows a camera
LOG_PERIOD_S = 10.0                                     # between lines of progress that go into a file


@dataclass(frozen=True)
class Seen:
    """A frame of the input and what the predictor finds in it."""

    name: str
    rgb: np.ndarray                                     # uint8 [H, W, 3]
    prediction: Prediction
    time_s: float = 0.0                                 # from the first frame
    rate_hz: float = 0.0                                # of the video; 0 = a picture by itself
    live: bool = False                                  # from a camera or stream, which has no end


def predictions(options: argparse.Namespace, live: bool = False) -> Iterator[Seen]:
    """Every frame of the input; makes the output folder. Instances of a video keep their ids from frame to frame.

    live   a camera or stream may be the input, too
    """
    from tqdm import tqdm

    from modot_ros.predictor import Predictor
    from modot_ros.ros.camera import Camera
    from modot_ros.ros.sources.device import Device
    from modot_ros.ros.sources.media import Pictures, Video, open_source
    from modot_ros.ros.sources.pictures import listed

    if options.output is not None and Path(options.input).is_dir() and options.output.resolve() == Path(options.input).resolve():
        raise ValueError(f"output {str(options.output)!r} is the input folder, whose pictures the results would be taken for: "
                         "choose another one")
    source = open_source(options.input)
    if not isinstance(source, (Pictures, Video, Device) if live else (Pictures, Video)):
        raise ValueError(f"{options.input!r} is no picture, folder of pictures{', camera, stream' if live else ''} or video")
    if options.instances is not None and not options.instances.exists():
        raise FileNotFoundError(f"instances {str(options.instances)!r} does not exist")
    most = {} if options.instances is None else {"max_instances": 1024}         # labels that are given are all taken
    method = options.order_method or ("fused" if options.order_model else "geometric")
    predictor = Predictor(options.model, options.weights, options.device, options.precision, options.boundary_threshold,
                          flip=options.flip, order_method=method, order_model=options.order_model,
                          order_weights=options.order_weights, order_max_instances=options.order_max_instances,
                          engine=getattr(options, "engine", "local"), **most)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    tracker, steady = (None, None) if isinstance(source, Pictures) else (Tracker(), SteadyScale())
    count, start_s = 0 if isinstance(source, Device) else len(source), time.monotonic()
    for frame in tqdm(source, total=count or None, unit="frame", disable=count == 1,
                      mininterval=0.1 if sys.stderr.isatty() else LOG_PERIOD_S):
        time_s = time.monotonic() - start_s if frame.due_s is None else frame.due_s
        if frame.name and frame.name in names:
            raise ValueError(f"two pictures are called {frame.name!r}, and so would be their results: rename one")
        names.add(frame.name)
        rgb = np.ascontiguousarray(frame.rows.reshape(frame.height, frame.width, 3)[:, :, ::-1])
        focal_px = options.focal_px
        if focal_px is None and frame.calibration is not None:
            focal_px = Camera.of(frame.calibration, frame.width, frame.height).focal_px
        labels = None if options.instances is None else _labels(options.instances, frame.name, rgb.shape[:2])
        if tracker is None:
            yield Seen(frame.name, rgb, predictor.predict(rgb, focal_px, labels), time_s)
            continue
        prediction = predictor.predict(rgb, focal_px, labels, parts=("depth", "boundary", "instances", "classes"))
        factor = steady.factor(rgb, prediction.depth, time_s, prediction.log_depth_std)
        prediction = replace(prediction, depth=prediction.depth * np.float32(factor))
        lasting, _ = tracker.recognise(prediction.labels, rgb, prediction.depth, time_s, given=labels is not None)
        prediction = predictor.relate(rgb, prediction, lasting, found=labels is None)
        prediction = replace(prediction, graph=tracker.remember(prediction.graph))
        yield Seen(frame.name, rgb, prediction, time_s, getattr(source, "rate_hz", LIVE_RATE_HZ), isinstance(source, Device))
    if isinstance(source, Pictures) and source.passed_over:
        print(f"{len(source.passed_over)} passed over{listed(source.passed_over)}", file=sys.stderr)


def _labels(path: Path, name: str, size: tuple[int, int]) -> np.ndarray:
    """The label image at `path`, or the one called `name` in the folder `path`, for a picture of `size` (H, W)."""
    file = path
    if path.is_dir():
        file = next((path / f"{name}{ending}" for ending in (".png", ".tif", ".tiff")
                     if (path / f"{name}{ending}").is_file()), None)
        if file is None:
            raise FileNotFoundError(f"instances folder {str(path)!r} has no {name}.png")
    try:
        labels = decode(file.read_bytes(), cv2.IMREAD_UNCHANGED)
    except ValueError as error:
        raise ValueError(f"instances {str(file)!r} {error}") from error
    if labels.ndim != 2:
        raise ValueError(f"instances {str(file)!r} is no label image of one channel, it has {labels.shape[2]} (a palette's "
                         "colours are no ids)")
    if labels.shape != size:
        raise ValueError(f"instances {str(file)!r} is {labels.shape[1]}x{labels.shape[0]}, the picture {name!r} "
                         f"{size[1]}x{size[0]}")
    return labels
