# SPDX-License-Identifier: Apache-2.0
"""Stand-in for the distribution's `cv_bridge` (vision_opencv): same names, same results, with OpenCV alone.

A distribution whose cv_bridge does not work gets it too, so it needs nothing that a distribution lacks.
"""
from __future__ import annotations

import re
import sys
from array import array

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from modot_ros.ros.messages.encodings import ENCODINGS, GREY

CHANNEL_TYPES = {"uint8": "8U", "int8": "8S", "uint16": "16U", "int16": "16S", "int32": "32S", "float32": "32F",
                 "float64": "64F"}
# What cv2.cvtColor makes of rgb8; None = the same.
FROM_RGB = {"rgb8": None, "bgr8": cv2.COLOR_RGB2BGR, "mono8": cv2.COLOR_RGB2GRAY, "rgba8": cv2.COLOR_RGB2RGBA,
            "bgra8": cv2.COLOR_RGB2BGRA}


class CvBridgeError(TypeError):
    """A picture that can't be converted; the message names the value."""


class CvBridge:
    """Images between messages and arrays."""

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Type of one value and values per pixel: "bgr8" -> ("uint8", 3). CvBridgeError when unknown."""
        if encoding in ENCODINGS:
            return np.dtype(ENCODINGS[encoding].dtype).name, ENCODINGS[encoding].channels
        generic = re.fullmatch(r"(8U|8S|16U|16S|32S|32F|64F)C(\d+)", encoding)
        if generic is None:
            raise CvBridgeError(f"encoding {encoding!r} is not supported")
        channels = int(generic[2])
        if not 1 <= channels <= 4:
            raise CvBridgeError(f"encoding {encoding!r} has {channels} channels; 1 to 4 are supported")
        return next(name for name, kind in CHANNEL_TYPES.items() if kind == generic[1]), channels

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> np.ndarray:
        """Array [H, W] or [H, W, C] of the message's type, or converted to `desired_encoding`.

        Padding of the rows is dropped and the byte order made this machine's. Without either, and without a
        conversion, the array is a view of the message. Semi-planar YUV (nv12, nv21) has H * 3 / 2 rows.
        """
        dtype, channels = self.encoding_to_dtype_with_channels(img_msg.encoding)
        dtype = np.dtype(dtype)
        known = ENCODINGS.get(img_msg.encoding)
        rows = img_msg.height if known is None else int(img_msg.height * known.rows_per_row)
        row_bytes = img_msg.width * channels * dtype.itemsize
        values = np.frombuffer(img_msg.data, np.uint8, rows * img_msg.step).reshape(rows, img_msg.step)
        image = np.ascontiguousarray(values[:, :row_bytes]).view(dtype)
        if channels > 1:
            image = image.reshape(rows, img_msg.width, channels)
        if dtype.itemsize > 1 and bool(img_msg.is_bigendian) != (sys.byteorder == "big"):
            image = image.byteswap()
        if desired_encoding == "passthrough":
            return image
        return self._convert(image, img_msg.encoding, desired_encoding)

    def cv2_to_imgmsg(self, cvim: np.ndarray, encoding: str = "passthrough", header: Header | None = None) -> Image:
        """Message of an array [H, W] or [H, W, C]; CvBridgeError when the array does not fit the encoding."""
        if not isinstance(cvim, np.ndarray):
            raise TypeError(f"not an array but {type(cvim).__name__}")
        channels = 1 if cvim.ndim == 2 else cvim.shape[2]
        if cvim.dtype.name not in CHANNEL_TYPES:
            raise CvBridgeError(f"arrays of {cvim.dtype} are not supported; choices: {', '.join(CHANNEL_TYPES)}")
        kind = f"{CHANNEL_TYPES[cvim.dtype.name]}C{channels}"
        if encoding == "passthrough":
            encoding = kind
        elif self.encoding_to_dtype_with_channels(encoding) != (cvim.dtype.name, channels):
            raise CvBridgeError(f"encoding specified as {encoding}, but image has incompatible type {kind}")
        data = array("B")
        # Handed over as one buffer: assigning an ndarray to the field would check every byte (270 ms per 1.2 MB).
        data.frombytes(np.ascontiguousarray(cvim).reshape(-1).view(np.uint8).data)
        is_bigendian = cvim.dtype.itemsize > 1 and cvim.dtype == cvim.dtype.newbyteorder(">")
        return Image(header=header or Header(), height=cvim.shape[0], width=cvim.shape[1], encoding=encoding,
                     is_bigendian=is_bigendian, step=cvim.shape[1] * channels * cvim.dtype.itemsize, data=data)

    def compressed_imgmsg_to_cv2(self, cmprs_img_msg: CompressedImage,
                                 desired_encoding: str = "passthrough") -> np.ndarray:
        """Array [H, W] (grey) or [H, W, 3] (BGR) of a JPEG or PNG, or converted to `desired_encoding`."""
        image = cv2.imdecode(np.frombuffer(cmprs_img_msg.data, np.uint8), cv2.IMREAD_ANYCOLOR)
        if image is None:
            raise CvBridgeError(f"{len(cmprs_img_msg.data)} bytes of format {cmprs_img_msg.format!r} can't be decoded")
        if desired_encoding == "passthrough":
            return image
        return self._convert(image, "mono8" if image.ndim == 2 else "bgr8", desired_encoding)

    def _convert(self, image: np.ndarray, encoding: str, desired_encoding: str) -> np.ndarray:
        unnamed = encoding.startswith("8UC")            # channels without an order are taken for the one that is asked for
        if encoding == desired_encoding or unnamed and (
                self.encoding_to_dtype_with_channels(encoding) == self.encoding_to_dtype_with_channels(desired_encoding)):
            return image
        source = ENCODINGS.get(encoding)
        if source is None or desired_encoding not in FROM_RGB or encoding in GREY and encoding != "mono16":
            raise CvBridgeError(f"{encoding!r} can't become {desired_encoding!r}: choose from {', '.join(FROM_RGB)}, of colours")
        if source.dtype != np.uint8:
            image = cv2.convertScaleAbs(image, alpha=255 / np.iinfo(source.dtype).max)
        try:
            rgb = image if source.to_rgb is None else cv2.cvtColor(image, source.to_rgb)
            code = FROM_RGB[desired_encoding]
            return rgb if code is None else cv2.cvtColor(rgb, code)
        except cv2.error as error:
            raise CvBridgeError(f"{encoding!r} of {image.shape[1]}x{image.shape[0]} can't become "
                                f"{desired_encoding!r}: {error}") from error
