# SPDX-License-Identifier: Apache-2.0
"""Camera, modot_node and monitor: `ros2 launch modot_ros demo.launch.py [input:=video.mp4] [rviz:=true]`."""
import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import EqualsSubstitution, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from modot_ros.ros.transport import transport_environment

MODOT = os.path.join(get_package_share_directory("modot_ros"), "launch", "modot.launch.py")


def generate_launch_description() -> LaunchDescription:
    def value(name: str, kind: type) -> ParameterValue:
        return ParameterValue(LaunchConfiguration(name), value_type=kind)

    namespace = LaunchConfiguration("namespace")
    synthetic = EqualsSubstitution(LaunchConfiguration("input"), "")
    return LaunchDescription([
        DeclareLaunchArgument("input", default_value="",
                              description="Picture, folder, video, rosbag2 or camera (0, /dev/video0); "
                                          "empty = a flight through a synthetic room, with its truth"),
        DeclareLaunchArgument("output", default_value="demo_out",
                              description="Folder for pictures and report"),
        DeclareLaunchArgument("seconds", default_value="0.0",
                              description="How long after the first output; 0 = until stopped"),
        DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"],
                              description="Start RViz with the outputs"),
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes"),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(MODOT),
                                 launch_arguments={"rviz": LaunchConfiguration("rviz"), "namespace": namespace}.items()),
        Node(package="modot_ros", executable="sim_camera", name="sim_camera", namespace=namespace,
             output="screen", additional_env=transport_environment(), condition=IfCondition(synthetic)),
        Node(package="modot_ros", executable="image_source", name="image_source", namespace=namespace,
             output="screen", additional_env=transport_environment(), parameters=[{"source": value("input", str)}],
             condition=UnlessCondition(synthetic)),
        Node(package="modot_ros", executable="monitor", name="monitor", namespace=namespace, output="screen",
             additional_env=transport_environment(),
             parameters=[{"output": value("output", str), "duration_s": value("seconds", float)}],
             on_exit=Shutdown(reason="the monitor has ended")),
    ])
