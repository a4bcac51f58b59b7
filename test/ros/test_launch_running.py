# SPDX-License-Identifier: Apache-2.0
"""The launch files, launched: from a picture to depth with the input's stamp."""
import os
import time

import cv2
import numpy as np
import pytest

launch_pytest = pytest.importorskip(
    "launch_pytest", reason="launch_pytest is not importable: only a ROS distribution brings it")

import rclpy  # noqa: E402
from ament_index_python.packages import get_package_share_directory  # noqa: E402
from launch import LaunchDescription  # noqa: E402
from launch.actions import IncludeLaunchDescription  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch_ros.actions import Node  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402


@launch_pytest.fixture
def description(tmp_path):
    """A camera under /front, and modot.launch.py remapped on to it in a namespace of its own."""
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8))
    share = get_package_share_directory("modot_ros")
    return LaunchDescription([
        Node(package="modot_ros", executable="image_source", namespace="front",
             parameters=[{"source": str(tmp_path / "a.png"), "focal_px": 100.0}]),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(os.path.join(share, "launch", "modot.launch.py")),
            launch_arguments={"image": "/front/image", "camera_info": "/front/camera_info",
                              "namespace": "robot", "device": "cpu", "max_rate_hz": "5"}.items()),
        launch_pytest.actions.ReadyToTest()])


@pytest.mark.launch(fixture=description)
def test_depth_comes_with_the_stamp_and_size_of_its_image():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    images, depths, infos = {}, {}, {}

    def file_into(messages):
        return lambda message: messages.update({str(message.header.stamp): message})

    node.create_subscription(Image, "/front/image", file_into(images), 10)
    node.create_subscription(Image, "/robot/modot_node/depth/image", file_into(depths), 10)
    node.create_subscription(CameraInfo, "/robot/modot_node/depth/camera_info", file_into(infos), 10)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    give_up_s = time.monotonic() + 120
    while not images.keys() & depths.keys() & infos.keys() and time.monotonic() < give_up_s:
        executor.spin_once(timeout_sec=0.2)
    rclpy.shutdown(context=context)
    stamp = next(iter(images.keys() & depths.keys() & infos.keys()))
    assert (depths[stamp].width, depths[stamp].height, depths[stamp].encoding) == (128, 96, "32FC1")
    assert depths[stamp].header.frame_id == "camera_optical_frame"
    assert infos[stamp].k[0] == 100.0
