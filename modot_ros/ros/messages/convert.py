# SPDX-License-Identifier: Apache-2.0
"""Messages to arrays and back.

Whatever a camera may send becomes uint8 rgb [H, W, 3] or int32 labels [H, W], or a BadFrame that says what is
wrong. Arrays become messages by copying their bytes: assigning an array to a uint8[] field takes 270 ms per
megabyte.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from rclpy.logging import get_logger
from sensor_msgs.msg import CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header

from modot_ros.msg import DepthOrder, Instance, OcclusionOrder, OrderGraph
from modot_ros.prediction import OrderGraph as Graph
from modot_ros.ros.compat import point_cloud2
from modot_ros.ros.messages.encodings import DEPTH_LIKE, ENCODINGS, encoding_of_decoded, rgb_of_pixels
from modot_ros.ros.messages.video_packets import VideoPackets, codec_of, why_no_picture
from modot_ros.scene.image_decoding import TooLarge, decode
from modot_ros.scene.tone import Tone

LABEL_TYPES = {"mono8": np.uint8, "8UC1": np.uint8, "mono16": np.uint16, "16UC1": np.uint16,
               "32SC1": np.int32}
IMAGE_TYPES = {"rgb8": np.uint8, "mono8": np.uint8, "16UC1": np.uint16, "32FC1": np.float32}

MILLIMETRES_MAX = 65535


class BadFrame(ValueError):
    """A frame that can't be used. `reason` is the short word that it is counted under."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def check_image(message: Image, encodings: Collection[str]) -> None:
    """BadFrame unless encoding, size, step and length of the data fit together. encodings: those that may be, of ENCODINGS
    and LABEL_TYPES."""
    name, width, height = message.encoding, message.width, message.height
    if name not in encodings:
        raise BadFrame("encoding", f"encoding {name!r} is not supported: choose from {', '.join(encodings)}")
    if width == 0 or height == 0:
        raise BadFrame("size", f"image is {width}x{height}: it has no pixels")
    row_bytes = width * (ENCODINGS[name].bytes_per_pixel if name in ENCODINGS else np.dtype(LABEL_TYPES[name]).itemsize)
    if message.step < row_bytes:
        raise BadFrame("step", f"step is {message.step} bytes: a row of {width} {name} pixels needs {row_bytes}")
    expected = message.step * _rows(message)
    if len(message.data) < expected:
        raise BadFrame("truncated", f"data has {len(message.data)} bytes: {width}x{height} {name} with "
                       f"rows of {message.step} has {expected}")


def _rows(message: Image) -> int:
    encoding = ENCODINGS.get(message.encoding)
    return message.height if encoding is None else int(message.height * encoding.rows_per_row)


def pixels(message: Image, dtype: np.dtype, channels: int = 1) -> np.ndarray:
    """View [H, W, channels] ([H, W] for one) of a checked image's data in its byte order, without padding."""
    dtype = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    view = np.ndarray((_rows(message), message.width, channels), dtype, buffer=message.data,
                      strides=(message.step, channels * dtype.itemsize, dtype.itemsize))
    return view if channels > 1 else view[..., 0]


def rgb_of(message: Image | CompressedImage, tone: Tone | None = None) -> np.ndarray:
    """uint8 [H, W, 3], red first, contiguous. Raises BadFrame.

    tone: of this camera, which keeps the range of pictures of more than 8 bits steady; None = the picture's own range
    """
    tone = Tone() if tone is None else tone
    if isinstance(message, CompressedImage):
        return _rgb_of_compressed(message, tone)
    check_image(message, ENCODINGS)
    encoding = ENCODINGS[message.encoding]
    return _rgb_of_pixels(pixels(message, encoding.dtype, encoding.channels), message.encoding, tone)


def _rgb_of_pixels(values: np.ndarray, encoding: str, tone: Tone) -> np.ndarray:
    if encoding not in ENCODINGS:
        raise BadFrame("encoding", f"picture is {values.dtype} {list(values.shape)}: choose from {', '.join(ENCODINGS)}")
    if encoding in DEPTH_LIKE:
        _warn_of_depth(encoding)
    try:
        return rgb_of_pixels(values, encoding, tone)
    except cv2.error as error:
        raise BadFrame("encoding", f"encoding {encoding!r}, {values.shape[1]}x{values.shape[0]}, cannot be "
                       f"converted: {error}") from error


@cache
def _warn_of_depth(encoding: str) -> None:
    """Once for every encoding."""
    get_logger("modot_ros").warning(f"images come as {encoding!r}, which is what thermal cameras and depth images "
                                    f"({', '.join(DEPTH_LIKE)}) have: they are taken as grey pictures and scaled by their range. "
                                    "If this is depth, remap `image` to the camera's picture")


def _rgb_of_compressed(message: CompressedImage, tone: Tone) -> np.ndarray:
    text = f"compressed image ({message.format!r}, {len(message.data)} bytes)"
    if "compressedDepth" in message.format:
        raise BadFrame("encoding", f"{text} holds depth, not a picture")
    if not message.data:
        raise BadFrame("size", f"{text} is empty")
    codec = codec_of(message.format, message.data)
    if codec is not None:
        raise BadFrame("video", f"{text} {why_no_picture(codec)}")
    try:
        picture = decode(bytes(message.data), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
    except ValueError as error:
        raise BadFrame("size" if isinstance(error, TooLarge) else "truncated", f"{text} {error}") from error
    return _rgb_of_pixels(picture, encoding_of_decoded(picture, message.format), tone)


def coded_image(message: Any) -> Image | CompressedImage:
    """The CompressedImage of an FFMPEGPacket (ffmpeg_image_transport_msgs) or a CompressedVideo (foxglove_msgs); others as they
    are. Told by their fields, for the packages need not be installed."""
    if hasattr(message, "timestamp"):
        return CompressedImage(header=Header(stamp=message.timestamp, frame_id=message.frame_id), format=message.format,
                               data=message.data)
    if hasattr(message, "pts"):
        return CompressedImage(header=message.header, format=message.encoding, data=message.data)
    return message


def picture_of_video(message: Image | CompressedImage, packets: VideoPackets) -> Image | CompressedImage:
    """The Image that a packet of video completes; any other message, and a packet that gives no picture, as it is."""
    codec = codec_of(message.format, message.data) if isinstance(message, CompressedImage) else None
    decoded = None if codec is None else packets.decode(codec, message.data, message.header)
    return message if decoded is None else image_message(decoded[0], "rgb8", decoded[1])


def labels_of(message: Image, shape: tuple[int, int]) -> np.ndarray:
    """int32 [H, W], 0 = background, of a label image for a picture of `shape` (H, W). Raises BadFrame."""
    try:
        check_image(message, LABEL_TYPES)
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
    if low > 0 and (near := depth < low).any():
        depth = np.where(near, np.float32(-np.inf), depth)
    if high > 0 and (far := depth > high).any():
        depth = np.where(far, np.float32(np.inf), depth)
    return depth


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
