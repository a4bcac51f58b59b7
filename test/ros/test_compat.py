# SPDX-License-Identifier: Apache-2.0
"""The same tests hold for the distribution's packages and for the stand-ins; both run where both exist."""
from __future__ import annotations

import importlib
import os
import subprocess
import sys
from array import array

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image, PointField
from std_msgs.msg import Header

from modot_ros.ros import compat


def both(stand_in: str, distribution: str) -> list:
    """The stand-in and, where it is importable, what it stands in for."""
    modules = [pytest.param(importlib.import_module(f"modot_ros.ros.standins.{stand_in}"), id="standin")]
    try:
        modules.append(pytest.param(importlib.import_module(distribution), id="distribution"))
    except ImportError:
        pass
    return modules


BRIDGES = both("cv_bridge", "cv_bridge")
FILTERS = both("message_filters", "message_filters")
CLOUDS = both("point_cloud2", "sensor_msgs_py.point_cloud2")


def image(pixels: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False, **changes) -> Image:
    """Message of an array [H, W, ...] with `padding` bytes of 0xff behind each row."""
    height, width = pixels.shape[:2]
    if big_endian:
        pixels = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    fields = dict(height=height, width=width, encoding=encoding, step=rows.shape[1], is_bigendian=big_endian,
                  data=array("B", rows.tobytes()))
    return Image(**{**fields, **changes})


RED_GREEN = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)    # RGB


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("encoding, pixels", [
    ("rgb8", RED_GREEN),
    ("bgr8", RED_GREEN[..., ::-1]),
    ("rgba8", np.dstack([RED_GREEN, [[7, 9]]]).astype(np.uint8)),
    ("bgra8", np.dstack([RED_GREEN[..., ::-1], [[7, 9]]]).astype(np.uint8)),
    ("rgb16", RED_GREEN.astype(np.uint16) * 257),
    ("8UC3", RED_GREEN),
])
def test_colours_become_rgb(bridge, encoding, pixels):
    assert np.array_equal(bridge.CvBridge().imgmsg_to_cv2(image(pixels, encoding), "rgb8"), RED_GREEN)


@pytest.mark.parametrize("bridge", BRIDGES)
def test_grey_becomes_three_equal_channels(bridge):
    rgb = bridge.CvBridge().imgmsg_to_cv2(image(np.array([[0, 10], [200, 255]], np.uint8), "mono8"), "rgb8")
    assert rgb[..., 0].tolist() == rgb[..., 2].tolist() == [[0, 10], [200, 255]]


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("encoding, red_at", [("bayer_rggb8", (0, 0)), ("bayer_grbg8", (0, 1)),
                                              ("bayer_gbrg8", (1, 0)), ("bayer_bggr8", (1, 1))])
def test_bayer_mosaic_of_a_red_wall_is_red(bridge, encoding, red_at):
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[red_at[0]::2, red_at[1]::2] = 200
    assert bridge.CvBridge().imgmsg_to_cv2(image(mosaic, encoding), "rgb8")[4, 4].tolist() == [200, 0, 0]


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("encoding, pixel", [("yuv422", (128, 235)), ("yuv422_yuy2", (235, 128))])
def test_yuv422_white_is_white(bridge, encoding, pixel):
    white = np.broadcast_to(np.array(pixel, np.uint8), (2, 4, 2))
    assert np.abs(bridge.CvBridge().imgmsg_to_cv2(image(white, encoding), "rgb8").astype(int) - 255).max() <= 1


@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_semi_planar_yuv_keeps_the_height_of_the_picture(encoding):
    planes = np.vstack([np.full((4, 6), 235, np.uint8), np.full((2, 6), 128, np.uint8)])
    rgb = compat.CvBridge().imgmsg_to_cv2(image(planes, encoding, height=4), "rgb8")
    assert rgb.shape == (4, 6, 3) and rgb.min() >= 254


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 3, 8])
@pytest.mark.parametrize("encoding, dtype, shape", [("32FC1", np.float32, (3, 5)), ("16UC1", np.uint16, (3, 5)),
                                                    ("rgb8", np.uint8, (3, 5, 3)), ("32SC1", np.int32, (3, 5))])
