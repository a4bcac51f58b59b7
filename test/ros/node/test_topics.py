# SPDX-License-Identifier: Apache-2.0
"""Names of topics by rule, and what is told of a silent one."""
import sys
from types import SimpleNamespace

import pytest
from sensor_msgs.msg import CompressedImage

from modot_ros.ros.node.topics import camera_info_topic, image_topic, image_type, is_rectified_name, silence, wrong_qos_overrides

IMAGE = "sensor_msgs/msg/Image"


@pytest.mark.parametrize("resolved, transport, expected", [
    ("/cam/image_raw", "raw", "/cam/image_raw"), ("/cam/image_raw", "compressed", "/cam/image_raw/compressed"),
    ("/cam/image_raw/compressed", "compressed", "/cam/image_raw/compressed"), ("/cam/image", "ffmpeg", "/cam/image/ffmpeg"),
    ("/cam/image/ffmpeg", "ffmpeg", "/cam/image/ffmpeg"), ("/cam/video", "foxglove", "/cam/video")])
def test_the_transport_is_added_once(resolved, transport, expected):
    assert image_topic(resolved, transport) == expected


@pytest.mark.parametrize("info, image, namespace, expected", [
    ("/camera_info", "/image", "/", "/camera_info"), ("/camera_info", "/cam/color/image_raw", "/", "/cam/color/camera_info"),
    ("/robot/camera_info", "/cam/image", "/robot", "/cam/camera_info"), ("/mine", "/cam/image", "/", "/mine"),
    ("/camera_info", "/cam/image_raw/compressed", "/", "/cam/camera_info"),
    ("/camera_info", "/cam/image_raw/ffmpeg", "/", "/cam/camera_info"),
    ("/robot/camera_info", "/robot/image", "/robot", "/robot/camera_info")])
def test_calibration_lies_beside_an_image_that_was_remapped_alone(info, image, namespace, expected):
    assert camera_info_topic(info, image, namespace) == expected


@pytest.mark.parametrize("name, expected", [("/cam/image_rect", True), ("/cam/image_rect_color/compressed", True),
                                            ("/cam/image_raw", False), ("/image_rect/image", False)])
def test_rectified_images_are_told_by_name(name, expected):
    assert is_rectified_name(name) == expected


def publisher(kind=IMAGE):
    qos = SimpleNamespace(reliability=SimpleNamespace(name="RELIABLE"), durability=SimpleNamespace(name="VOLATILE"))
    return SimpleNamespace(node_name="cam", node_namespace="/robot", topic_type=kind, qos_profile=qos)


def test_a_silent_topic_is_explained():
    nobody = silence("/image", IMAGE, [], [("/cam/image_raw", [IMAGE]), ("/chatter", ["std_msgs/msg/String"])])
    assert "nobody publishes" in nobody and "/cam/image_raw" in nobody and "chatter" not in nobody
    assert "no sensor_msgs/msg/Image anywhere" in silence("/image", IMAGE, [], [])
    left = [("/left/modot_node/order_graph", ["modot_ros/msg/OrderGraph"]), ("/left/modot_node/overlay", [IMAGE]),
            ("/left/image", [IMAGE])]
    assert silence("/image", IMAGE, [], left).endswith(f"{IMAGE} is on /left/image")      # no output of a node like this one
    wrong = silence("/image", IMAGE, [publisher("sensor_msgs/msg/CompressedImage")], [])
    assert "CompressedImage" in wrong and "image_transport" in wrong and "/robot/cam" in wrong
    assert "fastdds.xml" in silence("/image", IMAGE, [publisher()], [])


def test_a_transport_without_its_messages_names_the_package(monkeypatch):
    assert image_type("compressed") is CompressedImage
    monkeypatch.setitem(sys.modules, "foxglove_msgs", None)
    with pytest.raises(ValueError, match="ros-.*foxglove-msgs"):
        image_type("foxglove")


def test_a_wrong_quality_of_service_is_named_with_the_choices():
    assert wrong_qos_overrides({"/image.subscription.reliability": "best_effort", "/image.subscription.depth": 5}) == ""
    found = wrong_qos_overrides({"/a.publisher.depth": 1, "/a.publisher.durability": "forever"})
    assert found.startswith("qos_overrides./a.publisher.durability is 'forever': choose one of ") and "transient_local" in found
