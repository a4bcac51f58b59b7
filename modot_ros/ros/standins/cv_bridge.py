# SPDX-License-Identifier: Apache-2.0
"""Stand-in for the distribution's `cv_bridge` (vision_opencv): same names, same results.

Reading the buffer is done here, converting colours by rosbags-image, which knows every encoding cv_bridge does.
"""
from __future__ import annotations

import sys
from array import array

import cv2
import numpy as np
from rosbags.image.image import Format, ImageError, convert_color, to_cvtype
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

CHANNEL_TYPES = {"uint8": "8U", "int8": "8S", "uint16": "16U", "int16": "16S", "int32": "32S", "float32": "32F",
                 "float64": "64F"}
SEMI_PLANAR = (Format.YUV_NV12, Format.YUV_NV21)        # a plane of luma, then one of half its height with both chromas


class CvBridgeError(TypeError):
    """A picture that can't be converted; the message names the value."""


class CvBridge:
    """Images between messages and arrays."""

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Type of one value and values per pixel: "bgr8" -> ("uint8", 3). CvBridgeError when unknown."""
        try:
            _, _, dtype, channels = to_cvtype(encoding)
        except ImageError as error:
            raise CvBridgeError(f"encoding {encoding!r} is not supported") from error
        if not 1 <= channels <= 4:
            raise CvBridgeError(f"encoding {encoding!r} has {channels} channels; 1 to 4 are supported")
        return dtype, channels

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> np.ndarray:
        """Array [H, W] or [H, W, C] of the message's type, or converted to `desired_encoding`.

        Padding of the rows is dropped and the byte order made this machine's. Without either, and without a
        conversion, the array is a view of the message. Semi-planar YUV (nv12, nv21) has H * 3 / 2 rows.
        """
        dtype, channels = self.encoding_to_dtype_with_channels(img_msg.encoding)
        dtype = np.dtype(dtype)
        rows = img_msg.height
        if to_cvtype(img_msg.encoding)[1] in SEMI_PLANAR:
            rows += rows // 2
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
        try:
            return convert_color(image, encoding, desired_encoding)
        except (ImageError, cv2.error) as error:
            raise CvBridgeError(f"{encoding!r} of {image.shape[1]}x{image.shape[0]} can't become "
                                f"{desired_encoding!r}: {error}") from error
