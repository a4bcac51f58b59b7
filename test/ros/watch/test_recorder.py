# SPDX-License-Identifier: Apache-2.0
"""The recorder records what is published, says what is not, and ends when there is no more room."""
import pytest
import rclpy
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import CompressedImage

from modot_ros.ros.watch import recording
from modot_ros.ros.watch.recorder import Recorder


@pytest.fixture
def recorder(running, tmp_path):
    rig = running()
    node = Recorder(context=rig.node.context, parameter_overrides=[
        rclpy.Parameter("output", value=str(tmp_path / "made")),
        rclpy.Parameter("topics", value=["image", "modot_node/order_graph", "modot_node/boundary/image", "nothing/here"])])
    rig.executor.add_node(node)
    yield rig, node
    rig.executor.remove_node(node)
    node.destroy_node()


def test_camera_and_outputs_of_a_running_node_are_recorded(recorder, make_image, tmp_path):
    rig, node = recorder
    rig.send("image", make_image(stamp=1.0))            # the camera begins
    rig.until(lambda: node.wanted == {"/nothing/here"} and rig.peer.count_subscribers("/image") > 1)
    before = node.recording.messages
    for stamp in (2.0, 3.0):
        rig.send("image", make_image(stamp=stamp))
        rig.until(lambda stamp=stamp: node.recording.messages >= before + 3 * (stamp - 1))
    assert not node.stopped
    node.close()
    with AnyReader([tmp_path / "made"], default_typestore=get_typestore(Stores.EMPTY)) as reader:
        found = [(c.topic, reader.deserialize(data, c.msgtype)) for c, _, data in reader.messages()]
    found = [(topic, message) for topic, message in found if message.header.stamp.sec > 1]
    assert sorted(topic for topic, _ in found) == sorted(2 * ["/image", "/modot_node/boundary/image", "/modot_node/order_graph"])
    assert {message.header.stamp.sec for _, message in found} == {2, 3}


def test_without_room_it_stops_and_says_why(recorder, make_image, monkeypatch):
    rig, node = recorder
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: rig.peer.count_subscribers("/image") > 1)
    monkeypatch.setattr(recording, "LEAST_FREE_BYTES", 2 ** 60)
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: node.stopped)
    assert "MB are left on the disk" in node.stopped
    node.close()


def test_of_a_camera_that_only_compresses_that_is_recorded(recorder, tmp_path):
    rig, node = recorder
    publisher = rig.peer.create_publisher(CompressedImage, "/image/compressed", 10)
    rig.until(lambda: rig.peer.count_subscribers("/image/compressed"))
    assert "/image" not in node.wanted
    publisher.publish(CompressedImage(format="jpeg", data=b"abc"))
    rig.until(lambda: node.recording.messages)
    node.close()
    with AnyReader([tmp_path / "made"], default_typestore=get_typestore(Stores.EMPTY)) as reader:
        (connection, _, data), = reader.messages()
        assert connection.topic == "/image/compressed" and reader.deserialize(data, connection.msgtype).format == "jpeg"


def test_the_calibration_is_looked_for_beside_the_image(running, tmp_path):
    rig = running()
    node = Recorder(context=rig.node.context, cli_args=["--ros-args", "-r", "image:=/cam/color/image_raw"], parameter_overrides=[
        rclpy.Parameter("output", value=str(tmp_path / "made")), rclpy.Parameter("topics", value=["image", "camera_info"])])
    try:
        assert node.wanted == {"/cam/color/image_raw", "/cam/color/camera_info"}
    finally:
        node.close()
        node.destroy_node()


def test_what_is_no_topic_is_refused_before_anything_is_written(running, tmp_path):
    rig = running()
    with pytest.raises(ValueError, match="topics has '12'"):
        Recorder(context=rig.node.context, parameter_overrides=[rclpy.Parameter("output", value=str(tmp_path / "made")),
                                                                rclpy.Parameter("topics", value=["image", "12"])])
    assert not (tmp_path / "made").exists()
