# SPDX-License-Identifier: Apache-2.0
"""Messages to arrays and back.

Whatever a camera may send becomes uint8 rgb [H, W, 3] or int32 labels [H, W], or a BadFrame that says what is
wrong. Arrays become messages by copying their bytes: assigning an array to a uint8[] field takes 270 ms per
megabyte.
"""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header

from modot_ros.msg import DepthOrder, Instance, OcclusionOrder, OrderGraph
from modot_ros.prediction import OrderGraph as Graph
from modot_ros.ros.compat import CvBridge, CvBridgeError, point_cloud2
from modot_ros.scene.image_decoding import decode

# Bytes per pixel of the encodings a camera image may have.
BYTES_PER_PIXEL = {
    "rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1, "8UC3": 3, "8UC4": 4,
    "rgb16": 6, "bgr16": 6, "rgba16": 8, "bgra16": 8, "mono16": 2,
    "bayer_rggb8": 1, "bayer_bggr8": 1, "bayer_gbrg8": 1, "bayer_grbg8": 1,
    "bayer_rggb16": 2, "bayer_bggr16": 2, "bayer_gbrg16": 2, "bayer_grbg16": 2,
    "uyvy": 2, "yuyv": 2, "yuv422": 2, "yuv422_yuy2": 2, "nv12": 1, "nv21": 1,
}
ROWS_PER_ROW = {"nv12": 1.5, "nv21": 1.5}               # a plane of colour below the plane of brightness
SAME_AS = {"8UC1": "mono8", "8UC3": "bgr8", "8UC4": "bgra8"}    # OpenCV's order of channels

LABEL_TYPES = {"mono8": np.uint8, "8UC1": np.uint8, "mono16": np.uint16, "16UC1": np.uint16,
               "32SC1": np.int32}
IMAGE_TYPES = {"rgb8": np.uint8, "mono8": np.uint8, "16UC1": np.uint16, "32FC1": np.float32}

MILLIMETRES_MAX = 65535


class BadFrame(ValueError):
    """A frame that can't be used. `reason` is the short word that it is counted under."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def check_image(message: Image, bytes_per_pixel: dict[str, int]) -> None:
    """BadFrame unless encoding, size, step and length of the data fit together."""
    encoding, width, height = message.encoding, message.width, message.height
    if encoding not in bytes_per_pixel:
        raise BadFrame("encoding", f"encoding {encoding!r} is not supported: choose from "
                       f"{', '.join(bytes_per_pixel)}")
    if width == 0 or height == 0:
        raise BadFrame("size", f"image is {width}x{height}: it has no pixels")
    if message.step < width * bytes_per_pixel[encoding]:
        raise BadFrame("step", f"step is {message.step} bytes: a row of {width} {encoding} pixels needs "
                       f"{width * bytes_per_pixel[encoding]}")
    expected = int(message.step * height * ROWS_PER_ROW.get(encoding, 1))
    if len(message.data) < expected:
        raise BadFrame("truncated", f"data has {len(message.data)} bytes: {width}x{height} {encoding} with "
                       f"rows of {message.step} has {expected}")


def pixels(message: Image, dtype: np.dtype, channels: int = 1) -> np.ndarray:
    """View [H, W, channels] ([H, W] for one) of a checked image's data in its byte order, without padding."""
    dtype = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    view = np.ndarray((message.height, message.width, channels), dtype, buffer=message.data,
                      strides=(message.step, channels * dtype.itemsize, dtype.itemsize))
    return view if channels > 1 else view[..., 0]


def rgb_of(message: Image | CompressedImage) -> np.ndarray:
    """uint8 [H, W, 3], red first, contiguous. Raises BadFrame."""
    if isinstance(message, CompressedImage):
        return _rgb_of_compressed(message)
    check_image(message, BYTES_PER_PIXEL)
    encoding = SAME_AS.get(message.encoding, message.encoding)
    if encoding == "rgb8":
        return np.ascontiguousarray(pixels(message, np.uint8, 3))
    if encoding == "bgr8":
        return cv2.cvtColor(pixels(message, np.uint8, 3), cv2.COLOR_BGR2RGB)
    renamed = Image(header=message.header, height=message.height, width=message.width, encoding=encoding,
                    is_bigendian=message.is_bigendian, step=message.step)
    renamed.data = message.data
    try:
        return np.ascontiguousarray(CvBridge().imgmsg_to_cv2(renamed, "rgb8"))
    except CvBridgeError as error:
        raise BadFrame("encoding", f"encoding {message.encoding!r}, {message.width}x{message.height}, cannot "
                       f"be converted: {error}") from error


