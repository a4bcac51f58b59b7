# SPDX-License-Identifier: Apache-2.0
"""The flight's order by hand; the camera as a process, heard over DDS, against what was rendered."""
import os
import subprocess
import sys
import time

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from modot_ros.learn.synthetic.footage import Footage, generator_version  # noqa: E402
from modot_ros.ros.sources import sim_camera  # noqa: E402
from modot_ros.ros.sources.sim_camera import Flight, main  # noqa: E402

TOPICS = ("image", "truth/depth/image", "truth/boundary/image", "truth/instances/image", "camera_info")


def test_complete_flight_goes_round():
    flight = Flight(3)
    assert [flight.next(3) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_flight_in_the_making_goes_to_and_fro_and_then_round():
    flight = Flight(4)
    assert [flight.next(1), flight.next(1)] == [0, 0]
    assert [flight.next(3) for _ in range(5)] == [1, 2, 1, 0, 1]
    assert [flight.next(4) for _ in range(4)] == [2, 3, 0, 1]


def test_flight_flies_on_where_the_making_is_ahead():
    flight = Flight(9)
    assert [flight.next(ready) for ready in (2, 3, 4, 5, 5, 5)] == [0, 1, 2, 3, 4, 3]


def test_image_and_truth_arrive_with_one_stamp(tmp_path):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    by_stamp: dict[str, dict] = {}

    def receiver(topic):
        return lambda message: by_stamp.setdefault(str(message.header.stamp), {}).update({topic: message})

    for topic in TOPICS:
        node.create_subscription(CameraInfo if topic == "camera_info" else Image, topic, receiver(topic), 10)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    parameters = ("seed:=3", "width:=32", "height:=32", "frames:=2", "rate_hz:=20.0")
    process = subprocess.Popen([sys.executable, "-m", "modot_ros.ros.sources.sim_camera", "--ros-args",
                                *(word for pair in parameters for word in ("-p", pair))],
                               env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)}, stderr=subprocess.PIPE,
                               text=True)
    try:
        give_up_s = time.monotonic() + 90
        while time.monotonic() < give_up_s:
            executor.spin_once(timeout_sec=0.1)
            if any(len(parts) == len(TOPICS) for parts in by_stamp.values()):
                break
    finally:
        process.send_signal(2)
        errors = process.communicate(timeout=60)[1]
        rclpy.shutdown(context=context)
    assert process.returncode == 0 and "Traceback" not in errors, errors
    parts = next(parts for parts in by_stamp.values() if len(parts) == len(TOPICS))

    def pixels(topic, dtype):
        message = parts[topic]
        return np.frombuffer(message.data, dtype).reshape(message.height, message.width, -1).squeeze()

    footage = Footage(3, 32, 32, 2, tmp_path / "modot_ros" / "footage" / generator_version())
    views = [footage.read(number) for number in range(footage.ready())]
    view = next(view for view in views if np.array_equal(view.rgb, pixels("image", np.uint8)))
    np.testing.assert_array_equal(pixels("truth/depth/image", np.float32), view.depth_m)
    np.testing.assert_array_equal(pixels("truth/boundary/image", np.uint8), view.boundary * 255)
    np.testing.assert_array_equal(pixels("truth/instances/image", np.uint16), view.labels)
    assert [parts[topic].encoding for topic in TOPICS[:4]] == ["rgb8", "32FC1", "mono8", "16UC1"]
    np.testing.assert_allclose(np.reshape(parts["camera_info"].k, (3, 3)), view.K)


def test_bad_parameter_ends_at_once_and_says_so(capfd):
    assert main(["--ros-args", "-p", "frames:=0"]) == 1
    assert "frames" in capfd.readouterr().err


@pytest.mark.parametrize("shut_down, code", [(True, 0), (False, 1)])
def test_publishing_fails_rightly_during_a_shutdown_only(monkeypatch, capfd, shut_down, code):
    def camera():
        if shut_down:
            rclpy.shutdown()
        raise RuntimeError("cannot publish")
    monkeypatch.setattr(sim_camera, "SimCamera", camera)
    assert main([]) == code
    assert ("cannot publish" in capfd.readouterr().err) == (not shut_down)
