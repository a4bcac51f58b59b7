# SPDX-License-Identifier: Apache-2.0
"""The node as its users start it: a process of its own, heard over DDS."""
import os
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from modot_ros.ros.calibration import Calibration  # noqa: E402
from modot_ros.ros.sources.image_source import ImageSource, main  # noqa: E402


@pytest.fixture
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


def make(context, **parameters) -> ImageSource:
    values = [rclpy.Parameter(name, value=value) for name, value in parameters.items()]
    return ImageSource(context=context, parameter_overrides=values)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((6, 8, 3), (10, 20, 30), np.uint8))
    return str(path)


def play(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "modot_ros.ros.sources.image_source", "--ros-args",
                             *(word for argument in arguments for word in ("-p", argument))],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_calibration_is_the_users_else_the_sources_else_none(context, picture, tmp_path):
    source = Calibration.pinhole(8, 6, 5.0)
    frame = next(iter(make(context, source=picture).source))
    assert make(context, source=picture).calibration_of(frame) == Calibration.unknown(8, 6)
    known = type(frame)(frame.rows, frame.encoding, frame.width, 0.0, source)
    assert make(context, source=picture).calibration_of(known) == source
    assert make(context, source=picture, focal_px=7.0).calibration_of(known).k[0] == 7.0
    (tmp_path / "c.yaml").write_text("image_width: 16\nimage_height: 12\n"
                                     "camera_matrix: {data: [20, 0, 8, 0, 20, 6, 0, 0, 1]}\n")
    node = make(context, source=picture, focal_px=7.0, camera_info_url=str(tmp_path / "c.yaml"))
    assert node.calibration_of(known).k == (10.0, 0.0, 4.0, 0.0, 10.0, 3.0, 0.0, 0.0, 1.0)


def test_every_parameter_is_described(context, picture):
    node = make(context, source=picture)
    for name in ("source", "rate_hz", "loop", "focal_px", "camera_info_url", "frame_id", "width", "height",
                 "image_topic"):
        assert node.describe_parameter(name).description


def test_what_can_not_be_played_ends_at_once_and_says_so():
    process = play("source:=/nowhere/video.mp4")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "/nowhere/video.mp4" in errors.splitlines()[-1]
    assert "Traceback" not in errors


@pytest.mark.parametrize("arguments, said", [
    (("source:=97",), "'97'"), (("width:=-3",), "-3"), (("loop:=true",), "source is empty"),
    (("source:=PICTURE", "camera_info_url:=package://no_such_package/c.yaml"), "no_such_package")])
def test_values_that_cannot_be_are_said(picture, capfd, arguments, said):
    words = [word.replace("PICTURE", picture) for argument in arguments for word in ("-p", argument)]
    assert main(["--ros-args", *words]) == 1
    assert said in capfd.readouterr().err.splitlines()[-1]


def test_picture_arrives_over_dds_with_its_camera_info(context, picture):
    node = rclpy.create_node("listener", context=context)
    images, infos = [], {}
    node.create_subscription(Image, "image", images.append, qos_profile_sensor_data)
    node.create_subscription(CameraInfo, "camera_info",
                             lambda info: infos.update({str(info.header.stamp): info}),
                             qos_profile_sensor_data)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    process = play(f"source:={picture}", "rate_hz:=50.0", "focal_px:=9.0", "frame_id:=front")
    try:
        give_up_s = time.monotonic() + 60
        while not any(str(image.header.stamp) in infos for image in images) and time.monotonic() < give_up_s:
            executor.spin_once(timeout_sec=0.1)
    finally:
        process.send_signal(2)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in errors
    image = next(image for image in images if str(image.header.stamp) in infos)
    info = infos[str(image.header.stamp)]
    assert (image.encoding, image.width, image.height, image.step) == ("bgr8", 8, 6, 24)
    np.testing.assert_array_equal(np.frombuffer(image.data, np.uint8).reshape(6, 8, 3)[2, 3], [10, 20, 30])
    assert image.header.frame_id == info.header.frame_id == "front"
    assert (info.width, info.height, info.k[0], info.k[2]) == (8, 6, 9.0, 3.5)


@pytest.mark.parametrize("shut_down, code", [(True, 0), (False, 1)])
def test_publishing_fails_rightly_during_a_shutdown_only(picture, monkeypatch, capfd, shut_down, code):
    def publish(node, frame):
        if shut_down:
            rclpy.shutdown()
        raise RuntimeError("cannot publish")
    monkeypatch.setattr(ImageSource, "publish", publish)
    assert main(["--ros-args", "-p", f"source:={picture}"]) == code
    assert ("cannot publish" in capfd.readouterr().err) == (not shut_down)


def test_a_source_played_once_ends_the_process(picture):
    process = play(f"source:={picture}", "loop:=false")
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_environment_keeps_discovery_here():
    """The tests above start processes that must not be heard on the network."""
    assert os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") in ("LOCALHOST", "OFF")
