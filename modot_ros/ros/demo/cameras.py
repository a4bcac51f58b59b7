# SPDX-License-Identifier: Apache-2.0
"""Monitors of several cameras in one process: a row per camera and second, pictures and a report of each.

    python -m modot_ros.ros.demo.cameras --ros-args -p cameras:="[camera_1, camera_2]" -p output:=demo_out -p duration_s:=30.0

Each camera's monitor is that of `monitor.py` in the camera's namespace, its folder is OUTPUT/CAMERA. Ends with 0 only when
valid output came from every camera.
"""
from __future__ import annotations

import sys
import time
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from modot_ros.ros.demo.monitor import Monitor
from modot_ros.ros.demo.tally import RECENT_S, heading, line

PERIOD_S = 2.0                                          # between tables


def table(monitors: dict[str, Monitor], now_s: float) -> str:
    """The newest row of every camera."""
    width = max(len(name) for name in monitors)
    rows = [f"{name:{width}s}{line(one.tally.row(now_s - one.start_s, now_s - RECENT_S))}" for name, one in monitors.items()]
    return "\n".join([*(" " * width + text for text in heading().splitlines()), *rows])


def main(args: list[str] | None = None) -> int:
    rclpy.init(args=args)
    monitors: dict[str, Monitor] = {}
    try:
        container = Node("monitors")
        container.declare_parameter("cameras", Parameter.Type.STRING_ARRAY)
        container.declare_parameter("output", "demo_out")
        folder = Path(container.get_parameter("output").value)
        executor = SingleThreadedExecutor()
        for name in container.get_parameter("cameras").value:
            monitors[name] = Monitor(namespace=f"/{name}", shown=False, parameter_overrides=[
                Parameter("output", value=str(folder / name.replace("/", "_")))])
            executor.add_node(monitors[name])
        shown_s = time.monotonic()
        while not all(one.done for one in monitors.values()):
            executor.spin_once(timeout_sec=0.1)
            if time.monotonic() - shown_s > PERIOD_S:
                shown_s = time.monotonic()
                print(table(monitors, shown_s), flush=True)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except OSError as error:
        print(f"monitors: {error}", file=sys.stderr)
    finally:
        if rclpy.ok():
            rclpy.shutdown()
    code = 0 if monitors else 1
    for name, monitor in monitors.items():
        code |= monitor.finish()
        print("\n".join([f"-- {name}", *monitor.rows[-4:]]), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
