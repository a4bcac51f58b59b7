# SPDX-License-Identifier: Apache-2.0
"""One image as a source gives it. No ROS here."""
from __future__ import annotations

from array import array
from dataclasses import dataclass

import cv2
import numpy as np

from modot_ros.ros.calibration import Calibration


@dataclass(frozen=True)
class Frame:
    """One image as sensor_msgs/Image carries it.

    rows          uint8 [H, step], the bytes of each row, padding included
    encoding      a sensor_msgs encoding; what this package decodes itself is "bgr8"
    width         pixels of a row
    due_s         when it is to be shown, counted from the first frame; None = now, the source sets the pace
    calibration   what the source knows of its camera; None = nothing
    """

    rows: np.ndarray
    encoding: str
    width: int
    due_s: float | None
    calibration: Calibration | None = None
    is_bigendian: bool = False
    name: str = ""                                      # of the file, or of the file and the frame's number

    @classmethod
    def of_pixels(cls, pixels: np.ndarray, encoding: str, due_s: float | None = None,
                  calibration: Calibration | None = None) -> Frame:
        """From an array [H, W] or [H, W, C] of the encoding's type."""
        pixels = np.ascontiguousarray(pixels)
        rows = pixels.reshape(len(pixels), -1).view(np.uint8)
        return cls(rows, encoding, pixels.shape[1], due_s, calibration)

    @property
    def height(self) -> int:
        return self.rows.shape[0]

    def fill(self, message):
        """Write all but the header into a sensor_msgs/Image and return it."""
        message.height, message.width, message.step = self.height, self.width, self.rows.shape[1]
        message.encoding, message.is_bigendian = self.encoding, int(self.is_bigendian)
        # assigning an array to data would check it byte by byte, 270 ms per megabyte
        message.data = array("B")
        message.data.frombytes(memoryview(np.ascontiguousarray(self.rows).reshape(-1)))
        return message


def bgr_frame(picture: np.ndarray, width: int, height: int, due_s: float | None,
              calibration: Calibration | None = None, name: str = "") -> Frame:
    """A frame of a uint8 [H, W, 3] picture and a calibration of its size; both are resized, see `open_source`."""
    rows, columns = picture.shape[:2]
    if width or height:
        width, height = (width or max(1, round(columns * height / rows)),
                         height or max(1, round(rows * width / columns)))
        if (height, width) != (rows, columns):
            interpolation = cv2.INTER_AREA if width < columns else cv2.INTER_LINEAR
            picture = cv2.resize(picture, (width, height), interpolation=interpolation)
            calibration = None if calibration is None else calibration.resized(width, height)
    rows, columns = picture.shape[:2]
    pixels = np.ascontiguousarray(picture).reshape(rows, columns * 3)
    return Frame(pixels, "bgr8", columns, due_s, calibration, name=name)
