# SPDX-License-Identifier: Apache-2.0
"""Node `viewer`: a live page in the browser of what a camera and a modot_node publish.

Subscribes `image`, the node's outputs under `modot_node/` and, where a simulated camera gives it, `truth/...`. Messages of one
stamp are one frame; of those that are complete the newest is shown, `rate_hz` times per second at most.
"""
from __future__ import annotations

import sys
import time
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from modot_ros.msg import OrderGraph
from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder
from modot_ros.prediction import OrderGraph as Graph
from modot_ros.ros.compat import CvBridge
from modot_ros.ros.messages.convert import BadFrame, rgb_of
from modot_ros.ros.node.sizes import graph_in_pixels, reduced, resized_labels
from modot_ros.ros.sources.image_source import declare
from modot_ros.scene.geometry import FRONTIER_COLUMNS
from modot_ros.scene.tone import Tone
from modot_ros.view.frame import FrameView
from modot_ros.view.page import Page

TOPICS = {"depth": (Image, "modot_node/depth/image"), "relative": (Image, "modot_node/depth_relative/image"),
          "std": (Image, "modot_node/depth/uncertainty"), "info": (CameraInfo, "modot_node/depth/camera_info"),
          "boundary": (Image, "modot_node/boundary/image"), "labels": (Image, "modot_node/instances/image"),
          "graph": (OrderGraph, "modot_node/order_graph"), "frontiers": (PointCloud2, "modot_node/frontiers"),
          "true_depth": (Image, "truth/depth/image"), "true_boundary": (Image, "truth/boundary/image")}
NEEDED = {"image", "boundary", "labels", "graph"}
KEPT_STAMPS = 30
RATE_FRAMES = 20                                        # that the rate looks back on
ASSUMED_FOCAL = 0.8                                     # of the width, where no camera is known
PARAMETERS = (
    ("port", 9090, "Port of the page on this machine; 0 = a free one", IntegerRange(from_value=0, to_value=65535, step=1)),
    ("save", "", "Keep everything in this .rrd file as well; empty = don't", None),
    ("rate_hz", 5.0, "Most frames shown per second", FloatingPointRange(from_value=0.1, to_value=60.0)),
)