def _rgb_of_compressed(message: CompressedImage) -> np.ndarray:
    text = f"compressed image ({message.format!r}, {len(message.data)} bytes)"
    if "compressedDepth" in message.format:
        raise BadFrame("encoding", f"{text} holds depth, not a picture")
    if not message.data:
        raise BadFrame("size", f"{text} is empty")
    try:
        picture = decode(bytes(message.data), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except ValueError as error:
        raise BadFrame("truncated", f"{text} {error}") from error
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def labels_of(message: Image, shape: tuple[int, int]) -> np.ndarray:
    """int32 [H, W], 0 = background, of a label image for a picture of `shape` (H, W). Raises BadFrame."""
    try:
        check_image(message, {encoding: np.dtype(dtype).itemsize for encoding, dtype in LABEL_TYPES.items()})
    except BadFrame as error:
        raise BadFrame("labels", f"label image: {error}") from error
    if (message.height, message.width) != shape:
        raise BadFrame("labels", f"label image is {message.width}x{message.height}, the image "
                       f"{shape[1]}x{shape[0]}: they must be of one size")
    return pixels(message, LABEL_TYPES[message.encoding]).astype(np.int32)


def image_message(array: np.ndarray, encoding: str, header: Header) -> Image:
    """Image of an array [H, W] or [H, W, 3]; its type must be the encoding's, one of IMAGE_TYPES."""
    if array.dtype != IMAGE_TYPES[encoding]:
        raise ValueError(f"array is {array.dtype}: {encoding} needs {np.dtype(IMAGE_TYPES[encoding])}")
    array = np.ascontiguousarray(array)
    message = Image(header=header, height=array.shape[0], width=array.shape[1], encoding=encoding,
                    is_bigendian=0, step=array.nbytes // array.shape[0])
    message.data.frombytes(memoryview(array).cast("B"))
    return message


def in_range(depth: np.ndarray, low: float, high: float) -> np.ndarray:
    """Depth with -inf below `low` and +inf above `high` (0 = no limit), NaN kept (REP 117)."""
    if low > 0:
        depth = np.where(depth < low, np.float32(-np.inf), depth)
    return np.where(depth > high, np.float32(np.inf), depth) if high > 0 else depth


def millimetres(depth_m: np.ndarray) -> np.ndarray:
    """uint16 [H, W] of float32 metres; 0 for what is not finite, not positive or does not fit (REP 118)."""
    depth_mm = depth_m * np.float32(1000) + np.float32(0.5)
    fits = (depth_mm >= 1) & (depth_mm < MILLIMETRES_MAX + 1)
    return np.where(fits, depth_mm, np.float32(0)).astype(np.uint16)


def cloud_message(points: np.ndarray, names: Sequence[str], header: Header) -> PointCloud2:
    """Unorganised cloud of float32 [N, len(names)]. A field "rgb" holds colours as of `packed_rgb`."""
    fields = [PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
              for i, name in enumerate(names)]
    return point_cloud2.create_cloud(header, fields, np.ascontiguousarray(points, np.float32))


def packed_rgb(rgb: np.ndarray) -> np.ndarray:
    """float32 [N] whose bits are 0x00RRGGBB, of uint8 [N, 3]: how PointCloud2 carries colour."""
    bits = np.zeros((len(rgb), 4), np.uint8)
    bits[:, :3] = rgb[:, ::-1]
    return bits.view("<f4")[:, 0]


def order_graph_message(graph: Graph, header: Header, min_confidence: float = 0.0) -> OrderGraph:
    """The graph without the relations below `min_confidence`; instances all stay."""
    return OrderGraph(
        header=header, method=graph.method,
        instances=[Instance(**vars(one)) for one in graph.instances],
        occlusions=[OcclusionOrder(**vars(one)) for one in graph.occlusions
                    if one.confidence >= min_confidence],
        depths=[DepthOrder(near=one.near, far=one.far, equal=one.equal, overlapping=one.overlapping,
                           confidence=one.confidence)
                for one in graph.depths if one.confidence >= min_confidence])
