# SPDX-License-Identifier: Apache-2.0
"""Cameras of this machine, and streams."""
from __future__ import annotations

from collections.abc import Iterator

import cv2

from modot_ros.ros.sources.frame import Frame, bgr_frame


class Device:
    """A camera or a stream through OpenCV; it sets the pace."""

    repeatable = False

    def __init__(self, device: int | str, width: int = 0, height: int = 0) -> None:
        self.device, self.width, self.height = device, width, height
        self.capture = cv2.VideoCapture(device)
        if self.capture.isOpened() and width and height:
            self.capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)           # the driver may choose its nearest
            self.capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self.capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)                    # the newest frame, not the oldest
        if not self.capture.isOpened() or self.capture.read()[1] is None:
            raise ValueError(f"source {str(device)!r}: no camera or stream there that gives pictures")

    def __iter__(self) -> Iterator[Frame]:
        try:
            while (picture := self.capture.read()[1]) is not None:
                yield bgr_frame(picture, self.width, self.height, None)
        finally:
            self.capture.release()