class Viewer(Node):
    """Raises what Page raises. `close` ends the page."""

    def __init__(self, **options: Any) -> None:
        super().__init__("viewer", **options)
        value = declare(self, PARAMETERS)
        self.page = Page(value["port"], Path(value["save"]) if value["save"] else None)
        self.bridge, self.tone = CvBridge(), Tone()
        self.by_stamp: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self.arrivals_s: deque[float] = deque(maxlen=RATE_FRAMES)
        self.seen: set[str] = set()                     # kinds of messages that have come
        self.start_ns: int | None = None
        best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(Image, "image", self.receiver("image"), best_effort)
        for name, (kind, topic) in TOPICS.items():
            self.create_subscription(kind, topic, self.receiver(name), QoSProfile(depth=5))
        self.create_timer(1 / value["rate_hz"], self.show_newest)
        print(f"open {self.page.url}", flush=True)

    def receiver(self, name: str):
        """A callback that files a message by its stamp."""
        def receive(message) -> None:
            self.seen.add(name)
            stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
            parts = self.by_stamp.setdefault(stamp_ns, {})
            parts[name] = message
            while len(self.by_stamp) > KEPT_STAMPS:
                self.by_stamp.popitem(last=False)
            if name in ("depth", "relative"):
                self.arrivals_s.append(time.monotonic())
                parts["latency_s"] = (self.get_clock().now().nanoseconds - stamp_ns) * 1e-9
        return receive

    def show_newest(self) -> None:
        """Shows the newest frame of which everything has come that has come before."""
        needed = NEEDED | self.seen & {"frontiers", "depth", "relative"}
        complete = [stamp_ns for stamp_ns, parts in self.by_stamp.items() if needed <= set(parts)]
        if not complete or not self.seen & {"depth", "relative"}:
            return
        newest = max(complete)
        parts = self.by_stamp[newest]
        for stamp_ns in [one for one in self.by_stamp if one <= newest]:
            del self.by_stamp[stamp_ns]
        if self.start_ns is None or newest < self.start_ns:
            self.start_ns = newest
        try:
            self.page.show(self.frame(parts, (newest - self.start_ns) * 1e-9))
        except BadFrame as error:
            self.get_logger().warning(f"frame not shown: {error}", throttle_duration_sec=5.0)

    def frame(self, parts: dict[str, Any], time_s: float) -> FrameView:
        """The messages of one stamp at a size that a page can show. Raises BadFrame."""
        image = rgb_of(parts["image"], self.tone)
        rgb = reduced(image)
        shape = rgb.shape[:2]
        factor = rgb.shape[1] / image.shape[1]

        def pixels(name: str) -> np.ndarray | None:
            if name not in parts:
                return None
            array = self.bridge.imgmsg_to_cv2(parts[name])
            return array if array.shape[:2] == shape else cv2.resize(array, shape[::-1], interpolation=cv2.INTER_NEAREST)

        metric = "depth" in parts
        depth = pixels("depth" if metric else "relative")
        if depth is not None and depth.dtype == np.uint16:      # millimetres, 0 = no estimate
            depth = np.where(depth == 0, np.nan, depth / np.float32(1000)).astype(np.float32)
        info = parts.get("info")
        K = np.array([[ASSUMED_FOCAL * shape[1], 0, shape[1] / 2], [0, ASSUMED_FOCAL * shape[1], shape[0] / 2], [0, 0, 1]])
        if info is not None and info.k[0] > 0:
            K = np.array(info.k).reshape(3, 3) * np.array([[shape[1] / info.width], [shape[0] / info.height], [1.0]])
        boundary, true_boundary = pixels("boundary"), pixels("true_boundary")
        frontiers = frontiers_of(parts["frontiers"], K, shape) if "frontiers" in parts else None
        numbers = {"latency ms": 1e3 * parts.get("latency_s", np.nan)}
        if len(self.arrivals_s) > 1 and self.arrivals_s[-1] > self.arrivals_s[0]:
            numbers["rate Hz"] = (len(self.arrivals_s) - 1) / (self.arrivals_s[-1] - self.arrivals_s[0])
        return FrameView(
            rgb, K, time_s, metric, depth, pixels("std"), None if boundary is None else boundary > 0,
            resized_labels(self.bridge.imgmsg_to_cv2(parts["labels"]).astype(np.int32), shape),
            graph_in_pixels(graph_of_message(parts["graph"]), factor), frontiers, pixels("true_depth"),
            None if true_boundary is None else true_boundary > 0, numbers)

    def close(self) -> None:
        self.page.__exit__()


def frontiers_of(message: PointCloud2, K: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """float32 [N, 7] of a cloud, and the pixel of each where a camera without distortion sees it, ascending."""
    found = np.frombuffer(message.data, np.float32).reshape(-1, len(FRONTIER_COLUMNS))
    u, v = (np.rint(K[axis, axis] * found[:, axis] / found[:, 2] + K[axis, 2]).astype(np.int64) for axis in (0, 1))
    inside = np.flatnonzero((u >= 0) & (u < shape[1]) & (v >= 0) & (v < shape[0]))
    pixels, first = np.unique(v[inside] * shape[1] + u[inside], return_index=True)
    return found[inside[first]], pixels


def graph_of_message(message: OrderGraph) -> Graph:
    """The message as this package's own graph."""
    def of(kind: type, one: Any) -> Any:
        return kind(**{name: getattr(one, name) for name in kind.__dataclass_fields__ if name != "bbox_px"},
                    **({"bbox_px": tuple(int(value) for value in one.bbox_px)} if kind is Instance else {}))

    return Graph(message.method, tuple(of(Instance, one) for one in message.instances),
                 tuple(of(OcclusionOrder, one) for one in message.occlusions),
                 tuple(of(DepthOrder, one) for one in message.depths))


def main(args: list[str] | None = None) -> int:
    rclpy.init(args=args)
    node = None
    try:
        node = Viewer()
        rclpy.spin(node)
    except (ModuleNotFoundError, OSError, ValueError, ParameterException) as error:
        print(f"viewer: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.close()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
