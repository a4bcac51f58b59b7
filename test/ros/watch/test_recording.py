# SPDX-License-Identifier: Apache-2.0
"""What is recorded is what `rosbags` reads back, with definitions of our own messages from the file alone."""
from collections import namedtuple

import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import Header

from modot_ros.msg import OrderGraph
from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder
from modot_ros.prediction import OrderGraph as Graph
from modot_ros.ros.messages.convert import order_graph_message
from modot_ros.ros.watch import recording
from modot_ros.ros.watch.recording import Full, Recording, register

GRAPH = Graph("geometric",
              (Instance(1, 4, (2, 4, 6, 8), 1.0, 0.9, 1.1, "chair", 0.5, 7), Instance(2, 0, (1, 1, 3, 3), 4.0, 3.9, 4.1)),
              (OcclusionOrder(1, 2, 0.5, False, 12.0, 3.0),), (DepthOrder(1, 2, False, True, 0.25),))


def message():
    return order_graph_message(GRAPH, Header(frame_id="camera"))


def test_a_graph_comes_back_equal_with_the_definition_of_the_file(tmp_path):
    made = Recording(tmp_path / "one")
    made.write("/modot_node/order_graph", "modot_ros/msg/OrderGraph", 5, serialize_message(message()))
    made.write("/header", "std_msgs/msg/Header", 7, serialize_message(Header(frame_id="map")))
    made.close()
    assert (tmp_path / "one" / "one.mcap").is_file() and (tmp_path / "one" / "metadata.yaml").is_file() and made.messages == 2
    # Nothing but the file says what an OrderGraph is: the store begins empty.
    with AnyReader([tmp_path / "one"], default_typestore=get_typestore(Stores.EMPTY)) as reader:
        found = [(c.topic, stamp, reader.deserialize(data, c.msgtype)) for c, stamp, data in reader.messages()]
    assert [(topic, stamp) for topic, stamp, _ in found] == [("/modot_node/order_graph", 5), ("/header", 7)]
    graph = found[0][2]
    assert graph.header.frame_id == "camera" and [one.name for one in graph.instances] == ["chair", ""]
    assert (graph.occlusions[0].occluder, graph.occlusions[0].confidence) == (1, 0.5)
    assert graph.instances[0].bbox_px.tolist() == [2, 4, 6, 8]
    assert found[1][2].frame_id == "map"


def test_the_bytes_are_rclpy_s(tmp_path):
    made = Recording(tmp_path / "one")
    made.write("/g", "modot_ros/msg/OrderGraph", 5, serialize_message(message()))
    made.close()
    with Reader(tmp_path / "one") as reader:
        (_, _, data), = reader.messages()
    assert bytes(data) == serialize_message(message())
    assert deserialize_message(bytes(data), OrderGraph).instances[0].name == "chair"


def test_a_folder_that_is_there_is_not_overwritten(tmp_path):
    with pytest.raises(FileExistsError, match="exists already"):
        Recording(tmp_path)


def test_the_types_that_a_type_holds_come_with_it_and_no_words_of_its_constants(tmp_path, monkeypatch):
    definitions = {"Outer": "string LIKE='other_msgs/msg/Nothing'\na_msgs/Inner[] many\nLeaf[2] two\nfloat64 x\n",
                   "Inner": "Leaf[<=3] few\n", "Leaf": "uint8 y\n"}
    (tmp_path / "msg").mkdir()
    for name, text in definitions.items():
        (tmp_path / "msg" / f"{name}.msg").write_text(text)
    monkeypatch.setattr(recording, "get_package_share_directory", lambda package: {"a_msgs": tmp_path}[package])
    types = get_typestore(Stores.EMPTY)
    register(types, "a_msgs/msg/Outer")
    assert {f"a_msgs/msg/{name}" for name in definitions} <= set(types.types)


def test_a_type_without_a_definition_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere_msgs/msg/Nothing is not installed"):
        register(get_typestore(Stores.EMPTY), "nowhere_msgs/msg/Nothing")


def test_a_full_disk_ends_a_recording_that_can_be_read(tmp_path, monkeypatch):
    made = Recording(tmp_path / "one")
    data = serialize_message(Header(frame_id="map"))
    made.write("/header", "std_msgs/msg/Header", 7, data)
    monkeypatch.setattr(recording.shutil, "disk_usage", lambda _: namedtuple("usage", "free")(50 * 2 ** 20))
    with pytest.raises(Full, match="50 MB are left on the disk of"):
        made.write("/header", "std_msgs/msg/Header", 8, data)
    made.close()
    with Reader(tmp_path / "one") as reader:
        assert reader.message_count == 1
