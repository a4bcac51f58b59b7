# SPDX-License-Identifier: Apache-2.0
"""The monitor as a process of its own, fed by a camera and a node whose outputs are known exactly."""
import json
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")
pytest.importorskip("modot_ros.msg", reason="the messages are not built: run `make setup` or colcon build")

from builtin_interfaces.msg import Time  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from modot_ros.msg import Instance, OcclusionOrder, OrderGraph  # noqa: E402
from modot_ros.ros.sources.frame import Frame  # noqa: E402

DELAY_NS = 50_000_000                                   # the outputs' age when they are sent
TRUE_M = np.full((24, 32), 2.0, np.float32)
BOUNDARY = np.zeros((24, 32), np.uint8)
BOUNDARY[:, 16] = 255
LABELS = np.ones((24, 32), np.uint16)


class Robot:
    """Camera with truth and a node's outputs, published over DDS from this process."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("robot", context=self.context)
        self.publishers = {}

    def send(self, topic: str, message) -> None:
        if topic not in self.publishers:
            self.publishers[topic] = self.node.create_publisher(type(message), topic, 10)
        self.publishers[topic].publish(message)

    def frame(self, depth_m=1.1 * TRUE_M, boundary=BOUNDARY, graph_ids=(1,), truth=True, shift_px=1) -> None:
        stamp_ns = time.time_ns() - DELAY_NS
        header = Header(stamp=Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9), frame_id="camera")

        def image(topic, pixels, encoding):
            self.send(topic, Frame.of_pixels(pixels, encoding).fill(Image(header=header)))

        if truth:
            image("truth/depth/image", TRUE_M, "32FC1")
            image("truth/boundary/image", np.roll(BOUNDARY, shift_px, axis=1), "mono8")
        image("image", np.zeros((24, 32, 3), np.uint8), "rgb8")
        image("modot_node/depth/image", depth_m.astype(np.float32), "32FC1")
        image("modot_node/boundary/image", boundary, "mono8")
        image("modot_node/instances/image", LABELS, "16UC1")
        image("modot_node/overlay", np.full((24, 32, 3), 99, np.uint8), "rgb8")
        self.send("modot_node/order_graph", OrderGraph(
            header=header, instances=[*(Instance(id=id) for id in graph_ids), Instance(id=77, hidden_by=1)],
            occlusions=[OcclusionOrder(occluder=id, occludee=1) for id in graph_ids if id != 1]))
        status = DiagnosticStatus(name="modot_node: perception",
                                  values=[KeyValue(key="frames_dropped", value="3")])
        self.send("/diagnostics", DiagnosticArray(status=[status]))


@pytest.fixture
def robot():
    robot = Robot()
    yield robot
    rclpy.shutdown(context=robot.context)


def watch(folder, robot=None, duration_s=2.0, timeout_s=60.0, **frame) -> tuple[int, dict, str]:
    """Run a monitor while the robot, if any, sends frames at about 20 Hz; exit code, report, printed text."""
    process = subprocess.Popen([sys.executable, "-m", "modot_ros.ros.demo.monitor", "--ros-args",
                                "-p", f"output:={folder}", "-p", f"duration_s:={duration_s}",
                                "-p", f"timeout_s:={timeout_s}"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    give_up_s = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < give_up_s:
        if robot is not None:
            robot.frame(**frame)
        time.sleep(0.05)
    process.terminate()
    text = process.communicate(timeout=30)[0]
    return process.returncode, json.loads((folder / "report.json").read_text()), text


def test_numbers_of_a_valid_run(robot, tmp_path):
    code, report, text = watch(tmp_path / "out", robot)
    assert code == 0, text
    assert report["problems"] == []
    assert report["frames_in"] >= 5 and report["processed"] >= 5
    assert report["dropped"] == 3
    assert report["latency_median_ms"] >= DELAY_NS / 1e6
    assert report["latency_p95_ms"] >= report["latency_median_ms"]
    assert report["frames_scored"] >= 2
    assert report["boundary_f"] == 1.0, "one pixel off is within the tolerance"
    assert report["abs_rel"] == pytest.approx(0.1, abs=1e-4)
    assert report["delta1"] == 1.0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    picture = cv2.imread(str(tmp_path / "out" / "overlay_00.png"))
    assert picture[5, ::32, 0].tolist() == [0, 99], "image beside overlay"
    assert {"overlay_00.png", "overlays.mp4", "contact_sheet.png", "report.json", "table.txt"} <= names
    assert "processed" in text and str(tmp_path / "out") in text.splitlines()[-1]


def test_invalid_output_is_said_and_ends_with_1(robot, tmp_path):
    code, report, text = watch(tmp_path, robot, duration_s=1.0, truth=False, depth_m=np.full((24, 32), np.nan),
                               boundary=np.zeros((24, 32), np.uint8), graph_ids=(1, 9))
    assert code == 1
    for said in ("only 0% of the pixels have a depth", "only 0% of the frames have a boundary",
                 "ids that are not in its label image"):
        assert said in " ".join(report["problems"])
    assert report["boundary_f"] is None and report["frames_scored"] == 0, "without truth there is no score"


def test_no_output_at_all_ends_with_1(tmp_path):
    code, report, text = watch(tmp_path, timeout_s=1.0)
    assert code == 1
    assert report["processed"] == 0
    assert "no depth came" in report["problems"]
    assert "no depth came" in text
