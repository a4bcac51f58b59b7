# SPDX-License-Identifier: Apache-2.0
"""The encodings of sensor_msgs/Image that a camera picture may have, and how each becomes red, green and blue.

OpenCV does the work itself: a distribution's cv_bridge lacks nv12, nv21, uyvy and yuyv (their names came with Iron), and the
code below needs none.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from modot_ros.scene.tone import Tone


@dataclass(frozen=True)
class Encoding:
    """What the bytes of a pixel are."""

    dtype: type
    channels: int                                       # values per pixel
    to_rgb: int | None                                  # code of cv2.cvtColor; None = red comes first already
    rows_per_row: float = 1                             # semi-planar: a plane of colour below that of brightness

    @property
    def bytes_per_pixel(self) -> int:
        return np.dtype(self.dtype).itemsize * self.channels


# OpenCV names a mosaic by its second row and column, ROS by its first: bayer_rggb is BayerBG.
_BAYER = {"rggb": cv2.COLOR_BayerBG2RGB, "bggr": cv2.COLOR_BayerRG2RGB, "gbrg": cv2.COLOR_BayerGR2RGB,
          "grbg": cv2.COLOR_BayerGB2RGB}
_LAYOUTS = {"rgb": (3, None), "bgr": (3, cv2.COLOR_BGR2RGB), "rgba": (4, cv2.COLOR_RGBA2RGB),
            "bgra": (4, cv2.COLOR_BGRA2RGB), "mono": (1, cv2.COLOR_GRAY2RGB),
            **{f"bayer_{name}": (1, code) for name, code in _BAYER.items()}}
ENCODINGS = {
    **{f"{name}8": Encoding(np.uint8, *layout) for name, layout in _LAYOUTS.items()},
    **{f"{name}16": Encoding(np.uint16, *layout) for name, layout in _LAYOUTS.items()},
    "8UC1": Encoding(np.uint8, 1, cv2.COLOR_GRAY2RGB), "8UC3": Encoding(np.uint8, 3, cv2.COLOR_BGR2RGB),
    "8UC4": Encoding(np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "16UC1": Encoding(np.uint16, 1, cv2.COLOR_GRAY2RGB), "32FC1": Encoding(np.float32, 1, cv2.COLOR_GRAY2RGB),
    **dict.fromkeys(("uyvy", "yuv422"), Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY)),
    **dict.fromkeys(("yuyv", "yuv422_yuy2"), Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2)),
    "nv12": Encoding(np.uint8, 1, cv2.COLOR_YUV2RGB_NV12, 1.5), "nv21": Encoding(np.uint8, 1, cv2.COLOR_YUV2RGB_NV21, 1.5),
}
# What depth images are sent in; so are the pictures of thermal cameras.
DEPTH_LIKE = ("16UC1", "32FC1")
# One channel whose darkest value is not black: the counts or degrees of a thermal camera lie in a small part of the range.
GREY = ("mono16", *DEPTH_LIKE)


def rgb_of_pixels(pixels: np.ndarray, name: str, tone: Tone) -> np.ndarray:
    """uint8 [H, W, 3], red first, contiguous, of an array [H, W] or [H, W, C] (semi-planar: [1.5 H, W]) of the encoding `name`.

    tone: makes eight bits of more. Raises cv2.error for a size that the encoding can't have.
    """
    encoding = ENCODINGS[name]
    if name in GREY:
        pixels = tone.grey(pixels)
    elif encoding.dtype != np.uint8:
        pixels = tone.colour(pixels)
    if encoding.to_rgb is None:
        return np.ascontiguousarray(pixels)
    return cv2.cvtColor(pixels, encoding.to_rgb)


def encoding_of_decoded(picture: np.ndarray, format_text: str) -> str:
    """What a picture of `cv2.imdecode` is, given the field `format` of its CompressedImage.

    compressed_image_transport writes "ENCODING; jpeg compressed ORDER", ENCODING of the image that it was given, ORDER bgr8
    where it turned colours so that the file is right, otherwise rgb8 or nothing: then red lies where blue should
    (compressed_subscriber.cpp). Without the semicolon it is a file as others write it.
    """
    original, has_order, order = format_text.partition(";")
    original = original.strip()
    bits = 8 * picture.dtype.itemsize
    if picture.ndim == 2:
        fits = original in ENCODINGS and ENCODINGS[original].channels == 1 and ENCODINGS[original].rows_per_row == 1
        return original if fits and ENCODINGS[original].dtype == picture.dtype else "32FC1" if bits == 32 else f"mono{bits}"
    swapped = has_order and original.startswith(("rgb", "bgr")) and "compressed bgr" not in order
    return f"{'rgb' if swapped else 'bgr'}{bits}"