def test_padding_and_byte_order_leave_no_trace(bridge, encoding, dtype, shape, padding, big_endian):
    if bridge.__name__ == "cv_bridge" and padding % np.dtype(dtype).itemsize:
        pytest.skip("cv_bridge takes padding in whole values only")
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    read = bridge.CvBridge().imgmsg_to_cv2(image(pixels, encoding, padding, big_endian))
    assert read.dtype.newbyteorder("=") == dtype and np.array_equal(read, pixels)


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("encoding, pixels", [
    ("rgb8", RED_GREEN), ("mono8", np.eye(4, dtype=np.uint8)), ("16UC1", np.full((2, 3), 40000, np.uint16)),
    ("32FC1", np.array([[np.nan, np.inf], [0.5, 2]], np.float32))])
def test_written_message_reads_back(bridge, encoding, pixels):
    header = Header(frame_id="camera")
    message = bridge.CvBridge().cv2_to_imgmsg(pixels[:, ::-1], encoding, header=header)
    assert (message.height, message.width, message.encoding) == (*pixels.shape[:2], encoding)
    assert message.header == header and message.is_bigendian == 0
    assert message.step * message.height == len(message.data) == pixels.nbytes
    assert np.array_equal(bridge.CvBridge().imgmsg_to_cv2(message), pixels[:, ::-1], equal_nan=encoding == "32FC1")


@pytest.mark.parametrize("bridge", BRIDGES)
def test_written_message_says_its_byte_order(bridge):
    message = bridge.CvBridge().cv2_to_imgmsg(np.array([[1, 2]], ">u2"))
    assert message.is_bigendian and bytes(message.data) == b"\0\1\0\2"


@pytest.mark.parametrize("bridge", BRIDGES)
def test_array_that_does_not_fit_its_encoding_is_refused(bridge):
    with pytest.raises(bridge.CvBridgeError, match="rgb8.*8UC1"):
        bridge.CvBridge().cv2_to_imgmsg(np.zeros((2, 2), np.uint8), "rgb8")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("grey", [False, True])
def test_compressed_pictures_become_rgb(suffix, grey):
    bgr = np.full((16, 16), 90, np.uint8) if grey else np.full((16, 16, 3), (10, 90, 200), np.uint8)
    data = cv2.imencode(suffix, bgr)[1].tobytes()
    rgb = compat.CvBridge().compressed_imgmsg_to_cv2(CompressedImage(format=suffix[1:], data=data), "rgb8")
    assert np.abs(rgb[8, 8].astype(int) - ((90, 90, 90) if grey else (200, 90, 10))).max() <= 3


GOOD = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize("message, says", [
    (image(GOOD, "rgb7"), "rgb7"),
    (image(GOOD, ""), "''"),
    (image(GOOD, "8UC0"), "8UC0"),
    (image(GOOD, "rgb8", height=0), "6x0 rgb8"),
    (image(GOOD, "rgb8", width=0), "0x4 rgb8"),
    (image(GOOD, "rgb8", step=17), "step 17.* 18 bytes"),
    (image(GOOD, "rgb8", step=0), "step 0"),
    (image(GOOD, "rgb8", data=array("B", bytes(71))), "71 bytes.* needs 72"),
    (image(GOOD, "rgb8", data=array("B")), "0 bytes.* needs 72"),
    (image(GOOD, "rgb8", width=2**31, step=2**32 - 1), "2147483648x4"),
    (image(GOOD[..., 0], "nv12"), "4 rows|6x4 nv12"),
    (image(GOOD[:, :5, :2], "yuv422"), "5x4"),
])
def test_bad_picture_is_refused_with_its_value(message, says):
    with pytest.raises(compat.CvBridgeError, match=says):
        compat.CvBridge().imgmsg_to_cv2(message, "rgb8")


def test_impossible_conversion_is_refused_with_both_encodings():
    with pytest.raises(compat.CvBridgeError, match="(?s)32FC1.*rgb8|rgb8.*32FC1"):
        compat.CvBridge().imgmsg_to_cv2(image(np.zeros((2, 2), np.float32), "32FC1"), "rgb8")


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off"])
def test_undecodable_compressed_picture_is_refused(data):
    with pytest.raises(compat.CvBridgeError, match=f"{len(data)} bytes.*jpeg"):
        compat.CvBridge().compressed_imgmsg_to_cv2(CompressedImage(format="jpeg", data=data), "rgb8")


class Stamped:
    """A message with nothing but a stamp in seconds."""

    def __init__(self, stamp_s: float):
        self.stamp_s = stamp_s
        self.header = Header(stamp=Time(sec=int(stamp_s), nanosec=round(stamp_s % 1 * 1e9)))


