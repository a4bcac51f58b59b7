# SPDX-License-Identifier: Apache-2.0
"""`modot view`: a live page of what a camera, a stream, a video or pictures show, without ROS."""
from __future__ import annotations

import argparse
import signal
import time
from collections import deque
from pathlib import Path

from modot_ros.cli.arguments import model_arguments, scene_arguments
from modot_ros.cli.use.predictions import predictions

HELP = "Look at a camera, a stream, a video or pictures on a live page in the browser (needs rerun-sdk)."
RATE_FRAMES = 10                                        # that the rate looks back on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", nargs="?", default="0", help="camera (0, /dev/video0), stream (rtsp://, http://), video, folder "
                        "or picture")
    parser.add_argument("--port", type=int, default=9090, help="of the page on this machine; 0 takes a free one")
    parser.add_argument("--save", type=Path, help="keep everything in this .rrd file as well; `rerun FILE` opens it")
    parser.add_argument("--no-page", action="store_true", help="only save")
    parser.add_argument("--end", action="store_true", help="end after the last frame; otherwise the page stays until Ctrl-C")
    model_arguments(parser)
    scene_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from modot_ros.view.frame import FrameView
    from modot_ros.view.page import Page

    options.output = None
    signal.signal(signal.SIGTERM, signal.default_int_handler)      # the page's server ends with this process
    with Page(options.port, options.save, serve=not options.no_page) as page:
        if page.url:
            print(f"open {page.url}", flush=True)
        ends_s: deque[float] = deque(maxlen=RATE_FRAMES)
        for seen in predictions(options, live=True):
            ends_s.append(time.monotonic())
            numbers = {f"{stage} ms": 1e3 * seconds for stage, seconds in seen.prediction.stage_s.items()}
            numbers["all ms"] = sum(numbers.values())
            if len(ends_s) > 1:
                numbers["rate Hz"] = (len(ends_s) - 1) / (ends_s[-1] - ends_s[0])
            page.show(FrameView.of(seen.rgb, seen.prediction, seen.time_s, numbers))
        if page.url and not options.end:
            print("that was the last frame; Ctrl-C ends the page", flush=True)
            page.wait()
    if options.save is not None:
        print(f"{page.frames} frames in {options.save}")
    return 0
