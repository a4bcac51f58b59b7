# SPDX-License-Identifier: Apache-2.0
"""RViz with the camera's frame as its fixed frame: waits for the first image, then becomes rviz2.

A fixed frame that nobody publishes shows an empty window, and cameras name theirs as they like. Parameters: `config`, the
.rviz file; `fixed_frame`, empty for that of the first image on `image`; `wait_s` until rviz2 starts without one.
"""
from __future__ import annotations

import os
import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

WAIT_S = 60.0


def command(config: str, fixed_frame: str, use_sim_time: bool) -> list[str]:
    """Command line of rviz2."""
    return ["rviz2", "-d", config, *(["-f", fixed_frame] if fixed_frame else []), "--ros-args", "-p",
            f"use_sim_time:={str(use_sim_time).lower()}"]


def first_frame(node: rclpy.node.Node, wait_s: float) -> str:
    """frame_id of the first image, without a leading slash; empty when none comes in time."""
    frames: list[str] = []
    node.create_subscription(Image, "image", lambda message: frames.append(message.header.frame_id.lstrip("/")),
                             QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    end_s = time.monotonic() + wait_s
    while not frames and time.monotonic() < end_s and rclpy.ok():
        rclpy.spin_once(node, timeout_sec=0.1)
    return frames[0] if frames else ""


def main(args: list[str] | None = None) -> int:
    rclpy.init(args=args)
    node = rclpy.create_node("rviz")
    config = node.declare_parameter("config", "").value
    fixed_frame = node.declare_parameter("fixed_frame", "").value
    wait_s = node.declare_parameter("wait_s", WAIT_S).value
    use_sim_time = node.get_parameter("use_sim_time").value
    if not fixed_frame:
        node.get_logger().info(f"waiting for the first image on {node.resolve_topic_name('image')}: its frame will be RViz's")
        fixed_frame = first_frame(node, wait_s)
        if not fixed_frame:
            node.get_logger().warning(f"no image after {wait_s:.0f} s: RViz starts with the fixed frame of {config}")
    node.destroy_node()
    rclpy.try_shutdown()
    try:
        os.execvp("rviz2", command(config, fixed_frame, use_sim_time))
    except OSError as error:
        print(f"rviz2 can't be started ({error}): install ros-$ROS_DISTRO-rviz2", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
