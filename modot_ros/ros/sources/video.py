# SPDX-License-Identifier: Apache-2.0
"""Video files."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from modot_ros.ros.sources.frame import Frame, bgr_frame

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm")
UNSTATED_RATE_HZ = 30.0                                 # of containers that state none


class Video:
    """A video file at its own rate."""

    repeatable = True

    def __init__(self, path: Path, width: int = 0, height: int = 0) -> None:
        self.path, self.width, self.height = path, width, height
        stated = self._stated(cv2.CAP_PROP_FPS)
        self.rate_hz = stated if 0.1 < stated < 1000 else UNSTATED_RATE_HZ
        if next(iter(self), None) is None:
            raise ValueError(f"source {str(path)!r} can't be read as a video")

    def __iter__(self) -> Iterator[Frame]:
        capture = cv2.VideoCapture(str(self.path))
        try:
            number = 0
            while (picture := capture.read()[1]) is not None:
                yield bgr_frame(picture, self.width, self.height, number / self.rate_hz,
                                name=f"{self.path.stem}_{number:06d}")
                number += 1
        finally:
            capture.release()

    def __len__(self) -> int:
        """Frames that the container states; 0 when it states none."""
        return max(0, int(self._stated(cv2.CAP_PROP_FRAME_COUNT)))

    def _stated(self, what: int) -> float:
        capture = cv2.VideoCapture(str(self.path))
        try:
            return capture.get(what)
        finally:
            capture.release()
