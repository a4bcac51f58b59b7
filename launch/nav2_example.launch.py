# SPDX-License-Identifier: Apache-2.0
"""modot_node and Nav2 with its clouds: `ros2 launch modot_ros nav2_example.launch.py image:=/camera/image_raw ...`.

Starts what navigates (nav2_bringup's navigation_launch.py). Localisation, odometry and the transforms map -> odom ->
base_link -> camera are the robot's own; docs/nav2.md says what they must be.
"""
import atexit
import os
import tempfile
from pathlib import Path

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

SHARE = get_package_share_directory("modot_ros")


def laid_over(base: dict, changes: dict) -> dict:
    """`base` with all of `changes` in it; what is in both is merged where both are tables, otherwise changed."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = laid_over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def start_nav2(context: LaunchContext) -> list:
    """Done when the arguments are known: Nav2 takes one file of parameters."""
    bringup = get_package_share_directory("nav2_bringup")
    files = (LaunchConfiguration("nav2_params").perform(context) or os.path.join(bringup, "params/nav2_params.yaml"),
             LaunchConfiguration("modot_nav2_params").perform(context))
    parameters: dict = {}
    for name in files:
        with open(name, encoding="utf-8") as file:
            parameters = laid_over(parameters, yaml.safe_load(file))
    with tempfile.NamedTemporaryFile("w", suffix="_nav2.yaml", delete=False, encoding="utf-8") as file:
        yaml.safe_dump(parameters, file)
    atexit.register(Path(file.name).unlink, missing_ok=True)     # Nav2 reads it until this launch ends
    # scoped: arguments of one file are none of the other's, although they share names
    return [GroupAction([IncludeLaunchDescription(
        PythonLaunchDescriptionSource(os.path.join(bringup, "launch/navigation_launch.py")),
        launch_arguments={"params_file": file.name, "use_sim_time": LaunchConfiguration("use_sim_time")}.items())])]


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument("image", default_value="image", description="Camera image (sensor_msgs/Image)"),
        DeclareLaunchArgument("camera_info", default_value="camera_info",
                              description="Its calibration (sensor_msgs/CameraInfo)"),
        DeclareLaunchArgument("modot_params", default_value=os.path.join(SHARE, "config", "modot.yaml"),
                              description="Parameter file (YAML) of modot_node"),
        DeclareLaunchArgument("nav2_params", default_value="",
                              description="Your parameter file (YAML) of Nav2; empty = that of nav2_bringup"),
        DeclareLaunchArgument("modot_nav2_params", default_value=os.path.join(SHARE, "config", "nav2_modot.yaml"),
                              description="What is laid over it: layers and collision monitor with modot_node's clouds"),
        DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"],
                              description="Take the time from /clock"),
    ]
    modot = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(os.path.join(SHARE, "launch", "modot.launch.py")),
        launch_arguments={"image": LaunchConfiguration("image"), "camera_info": LaunchConfiguration("camera_info"),
                          "params_file": LaunchConfiguration("modot_params"),
                          "use_sim_time": LaunchConfiguration("use_sim_time")}.items())
    return LaunchDescription([*arguments, modot, OpaqueFunction(function=start_nav2)])
