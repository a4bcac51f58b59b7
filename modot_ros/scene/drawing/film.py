# SPDX-License-Identifier: Apache-2.0
"""The predictions of a video or a camera as two files: a video of overlays or panels, and a line of JSON per frame."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from modot_ros.prediction import Prediction
from modot_ros.scene.drawing.overlay import depth_limits, overlay
from modot_ros.scene.drawing.panel import panel
from modot_ros.scene.drawing.prediction_files import graph_record
from modot_ros.scene.drawing.whole_files import unwritable

CODEC = "mp4v"                                          # MPEG-4, which every build of OpenCV writes
DRAWN = {"overlay": overlay, "panel": panel}            # what a video can show, by the end of its name
FOLLOW = 0.1                                            # share of the way that the colour scale goes with one frame


class Film:
    """Writes NAME_SHOWN.mp4 and NAME_graph.jsonl into an existing folder; `shown` is "overlay" or "panel".

    The video runs as time_s does: what takes longer than a frame of `rate_hz`, as a camera's predictions may, stands for several.
    Use it as a context. Until its end both files end in .part; an error leaves none of them, an interrupt what is there so
    far. A line holds `frame` (from 0), `time_s` (from the first frame) and the order graph's fields as in NAME_graph.json.
    """

    def __init__(self, folder: Path, name: str, rate_hz: float, shown: str = "overlay") -> None:
        self.paths = folder / f"{name}_{shown}.mp4", folder / f"{name}_graph.jsonl"
        self._draw = DRAWN[shown]
        self.rate_hz = rate_hz
        self.frames = 0                                 # predicted
        self._written = 0                               # of the video
        self._parts = folder / f"{name}_{shown}.part.mp4", folder / f"{name}_graph.jsonl.part"
        self._size = 0, 0                               # width, height; the codec wants even ones
        self._video: cv2.VideoWriter | None = None
        self._limits: np.ndarray | None = None          # ends of the colour scale, steady over time
        try:
            self._lines = self._parts[1].open("w", encoding="utf-8")
        except OSError as error:
            raise unwritable(self.paths[1], error.strerror, 0) from error

    def add(self, rgb: np.ndarray, prediction: Prediction, time_s: float) -> None:
        """A frame, uint8 [H, W, 3], red first, and what was predicted of it, depth and order at least, which else is a
        ValueError. Raises OSError when there is no space for it."""
        if prediction.depth is None or prediction.graph is None:
            raise ValueError("a film needs depth and order of every frame")
        limits = np.array(depth_limits(prediction.depth))
        self._limits = limits if self._limits is None else FOLLOW * limits + (1 - FOLLOW) * self._limits
        drawn = self._draw(rgb, prediction, *self._limits.tolist())
        if self._video is None:
            self._size = drawn.shape[1] & ~1, drawn.shape[0] & ~1
            self._video = cv2.VideoWriter(str(self._parts[0]), cv2.VideoWriter_fourcc(*CODEC), self.rate_hz, self._size)
            if not self._video.isOpened():
                raise unwritable(self.paths[0], f"no video of {self._size[0]}x{self._size[1]} can be made", 0)
        if shutil.disk_usage(self.paths[0].parent).free < drawn.nbytes:      # the encoder would lose frames without a word
            raise unwritable(self.paths[0], f"no space left after {self.frames} frames", drawn.nbytes)
        bgr = cv2.cvtColor(drawn[:self._size[1], :self._size[0]], cv2.COLOR_RGB2BGR)
        while self._written <= round(time_s * self.rate_hz):
            self._video.write(bgr)
            self._written += 1
        line = {"frame": self.frames, "time_s": round(time_s, 6), **graph_record(prediction.graph)}
        try:
            self._lines.write(json.dumps(line, allow_nan=False) + "\n")
            self._lines.flush()
        except OSError as error:
            raise unwritable(self.paths[1], error.strerror, drawn.nbytes) from error
        self.frames += 1

    def __enter__(self) -> Film:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._video is not None:
            self._video.release()
        whole = self.frames > 0 and _frames_of(self._parts[0]) == self._written
        try:
            self._lines.close()
        except OSError:
            whole = False
        if whole and kind in (None, KeyboardInterrupt):
            for part, path in zip(self._parts, self.paths):
                part.replace(path)
            return
        for part in self._parts:
            part.unlink(missing_ok=True)
        if kind is None and self.frames:
            raise unwritable(self.paths[0], "its frames did not all arrive on the disk", 0)


def _frames_of(path: Path) -> int:
    """Frames that a video states; 0 when it can't be opened."""
    capture = cv2.VideoCapture(str(path))
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()