def synchronise(filters, make, stream):
    """Sets of stamps that a synchroniser of two inputs signals for a stream of (input, stamp)."""
    inputs, sets = (filters.SimpleFilter(), filters.SimpleFilter()), []
    make(inputs).registerCallback(lambda *messages: sets.append(tuple(m.stamp_s for m in messages)))
    for index, stamp_s in stream:
        inputs[index].signalMessage(Stamped(stamp_s))
    return sets


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("stream, sets", [
    ([(0, 1.0), (1, 1.0), (1, 2.0), (0, 2.0)], [(1.0, 1.0), (2.0, 2.0)]),
    ([(0, 1.0), (1, 1.001)], []),
    ([(0, 1.0), (0, 2.0), (0, 3.0), (1, 1.0)], []),     # only two are kept
    ([(0, 1.0), (0, 2.0), (1, 1.0), (1, 2.0)], [(1.0, 1.0), (2.0, 2.0)]),
    ([(0, 8.0), (0, 9.0), (0, 1.0), (1, 1.0)], []),     # older than the two that are kept
])
def test_equal_stamps_make_a_set(filters, stream, sets):
    assert synchronise(filters, lambda inputs: filters.TimeSynchronizer(inputs, 2), stream) == sets


def fields(names: str, datatype: int = PointField.FLOAT32, size: int = 4, start: int = 0) -> list[PointField]:
    return [PointField(name=name, offset=start + size * i, datatype=datatype, count=1)
            for i, name in enumerate(names)]


@pytest.mark.parametrize("clouds", CLOUDS)
def test_plain_numbers_become_a_cloud(clouds):
    points = np.array([[1, 2, 3], [4, np.nan, 6]], np.float32)
    cloud = clouds.create_cloud(Header(frame_id="optical"), fields("xyz"), points)
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (1, 2, 12, 24)
    assert not cloud.is_dense and cloud.is_bigendian == (sys.byteorder == "big")
    assert bytes(cloud.data) == points.tobytes() and cloud.header.frame_id == "optical"


@pytest.mark.parametrize("clouds", CLOUDS)
def test_records_become_a_cloud(clouds):
    layout = fields("xyz") + fields("c", PointField.UINT32, start=12)
    records = np.zeros((2, 3), clouds.dtype_from_fields(layout))
    records["c"] = 0xFF8040
    cloud = clouds.create_cloud(Header(), layout, records)
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (2, 3, 16, 48)
    assert bytes(cloud.data) == records.tobytes()


@pytest.mark.parametrize("clouds", CLOUDS)
def test_no_points_become_an_empty_cloud(clouds):
    cloud = clouds.create_cloud(Header(), fields("xyz"), np.zeros((0, 3), np.float32))
    assert (cloud.width, cloud.point_step, len(cloud.data)) == (0, 12, 0)


@pytest.mark.parametrize("points", [np.zeros((4, 2), np.float32), np.zeros(4, [("x", "<f8")])])
def test_points_that_do_not_fit_the_fields_are_refused(points):
    from modot_ros.ros.standins import point_cloud2
    with pytest.raises(ValueError, match="do not fit the fields"):
        point_cloud2.create_cloud(Header(), fields("xyz"), points)


BROKEN = {                                              # as apt's cv_bridge fails beside NumPy 2
    "on import": "raise ImportError('numpy.core.multiarray failed to import')",
    "on import, otherwise": "raise AttributeError('_ARRAY_API not found')",
    "on use": """
class CvBridgeError(TypeError): pass
class CvBridge:
    def imgmsg_to_cv2(self, message, encoding="passthrough"):
        from cv_bridge.boost.cv_bridge_boost import getCvType
""",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_cv_bridge_counts_as_missing_and_is_said_once(tmp_path, source):
    (tmp_path / "cv_bridge").mkdir()
    (tmp_path / "cv_bridge" / "__init__.py").write_text(source)
    program = """
import modot_ros.ros.messages.convert
from modot_ros.ros import compat
from sensor_msgs.msg import Image
for _ in range(3):
    print(compat.CvBridge().imgmsg_to_cv2(Image(height=1, width=2, encoding="bgr8", step=6, data=bytes([1, 2, 3] * 2)), "rgb8"))
"""
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[3 2 1]") == 6
    assert (done.stdout + done.stderr).count("cv_bridge does not work") == 1
