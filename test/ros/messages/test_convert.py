# SPDX-License-Identifier: Apache-2.0
from array import array
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from modot_ros.msg import OrderGraph as OrderGraphMessage
from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph
from modot_ros.ros.messages import convert
from modot_ros.ros.messages.convert import (
    BadFrame,
    cloud_message,
    image_message,
    in_range,
    labels_of,
    millimetres,
    order_graph_message,
    packed_rgb,
    rgb_of,
)
from modot_ros.ros.messages.encodings import ENCODINGS
from modot_ros.scene.tone import Tone

RED, GREY = (200, 30, 10), (90, 90, 90)
HEADER = Header(frame_id="camera")


def message_of(array_, encoding, **changes):
    """Image of an array [H, W, ...] whose rows are followed by `padding` bytes."""
    padding = changes.pop("padding", 0)
    rows = np.ascontiguousarray(array_).reshape(array_.shape[0], -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    message = Image(height=array_.shape[0], width=array_.shape[1], encoding=encoding, step=rows.shape[1],
                    data=array("B", rows.tobytes()))
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def flat(colour, dtype=np.uint8):
    return np.broadcast_to(np.array(colour, dtype), (6, 8, len(colour)))


@pytest.mark.parametrize("encoding, colour, expected", [
    ("rgb8", RED, RED), ("bgr8", RED[::-1], RED),
    ("rgba8", (*RED, 255), RED), ("bgra8", (*RED[::-1], 255), RED),
    ("8UC3", RED[::-1], RED), ("8UC4", (*RED[::-1], 255), RED), ("mono8", (90,), GREY), ("8UC1", (90,), GREY),
    ("yuv422", (128, 90), (90, 90, 90)), ("yuv422_yuy2", (90, 128), (90, 90, 90))])
def test_encodings_of_eight_bits(encoding, colour, expected):
    rgb = rgb_of(message_of(flat(colour), encoding, padding=5))
    assert rgb.shape == (6, 8, 3) and rgb.dtype == np.uint8 and rgb.flags.c_contiguous
    tolerance = 16 if encoding.startswith("yuv") else 0     # their brightness has another range
    assert np.abs(rgb.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("bigendian", (False, True))
def test_sixteen_bits_of_either_byte_order_become_eight(bigendian):
    values = flat([256 * value for value in RED], ">u2" if bigendian else "<u2")
    rgb = rgb_of(message_of(values, "rgb16", is_bigendian=int(bigendian), padding=2))
    assert np.abs(rgb.astype(int) - RED).max() <= 1


def test_a_bayer_mosaic_of_one_colour_gives_that_colour():
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[::2, ::2], mosaic[::2, 1::2], mosaic[1::2, ::2], mosaic[1::2, 1::2] = 200, 30, 30, 10
    assert rgb_of(message_of(mosaic, "bayer_rggb8"))[4, 4].tolist() == list(RED)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_that_is_offered_works(encoding):
    rows = int(8 * ENCODINGS[encoding].rows_per_row)
    data = np.full((rows, 8 * ENCODINGS[encoding].bytes_per_pixel), 60, np.uint8)
    rgb = rgb_of(message_of(data, encoding, width=8, height=8))
    assert rgb.shape == (8, 8, 3)


@pytest.mark.parametrize("changes, reason, words", [
    ({"encoding": "32FC3"}, "encoding", "'32FC3'.*rgb8"), ({"encoding": ""}, "encoding", "''"),
    ({"width": 0}, "size", "0x6"), ({"height": 0}, "size", "8x0"), ({"step": 23}, "step", "23.*24"),
    ({"step": 25}, "truncated", "144 bytes.*150"), ({"height": 7}, "truncated", "144 bytes.*168"),
    ({"width": 2**32 - 1}, "step", "4294967295"), ({"data": array("B")}, "truncated", "0 bytes")])
def test_images_that_contradict_themselves_are_named(changes, reason, words):
    with pytest.raises(BadFrame, match=words) as caught:
        rgb_of(message_of(flat(RED), **{"encoding": "rgb8", **changes}))
    assert caught.value.reason == reason


@pytest.mark.parametrize("ending", ("jpg", "png"))
def test_compressed_images(ending):
    data = cv2.imencode(f".{ending}", np.ascontiguousarray(flat(RED)[..., ::-1]))[1].tobytes()
    rgb = rgb_of(CompressedImage(format=f"rgb8; {ending} compressed bgr8", data=array("B", data)))
    assert rgb.shape == (6, 8, 3) and np.abs(rgb.astype(int) - RED).max() <= 3


def bgr_scene(dtype=np.uint8) -> np.ndarray:
    """[48, 64, 3] with a red, a green and a blue part, blue first."""
    picture = np.zeros((48, 64, 3), dtype)
    picture[:16, :, 2], picture[16:32, :, 1], picture[32:, :, 0] = 200, 200, 200
    return picture


@pytest.mark.parametrize("encoding", ("rgb16", "bgr16", "rgba16", "mono16", "bayer_rggb16", "bayer_gbrg16"))
def test_twelve_bits_in_sixteen_are_not_black(encoding):
    eight = np.linspace(0, 255, 48 * 64).reshape(48, 64)
    channels = ENCODINGS[encoding].channels
    values = np.repeat((eight * 16).astype("<u2")[..., None], channels, -1)
    values[..., 3:] = 65535                             # alpha
    rgb = rgb_of(message_of(values, encoding))
    assert np.abs(rgb.astype(int) - eight[..., None]).max() <= 8


def test_the_range_of_a_camera_is_steady_from_frame_to_frame():
    tone = Tone()
    bright, dark = (message_of(flat([level] * 3, "<u2"), "rgb16") for level in (4000, 1000))
    rgb_of(bright, tone)
    assert rgb_of(dark, tone).max() == round(255 * 1000 / 4095)
    assert rgb_of(dark).max() == round(255 * 1000 / 1023)


@pytest.mark.parametrize("encoding, values", [
    ("16UC1", np.linspace(29000, 31000, 48 * 64).astype("<u2")), ("32FC1", np.linspace(-5, 35, 48 * 64).astype("<f4")),
    ("mono16", np.linspace(29000, 31000, 48 * 64).astype("<u2"))])
def test_a_thermal_picture_uses_all_greys(encoding, values):
    rgb = rgb_of(message_of(values.reshape(48, 64), encoding, padding=4))
    assert rgb.min() == 0 and rgb.max() == 255 and abs(float(rgb.mean()) - 127.5) < 2
    assert (rgb[..., 0] == rgb[..., 2]).all()


def test_encodings_of_depth_are_named_in_a_warning_once(capfd):
    convert._warn_of_depth.cache_clear()
    for _ in range(2):
        rgb_of(message_of(np.full((6, 8), 1500, "<u2"), "16UC1"))
    said = capfd.readouterr()
    assert (said.out + said.err).count("'16UC1'") == 1 and "remap `image`" in said.out + said.err


def test_values_that_are_not_finite_are_black():
    values = np.full((6, 8), 20.0, np.float32)
    values[0, 0], values[0, 1], values[3:] = np.nan, np.inf, 30.0
    rgb = rgb_of(message_of(values, "32FC1"))
    assert rgb[0, 0, 0] == 0 and rgb[0, 1, 0] == 255 and rgb[1, 0, 0] < 5 and rgb[5, 0, 0] == 255


@pytest.mark.parametrize("format_text, expected", [
    ("jpeg", RED), ("png", RED), ("rgb8; jpeg compressed bgr8", RED), ("bgr8; jpeg compressed bgr8", RED),
    ("rgb8; jpeg compressed rgb8", RED[::-1]), ("bgr8; jpeg compressed rgb8", RED[::-1]),
    ("rgb8; png compressed ", RED[::-1]), ("bayer_rggb8; jpeg compressed bgr8", RED), ("rgba8; jpeg compressed bgr8", RED)])
def test_colours_of_compressed_images_lie_as_the_transport_says(format_text, expected):
    """As compressed_image_transport's own subscriber reads the field; the file itself shows RED."""
    data = cv2.imencode(".png", np.ascontiguousarray(flat(RED)[..., ::-1]))[1].tobytes()
    assert rgb_of(CompressedImage(format=format_text, data=array("B", data)))[0, 0].tolist() == list(expected)


@pytest.mark.parametrize("format_text", ("png", "mono16; png compressed ", "16UC1; png compressed "))
def test_sixteen_bits_of_a_compressed_image_are_scaled(format_text):
    values = np.linspace(0, 4095, 48 * 64).astype(np.uint16).reshape(48, 64)
    data = cv2.imencode(".png", values)[1].tobytes()
    rgb = rgb_of(CompressedImage(format=format_text, data=array("B", data)))
    assert rgb.max() == 255 and abs(float(rgb.mean()) - 127.5) < 2


def test_a_mosaic_may_be_compressed():
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[::2, ::2] = 200
    data = cv2.imencode(".png", mosaic)[1].tobytes()
    rgb = rgb_of(CompressedImage(format="bayer_rggb8; png compressed ", data=array("B", data)))
    assert rgb[4, 4].tolist() == [200, 0, 0]


def yuv_planes(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y [H, W], U and V [H/2, W/2] of a picture whose colours are constant in squares of two."""
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = rgb.shape[:2]
    y, u, v = np.split(i420.ravel(), [height * width, height * width * 5 // 4])
    return y.reshape(height, width), u.reshape(height // 2, -1), v.reshape(height // 2, -1)


@pytest.mark.parametrize("encoding", ("nv12", "nv21", "uyvy", "yuyv", "yuv422", "yuv422_yuy2"))
@pytest.mark.parametrize("padding", (0, 32))
def test_pictures_of_luma_and_chroma(encoding, padding):
    rgb = np.ascontiguousarray(bgr_scene()[..., ::-1])
    y, u, v = yuv_planes(rgb)
    if encoding.startswith("nv"):
        pair = (u, v) if encoding == "nv12" else (v, u)
        planes = np.vstack([y, np.stack(pair, -1).reshape(len(u), -1)])
        message = message_of(planes, encoding, padding=padding, height=48)
    else:
        chroma = np.stack([u, v], -1).reshape(len(u), -1).repeat(2, axis=0)
        order = (chroma, y) if encoding in ("uyvy", "yuv422") else (y, chroma)
        message = message_of(np.stack(order, -1), encoding, padding=padding)
    assert np.abs(rgb_of(message).astype(int) - rgb).max() <= 3


@pytest.mark.parametrize("name, data, reason", [
    ("jpeg", b"", "size"), ("jpeg", b"\xff\xd8\xff\xe0 no picture", "truncated"),
    ("jpeg", cv2.imencode(".jpg", flat(RED))[1].tobytes()[:-200], "truncated"),
    ("32FC1; compressedDepth png", b"\x89PNG", "encoding")])
def test_compressed_images_that_are_none(name, data, reason):
    with pytest.raises(BadFrame, match=name.split(";")[0]) as caught:
        rgb_of(CompressedImage(format=name, data=array("B", data)))
    assert caught.value.reason == reason


@pytest.mark.parametrize("encoding, dtype", [
    ("mono8", "u1"), ("8UC1", "u1"), ("16UC1", "<u2"), ("mono16", "<u2"), ("32SC1", "<i4")])
def test_labels(encoding, dtype):
    labels = np.arange(12, dtype=dtype).reshape(3, 4)
    read = labels_of(message_of(labels, encoding, padding=3), (3, 4))
    assert read.dtype == np.int32 and read.tolist() == labels.tolist()


def test_labels_in_big_endian_order():
    labels = np.array([[1, 258], [65535, 0]], ">u2")
    assert labels_of(message_of(labels, "16UC1", is_bigendian=1), (2, 2)).tolist() == [[1, 258], [65535, 0]]


@pytest.mark.parametrize("encoding, shape, words", [
    ("rgb8", (6, 8), "'rgb8'.*mono8"), ("mono8", (6, 9), "8x6.*9x6"), ("32SC1", (6, 8), "step")])
def test_labels_that_do_not_fit(encoding, shape, words):
    message = message_of(np.zeros((6, 8), np.uint8), encoding)
    with pytest.raises(BadFrame, match=words) as caught:
        labels_of(message, shape)
    assert caught.value.reason == "labels"


@pytest.mark.parametrize("encoding, values", [("rgb8", flat(RED)), ("mono8", np.eye(3, dtype=np.uint8)),
                                              ("16UC1", np.eye(3, dtype=np.uint16)[:, :2]),
                                              ("32FC1", np.array([[np.nan, np.inf, 1.5]], np.float32))])
def test_arrays_become_images_that_arrive_unchanged(encoding, values):
    message = deserialize_message(serialize_message(image_message(values, encoding, HEADER)), Image)
    assert (message.height, message.width) == values.shape[:2]
    assert (message.encoding, message.is_bigendian) == (encoding, 0)
    assert message.step * message.height == len(message.data) == values.nbytes
    assert bytes(message.data) == values.tobytes()
    assert message.header == HEADER


def test_an_array_of_another_type_is_no_such_image():
    with pytest.raises(ValueError, match="float64.*float32"):
        image_message(np.zeros((2, 2)), "32FC1", HEADER)


def test_range_of_depth():
    depth = np.array([[0.1, 0.5, 2.0, np.nan, np.inf]], np.float32)
    limited = in_range(depth, 0.2, 1.5)
    assert limited.dtype == np.float32
    np.testing.assert_array_equal(limited, np.array([[-np.inf, 0.5, np.inf, np.nan, np.inf]], np.float32))
    assert in_range(depth, 0.0, 0.0) is depth


def test_millimetres():
    depth = np.array([[1.2344, 0.0006, 0.0004, 65.535, 65.6, np.nan, np.inf, -np.inf, -1.0]], np.float32)
    assert millimetres(depth).tolist() == [[1234, 1, 0, 65535, 0, 0, 0, 0, 0]]


def test_clouds_carry_their_points_and_colours():
    colours = packed_rgb(np.array([RED, GREY], np.uint8))
    points = np.column_stack([np.arange(6, dtype=np.float32).reshape(2, 3), colours])
    cloud = cloud_message(points, ("x", "y", "z", "rgb"), HEADER)
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (1, 2, 16, 32)
    assert [(field.name, field.offset, field.datatype) for field in cloud.fields] == [
        ("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("rgb", 12, 7)]
    read = np.frombuffer(cloud.data, np.float32).reshape(2, 4)
    assert read[:, :3].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read[:, 3].copy().view(np.uint32).tolist() == [200 << 16 | 30 << 8 | 10, 90 << 16 | 90 << 8 | 90]


def test_a_cloud_may_be_empty():
    cloud = cloud_message(np.empty((0, 3), np.float32), ("x", "y", "z"), HEADER)
    assert (cloud.width, len(cloud.data)) == (0, 0)


GRAPH = OrderGraph("geometric", (Instance(7, 40, (1, 2, 3, 4), 1.5, 1.25, 1.75, "cup", 0.5),
                                 Instance(9, 60, (5, 6, 7, 8), float("nan"), float("nan"), float("nan")),
                                 Instance(11, 0, (0, 0, 5, 5), 3.0, 2.5, 3.5, age=70000, hidden_by=7)),
                   (OcclusionOrder(7, 9, 0.75, True, 12.0, 0.25), OcclusionOrder(9, 7, 0.25, True, 3.0, 0.5)),
                   (DepthOrder(7, 9, False, True, 0.625),))


def test_the_order_graph_arrives_field_by_field():
    sent = order_graph_message(GRAPH, HEADER)
    message = deserialize_message(serialize_message(sent), OrderGraphMessage)
    assert (message.header, message.method) == (HEADER, "geometric")
    for got, expected in zip((*message.instances, *message.occlusions, *message.depths),
                             (*GRAPH.instances, *GRAPH.occlusions, *GRAPH.depths), strict=True):
        assert {name.lstrip("_") for name in got.get_fields_and_field_types()} == set(asdict(expected))
        for name, value in asdict(expected).items():
            np.testing.assert_array_equal(getattr(got, name), value)


def test_relations_that_are_not_sure_enough_are_left_out():
    message = order_graph_message(GRAPH, HEADER, min_confidence=0.625)
    assert [(o.occluder, o.occludee) for o in message.occlusions] == [(7, 9)]
    assert len(message.depths) == 1 and len(message.instances) == 3
