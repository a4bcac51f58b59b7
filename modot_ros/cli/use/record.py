# SPDX-License-Identifier: Apache-2.0
"""`modot record`: camera and outputs of a running modot_node, as an MCAP file."""
from __future__ import annotations

import argparse
from pathlib import Path

HELP = "Record a camera and a running modot_node as MCAP, for `ros2 bag`, Foxglove and rosbags (needs ROS 2)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, help="folder of the recording, made; without it recording_DATE_TIME")
    parser.add_argument("--topics", nargs="+", metavar="TOPIC", help="topics to record; without it image, camera_info and depth, "
                        "boundaries, instances, graph, markers and overlay of modot_node")
    parser.add_argument("--ros-args", nargs=argparse.REMAINDER, default=[], metavar="ARGUMENT", help="as every ROS 2 program "
                        "takes them: `--ros-args -r image:=/camera/color/image_raw -r __ns:=/robot`")


def run(options: argparse.Namespace) -> int:
    try:
        from modot_ros.ros.watch import recorder
    except ModuleNotFoundError as error:
        raise ValueError(f"recording needs ROS 2 and {error.name} can't be imported: source a distribution, or enter "
                         ".ros/environment.sh of a checkout") from error
    chosen = {"output": options.output and str(options.output), "topics": options.topics}
    return recorder.main(["--ros-args", *options.ros_args], {name: value for name, value in chosen.items() if value})
