# SPDX-License-Identifier: Apache-2.0
"""Node `image_source`: plays a picture, a folder, a video, a rosbag2 or a camera device.

Publishes `image` (sensor_msgs/Image) and `camera_info` (sensor_msgs/CameraInfo) with one stamp, the time of
sending. Without a calibration the CameraInfo's matrices are zero, which is how ROS says "uncalibrated".
"""
from __future__ import annotations

import sys
import threading
import time

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.sources.frame import Frame
from modot_ros.ros.sources.media import KINDS, open_source

SIZE_PX = IntegerRange(from_value=0, to_value=65535, step=1)
PARAMETERS = (
    ("source", None, f"What is played: {KINDS}", None),
    ("rate_hz", 0.0, "Frames per second; 0 = the source's own rate, pictures at 10 Hz", FloatingPointRange(
        from_value=0.0, to_value=1000.0)),
    ("loop", True, "Start again at the end", None),
    ("focal_px", 0.0, "Focal length in pixels of the published image; 0 = as the source or camera_info_url "
     "says", FloatingPointRange(from_value=0.0, to_value=1e6)),
    ("camera_info_url", "", "Calibration YAML (path, file:// or package://), scaled to the published size",
     None),
    ("frame_id", "camera_optical_frame", "Frame of the optical centre (REP 103: x right, y down, z forward)",
     None),
    ("width", 0, "Width of the published image in pixels; 0 = as it comes", SIZE_PX),
    ("height", 0, "Height of the published image in pixels; 0 = as it comes", SIZE_PX),
    ("image_topic", "", "Which image topic of a rosbag; empty = the first that is not depth", None),
)


def declare(node: Node, table: tuple) -> dict:
    """Declare (name, default, description, range or None) read-only, and return the values by name.

    A name whose default is None takes any type.
    """
    for name, default, description, limits in table:
        descriptor = ParameterDescriptor(description=description, read_only=True,
                                         dynamic_typing=default is None)
        if isinstance(limits, FloatingPointRange):
            descriptor.floating_point_range = [limits]
        elif limits is not None:
            descriptor.integer_range = [limits]
        node.declare_parameter(name, default, descriptor)
    return {name: node.get_parameter(name).value for name, *_ in table}


def read_calibration(url: str) -> Calibration:
    """As Calibration.read, with package://NAME/path as well; ValueError for a package that is not there."""
    if url.startswith("package://"):
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
        package, _, path = url.removeprefix("package://").partition("/")
        try:
            url = f"{get_package_share_directory(package)}/{path}"
        except (PackageNotFoundError, ValueError) as error:
            raise ValueError(f"camera_info_url: no package {package!r} ({error})") from error
    return Calibration.read(url)


class ImageSource(Node):
    """Opens its source when made, with the errors of open_source; `play` blocks until the end."""

    def __init__(self, **options) -> None:
        super().__init__("image_source", **options)
        value = declare(self, PARAMETERS)
        self.rate_hz, self.loop, self.frame_id = value["rate_hz"], value["loop"], value["frame_id"]
        self.focal_px = value["focal_px"]
        self.calibration = read_calibration(value["camera_info_url"]) if value["camera_info_url"] else None
        text = "" if value["source"] is None else str(value["source"])      # source:=0 comes as a number
        self.source = open_source(text, value["width"], value["height"], value["image_topic"])
        quality = {"qos_profile": QoSProfile(depth=5),
                   "qos_overriding_options": QoSOverridingOptions.with_default_policies()}
        self.image = self.create_publisher(Image, "image", **quality)
        self.info = self.create_publisher(CameraInfo, "camera_info", **quality)
        self.stopped = threading.Event()
        self.sent = 0

    def calibration_of(self, frame: Frame) -> Calibration:
        """What the user said, else what the source knows, else uncalibrated."""
        if self.calibration is not None:
            return self.calibration.resized(frame.width, frame.height)
        if self.focal_px:
            return Calibration.pinhole(frame.width, frame.height, self.focal_px)
        return frame.calibration or Calibration.unknown(frame.width, frame.height)

    def publish(self, frame: Frame) -> None:
        image = frame.fill(Image())
        image.header.stamp, image.header.frame_id = self.get_clock().now().to_msg(), self.frame_id
        info = self.calibration_of(frame).fill(CameraInfo(header=image.header))
        self.info.publish(info)                         # first, so that it is there when the image is
        self.image.publish(image)
        self.sent += 1

    def play(self) -> None:
        """Publish every frame when it is due, to the end (never when looping) or until `stopped` is set."""
        while not self.stopped.is_set():
            start_s = time.monotonic()
            last_due_s, gap_s, before = 0.0, 0.0, self.sent
            for number, frame in enumerate(self.source):
                due_s = number / self.rate_hz if self.rate_hz else frame.due_s
                if due_s is not None:
                    gap_s, last_due_s = due_s - last_due_s if number else gap_s, due_s
                    late_s = time.monotonic() - start_s - due_s
                    if late_s > 1:                      # a slow reader: go on from here, no burst
                        start_s += late_s
                    if self.stopped.wait(max(0.0, -late_s)):
                        return
                elif self.stopped.is_set():
                    return
                self.publish(frame)
            if self.sent == before or not self.source.repeatable:
                raise ValueError(f"source {self.get_parameter('source').value!r} gives no more frames")
            if not self.loop:
                return
            # the last frame is shown as long as the one before it; a single picture for one period
            self.stopped.wait(gap_s or (1 / self.rate_hz if self.rate_hz else 0.1))


def main(args: list[str] | None = None) -> int:
    rclpy.init(args=args)
    node = player = None
    failure: list[Exception] = []
    try:
        node = ImageSource()

        def play() -> None:
            try:
                node.play()
            except Exception as error:                  # what goes wrong in a source must end the process
                if rclpy.ok():                          # during a shutdown publishing fails, and rightly so
                    failure.append(error)

        player = threading.Thread(target=play, name="player")
        player.start()
        while player.is_alive() and rclpy.ok():
            rclpy.spin_once(node, timeout_sec=0.1)      # parameter services
    except (OSError, ValueError, ParameterException) as error:
        failure.append(error)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if player is not None:
            node.stopped.set()
            player.join()
        if rclpy.ok():
            rclpy.shutdown()
    if failure:
        print(f"image_source: {failure[0]}", file=sys.stderr)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
