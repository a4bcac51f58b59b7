# SPDX-License-Identifier: Apache-2.0
"""Three cameras, one process: `ros2 launch modot_ros cameras.launch.py [cameras:="[front, left, rear]"] [image:=image_raw]`.

Every camera has a namespace: `/front/image_raw` and `/front/camera_info` come in, `/front/modot_node/depth/image` and the
other outputs go out. One parameter file serves all of them, under `/**` or, for a camera of its own, `/front/modot_node`.
"""
import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from modot_ros.ros.transport import transport_environment

PARAMETERS = os.path.join(get_package_share_directory("modot_ros"), "config", "modot.yaml")


def generate_launch_description() -> LaunchDescription:
    # no name and namespace here: they would be those of every node in the process
    return LaunchDescription([
        DeclareLaunchArgument("cameras", default_value="[front, left, rear]", description="Namespaces of the cameras"),
        DeclareLaunchArgument("image", default_value="image_raw", description="Image topic in each namespace"),
        DeclareLaunchArgument("camera_info", default_value="camera_info", description="Calibration topic in each namespace"),
        DeclareLaunchArgument("params_file", default_value=PARAMETERS, description="Parameter file (YAML) of the nodes"),
        Node(package="modot_ros", executable="modot_multi", output="screen", emulate_tty=True,
             parameters=[LaunchConfiguration("params_file"),
                         {"cameras": ParameterValue(LaunchConfiguration("cameras"), value_type=list[str])}],
             remappings=[("image", LaunchConfiguration("image")), ("camera_info", LaunchConfiguration("camera_info"))],
             additional_env=transport_environment()),
    ])
