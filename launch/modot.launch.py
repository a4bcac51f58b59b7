# SPDX-License-Identifier: Apache-2.0
"""Start modot_node on a camera: `ros2 launch modot_ros modot.launch.py image:=/camera/image_raw`."""
import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, OpaqueFunction
from launch.conditions import IfCondition, LaunchConfigurationNotEquals
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from modot_ros.ros.transport import transport_environment

SHARE = get_package_share_directory("modot_ros")
TOPICS = {
    "image": "Camera image (sensor_msgs/Image)",
    "camera_info": "Its calibration (sensor_msgs/CameraInfo)",
    "instances": "Label images of your own for the order graph (sensor_msgs/Image, stamps of the image)",
    "detections": "Names, scores, boxes or masks of instances (vision_msgs or yolo_msgs), see instances_type",
}
# Arguments that override the parameter file when they are given: name -> type, description
PARAMETERS = {
    "image_transport": (str, "How the image comes: raw, compressed, ffmpeg or foxglove"),
    "model": (str, "Network to run"),
    "engine": (str, "What runs the network: local (torch), onnx (ONNX Runtime), ray (a pool)"),
    "engine_addresses": (str, "host:port of the pool's machines, commas between"),
    "weights": (str, "Weights file, .safetensors or .pth; for engine onnx also .onnx"),
    "device": (str, "Where the network runs: auto, cpu, cuda, cuda:N"),
    "precision": (str, "Number format of the network: fp32, fp16, bf16"),
    "instances_type": (str, "What says which instances there are: labels, labels_and_detections, isaac_ros, yolo_ros"),
    "order_method": (str, "Where the order graph comes from: geometric, learned, fused"),
    "order_model": (str, "Order network of order_method learned and fused, as instaordernet_od"),
    "order_weights": (str, "Weights file of the order network, .safetensors or .pth"),
    "max_rate_hz": (float, "Most frames processed per second, 0 = as fast as possible"),
    "rectified": (str, "Whether the images are rectified: auto, true, false"),
    "rotate": (int, "How the camera is turned, clockwise in its pictures: 0, 90, 180, 270"),
    "frame_id": (str, "Frame of all outputs"),
    "autostart": (bool, "Configure and activate at start; false leaves that to a lifecycle manager"),
}


def start_node(context: LaunchContext) -> list:
    """Done when the arguments are known: only those that were given may override the parameter file."""
    given = {name: LaunchConfiguration(name).perform(context) for name in PARAMETERS}
    overrides = {name: ParameterValue(LaunchConfiguration(name), value_type=PARAMETERS[name][0])
                 for name, text in given.items() if text}
    # a process that can't work ends, and is started again when that is wanted
    overrides["exit_on_failure"] = True
    return [LifecycleNode(
        package="modot_ros", executable="modot_node", name="modot_node",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), overrides,
                    {"use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}],
        remappings=[(topic, LaunchConfiguration(topic)) for topic in TOPICS],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")], output="screen", emulate_tty=True,
        respawn=LaunchConfiguration("respawn"), respawn_delay=2.0, additional_env=transport_environment())]


def generate_launch_description() -> LaunchDescription:
    arguments = [DeclareLaunchArgument(topic, default_value=topic, description=text)
                 for topic, text in TOPICS.items()]
    arguments += [DeclareLaunchArgument(name, default_value="",
                                        description=f"{text}; empty = as in params_file")
                  for name, (_, text) in PARAMETERS.items()]
    arguments += [
        DeclareLaunchArgument("params_file", default_value=os.path.join(SHARE, "config", "modot.yaml"),
                              description="Parameter file (YAML) of modot_node"),
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes"),
        DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"],
                              description="Take the time from /clock"),
        DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"],
                              description="Start RViz with the outputs"),
        DeclareLaunchArgument("fixed_frame", default_value="",
                              description="RViz's fixed frame; empty = that of the first image"),
        DeclareLaunchArgument("record", default_value="",
                              description="Folder of a recording (MCAP) of camera and outputs, which is made; empty = none"),
        DeclareLaunchArgument("respawn", default_value="false", choices=["true", "false"],
                              description="Start modot_node again when it has ended with an error"),
        DeclareLaunchArgument("log_level", default_value="info",
                              choices=["debug", "info", "warn", "error", "fatal"],
                              description="Lowest severity that modot_node logs"),
    ]
    rviz = Node(
        package="modot_ros", executable="rviz", name="rviz", namespace=LaunchConfiguration("namespace"),
        parameters=[{"config": os.path.join(SHARE, "config", "modot.rviz"),
                     "fixed_frame": ParameterValue(LaunchConfiguration("fixed_frame"), value_type=str),
                     "use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}],
        remappings=[("image", LaunchConfiguration("image"))], output="screen", additional_env=transport_environment(),
        condition=IfCondition(LaunchConfiguration("rviz")))
    recorder = Node(
        package="modot_ros", executable="recorder", name="recorder", namespace=LaunchConfiguration("namespace"),
        parameters=[{"output": ParameterValue(LaunchConfiguration("record"), value_type=str),
                     "use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}],
        remappings=[(topic, LaunchConfiguration(topic)) for topic in ("image", "camera_info")], output="screen",
        additional_env=transport_environment(), condition=LaunchConfigurationNotEquals("record", ""))
    # scoped: the arguments of this file are none of the files that are included after it
    return LaunchDescription([GroupAction([*arguments, OpaqueFunction(function=start_node), rviz, recorder])])
