# SPDX-License-Identifier: Apache-2.0
"""Video files."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from modot_ros.ros.sources.frame import Frame, bgr_frame

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm")


class Video:
    """A video file at its own rate."""

    repeatable = True

    def __init__(self, path: Path, width: int = 0, height: int = 0) -> None:
        self.path, self.width, self.height = path, width, height
        if next(iter(self), None) is None:
            raise ValueError(f"source {str(path)!r} can't be read as a video")

    def __iter__(self) -> Iterator[Frame]:
        capture = cv2.VideoCapture(str(self.path))
        rate_hz = capture.get(cv2.CAP_PROP_FPS)
        period_s = 1 / rate_hz if 0.1 < rate_hz < 1000 else 1 / 30      # some containers state no rate
        try:
            number = 0
            while (picture := capture.read()[1]) is not None:
                yield bgr_frame(picture, self.width, self.height, number * period_s,
                                name=f"{self.path.stem}_{number:06d}")
                number += 1
        finally:
            capture.release()

    def __len__(self) -> int:
        """Frames that the container states; 0 when it states none."""
        capture = cv2.VideoCapture(str(self.path))
        try:
            return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        finally:
            capture.release()
