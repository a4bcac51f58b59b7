# SPDX-License-Identifier: Apache-2.0
"""Node `sim_camera`: a camera that flies through a synthetic room, with the truth beside every image.

Publishes `image` (rgb8) and `camera_info`, and with the same stamp `truth/depth/image` (32FC1 metres),
`truth/boundary/image` (mono8, 255 on the boundary, one pixel on the occluder's side) and
`truth/instances/image` (16UC1, 0 = room). Frames are rendered by a second process and kept in the user's
cache folder; until the flight is complete, the part that is there is played to and fro.
"""
from __future__ import annotations

import subprocess
import sys

import numpy as np
import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from modot_ros.learn.synthetic.footage import Footage, StoredView
from modot_ros.ros.calibration import Calibration
from modot_ros.ros.sources.frame import Frame
from modot_ros.ros.sources.image_source import declare

PARAMETERS = (
    ("seed", 25, "Which room and flight", IntegerRange(from_value=0, to_value=2**31 - 1, step=1)),
    ("width", 480, "Image width in pixels", IntegerRange(from_value=32, to_value=4096, step=1)),
    ("height", 360, "Image height in pixels", IntegerRange(from_value=32, to_value=4096, step=1)),
    ("frames", 96, "Frames of the whole flight, a closed loop",
     IntegerRange(from_value=1, to_value=100_000, step=1)),
    ("rate_hz", 10.0, "Frames per second", FloatingPointRange(from_value=0.1, to_value=1000.0)),
    ("frame_id", "camera_optical_frame", "Frame of the optical centre (REP 103: x right, y down, z forward)",
     None),
)


class Flight:
    """Which frame comes next: to and fro over the part that is there, round and round when it is complete."""

    def __init__(self, frames: int) -> None:
        self.frames, self.number, self.step = frames, -1, 1

    def next(self, ready: int) -> int:
        """ready: frames that are there, at least 1."""
        if ready == self.frames:
            self.step = 1
            self.number = (self.number + 1) % self.frames
        else:
            if not 0 <= self.number + self.step < ready:
                self.step = 1 if self.number <= 0 else -1
            self.number = min(max(self.number + self.step, 0), ready - 1)
        return self.number


class SimCamera(Node):
    """Starts the rendering process, `close` ends it. OSError when the cache folder can't be written."""

    def __init__(self, **options) -> None:
        super().__init__("sim_camera", **options)
        value = declare(self, PARAMETERS)
        self.frame_id = value["frame_id"]
        flight = {name: value[name] for name in ("seed", "width", "height", "frames")}
        self.footage = Footage(**flight)
        self.footage.folder.mkdir(parents=True, exist_ok=True)
        self.flight = Flight(self.footage.frames)
        self.ready = self.footage.ready()
        self.views: dict[int, StoredView] = {}          # what was read; all of a flight in the end
        self.renderer = None
        if self.ready < self.footage.frames:
            # in a session of its own: Ctrl-C ends this process, which then ends that one
            command = [sys.executable, "-m", "modot_ros.learn.synthetic.footage", *map(str, flight.values())]
            self.renderer = subprocess.Popen(command, start_new_session=True)
            self.get_logger().info(f"{self.ready} of {self.footage.frames} frames are rendered; "
                                   f"the rest is being made in {self.footage.folder}")
        overridable = QoSOverridingOptions.with_default_policies()

        def publisher(kind, topic):
            return self.create_publisher(kind, topic, QoSProfile(depth=5), qos_overriding_options=overridable)

        self.info = publisher(CameraInfo, "camera_info")
        self.images = {name: publisher(Image, topic) for name, topic in (
            ("depth", "truth/depth/image"), ("boundary", "truth/boundary/image"),
            ("labels", "truth/instances/image"), ("rgb", "image"))}
        self.create_timer(1 / value["rate_hz"], self.publish)

    def publish(self) -> None:
        self.ready = self.footage.ready(self.ready)
        if not self.ready:
            if self.renderer.poll():
                raise RuntimeError(f"the rendering process ended with code {self.renderer.returncode}")
            return
        number = self.flight.next(self.ready)
        if number not in self.views:
            self.views[number] = self.footage.read(number)
        view = self.views[number]
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self.frame_id)
        height, width = view.depth_m.shape
        K = view.K
        calibration = Calibration.pinhole(width, height, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
        self.info.publish(calibration.fill(CameraInfo(header=header)))
        pixels = {"depth": (view.depth_m, "32FC1"),
                  "boundary": (view.boundary.astype(np.uint8) * 255, "mono8"),
                  "labels": (view.labels.astype(np.uint16), "16UC1"), "rgb": (view.rgb, "rgb8")}
        for name, image in self.images.items():         # the image last: its truth is there when it comes
            if image.get_subscription_count():
                image.publish(Frame.of_pixels(*pixels[name]).fill(Image(header=header)))

    def close(self) -> None:
        if self.renderer is not None and self.renderer.poll() is None:
            self.renderer.terminate()
            self.renderer.wait()


def main(args: list[str] | None = None) -> int:
    rclpy.init(args=args)
    node = None
    try:
        node = SimCamera()
        rclpy.spin(node)
    except (OSError, RuntimeError, ValueError, ParameterException) as error:
        if rclpy.ok():                                  # during a shutdown publishing fails, and rightly so
            print(f"sim_camera: {error}", file=sys.stderr)
            return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.close()
        if rclpy.ok():
            rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
