# SPDX-License-Identifier: Apache-2.0
"""Predictions become the topics of a node, in a file that another library than the writer's reads."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mcap_ros2.reader import read_ros2_messages

from modot_ros import cli
from modot_ros.prediction import Instance, OrderGraph, Prediction
from modot_ros.ros.watch.predicted import PredictedRecording

ROOT = Path(__file__).parents[3]


def prediction(kind="metric"):
    depth = np.full((24, 32), 2.0, np.float32)
    return Prediction(kind, 30.0, depth, depth / 4, depth > 0, np.zeros((24, 32), np.uint8), np.ones((24, 32), np.int32),
                      OrderGraph("geometric", (Instance(1, 768, (0, 0, 32, 24), 2.0, 2.0, 2.0, "wall"),), (), ()))


def messages(folder: Path) -> dict[str, list]:
    found: dict[str, list] = {}
    for one in read_ros2_messages(str(folder / f"{folder.name}.mcap")):
        found.setdefault(one.channel.topic, []).append(one.ros_msg)
    return found


def test_every_frame_has_the_topics_of_a_node(tmp_path):
    with PredictedRecording(tmp_path / "made") as recording:
        for time_s in (0.0, 1.5):
            recording.add(np.full((24, 32, 3), 7, np.uint8), prediction(), time_s)
    found = messages(tmp_path / "made")
    assert {name: len(one) for name, one in found.items()} == dict.fromkeys(
        ("/image", "/camera_info", "/modot_node/depth/image", "/modot_node/depth/camera_info", "/modot_node/boundary/image",
         "/modot_node/instances/image", "/modot_node/order_graph", "/modot_node/overlay"), 2)
    last = {name: one[1] for name, one in found.items()}
    assert {(one.header.stamp.sec, one.header.stamp.nanosec, one.header.frame_id) for one in last.values()} == {
        (1, 500_000_000, "camera_optical_frame")}
    assert (np.frombuffer(last["/modot_node/depth/image"].data, np.float32) == 2.0).all()
    assert last["/modot_node/order_graph"].instances[0].name == "wall" and last["/camera_info"].k[0] == 30.0
    assert set(last["/modot_node/boundary/image"].data) == {255} and set(last["/image"].data) == {7}


def test_relative_depth_has_its_own_topic(tmp_path):
    with PredictedRecording(tmp_path / "made") as recording:
        recording.add(np.zeros((24, 32, 3), np.uint8), prediction("inverse_relative"), 0.0)
    assert "/modot_node/depth_relative/image" in messages(tmp_path / "made")


def test_the_command_records_what_it_predicts_and_overwrites_nothing(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))
    arguments = ["predict", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), "--mcap", str(tmp_path / "made")]
    assert cli.main(arguments) == 0
    assert len(messages(tmp_path / "made")["/modot_node/depth/image"]) == 1
    assert cli.main(arguments) == 2 and "exists already" in capsys.readouterr().err
    assert cli.main(["predict", "nowhere.png", "-o", str(tmp_path / "out"), "--mcap", str(tmp_path / "none")]) == 2
    assert not (tmp_path / "none").exists()


def test_the_foxglove_layout_shows_topics_that_are_recorded():
    layout = json.loads((ROOT / "config" / "foxglove_modot.json").read_text())
    from modot_ros.ros.watch.recorder import TOPICS
    recorded = {f"/{name}" for name in TOPICS} | {"/modot_node/points"}
    text = json.dumps(layout)
    named = {part for part in text.split('"') if part.startswith("/modot_node")}
    assert named and named <= recorded
    panels = set(layout["configById"])
    leaves = [part for part in json.dumps(layout["layout"]).split('"') if "!" in part]
    assert sorted(leaves) == sorted(panels)


@pytest.mark.parametrize("arguments, expected", [
    (["--output", "it's"], (["--ros-args"], {"output": "it's"})),
    (["--topics", "image", "1", "--ros-args", "-r", "image:=/cam"], (["--ros-args", "-r", "image:=/cam"],
                                                                     {"topics": ["image", "1"]}))])
def test_the_record_command_starts_the_recorder(monkeypatch, arguments, expected):
    seen = []
    monkeypatch.setattr("modot_ros.ros.watch.recorder.main", lambda *given: seen.append(given) or 0)
    assert cli.main(["record", *arguments]) == 0
    assert seen == [expected]
