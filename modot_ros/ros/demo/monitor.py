# SPDX-License-Identifier: Apache-2.0
"""Node `monitor`: watches a camera and a modot_node, prints a live table, keeps overlays, judges the outputs.

Subscribes `image`, the node's outputs under `modot_node/`, `/diagnostics` and, where a simulated camera gives
it, `truth/depth/image` and `truth/boundary/image`. The process ends with 0 only when valid output came.
"""
from __future__ import annotations

import json
import sys
import time
from collections import OrderedDict
from datetime import datetime
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import FloatingPointRange
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import Image

from modot_ros.msg import OrderGraph
from modot_ros.ros.compat import CvBridge
from modot_ros.ros.demo.album import MAX_PICTURES, VIDEO_RATE_HZ, Album
from modot_ros.ros.demo.tally import RECENT_S, Tally, heading, line
from modot_ros.ros.demo.verdict import Verdict
from modot_ros.ros.messages.convert import BadFrame, rgb_of
from modot_ros.ros.sources.image_source import declare
from modot_ros.scene.pixel_scores import boundary_f, depth_scores
from modot_ros.scene.tone import Tone

OUTPUTS = {"depth": "modot_node/depth/image", "boundary": "modot_node/boundary/image",
           "labels": "modot_node/instances/image", "overlay": "modot_node/overlay"}
TRUTH = {"true depth": "truth/depth/image", "true boundary": "truth/boundary/image"}
SECONDS = FloatingPointRange(from_value=0.0, to_value=1e6)
PARAMETERS = (
    ("output", "", "Folder for pictures and report; empty = modot_<date>_<time> in the current one", None),
    ("duration_s", 0.0, "Seconds from the first output to the end; 0 = until stopped", SECONDS),
    ("timeout_s", 30.0, "Seconds to wait for the first output; 0 = for ever", SECONDS),
)
NEEDED = ("depth", "boundary", "labels", "graph")
KEPT_STAMPS = 60                                        # a few seconds of frames
CHECK_PERIOD_S = 0.25                                   # checking every frame would take the node's CPU time


class Monitor(Node):
    """`done` is True after `duration_s` of output or `timeout_s` without; `finish` gives the exit code.

    shown: False keeps its rows to itself.
    """

    def __init__(self, shown: bool = True, **options) -> None:
        super().__init__("monitor", **options)
        value = declare(self, PARAMETERS)
        self.duration_s, self.timeout_s = value["duration_s"], value["timeout_s"]
        self.album = Album(Path(value["output"] or f"modot_{datetime.now():%Y%m%d_%H%M%S}").resolve())
        self.report, self.table = self.album.folder / "report.json", self.album.folder / "table.txt"
        for old in (self.report, self.table):
            old.unlink(missing_ok=True)
        self.bridge, self.tone, self.tally, self.verdict = CvBridge(), Tone(), Tally(), Verdict()
        self.came = dict.fromkeys(("depth", "boundary", "labels", "graph", "overlay"), 0)
        self.by_stamp: OrderedDict[int, dict] = OrderedDict()
        self.images: OrderedDict[int, Image] = OrderedDict()
        self.picture: np.ndarray | None = None          # the newest overlay beside its image, bgr
        self.start_s = time.monotonic()
        self.first_output_s: float | None = None
        self.early = 0                                  # frames that came before the first output
        self.rows: list[str] = []
        self.shown = shown

        every = QoSProfile(depth=10)
        camera = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)       # fits any camera
        self.create_subscription(Image, "image", self.take_image, camera)
        for name, topic in (OUTPUTS | TRUTH).items():
            self.create_subscription(Image, topic, self.receiver(name), every)
        self.create_subscription(OrderGraph, "modot_node/order_graph", self.receiver("graph"), every)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.read_diagnostics, every)
        self.create_timer(1.0, self.print_row)
        self.create_timer(CHECK_PERIOD_S, self.check_newest)
        self.create_timer(1 / VIDEO_RATE_HZ, self.film)
        self.create_timer((self.duration_s or 60.0) / MAX_PICTURES, self.keep)

    @property
    def done(self) -> bool:
        now_s = time.monotonic()
        if self.first_output_s is None:
            return bool(self.timeout_s) and now_s - self.start_s > self.timeout_s
        return bool(self.duration_s) and now_s - self.first_output_s > self.duration_s

    def take_image(self, message: Image) -> None:
        self.tally.frames_in += 1
        self.images[Time.from_msg(message.header.stamp).nanoseconds] = message
        while len(self.images) > KEPT_STAMPS:
            self.images.popitem(last=False)

    def receiver(self, name: str):
        """A callback that files a message by its stamp; depth is what counts as one processed frame."""
        def receive(message, info) -> None:
            stamp = Time.from_msg(message.header.stamp)
            self.by_stamp.setdefault(stamp.nanoseconds, {})[name] = message
            while len(self.by_stamp) > KEPT_STAMPS:
                self.by_stamp.popitem(last=False)
            if name in self.came:
                self.came[name] += 1
            if name == "depth":
                now_s = time.monotonic()
                if self.first_output_s is None:
                    self.first_output_s, self.early = now_s, self.tally.frames_in
                self.tally.outputs.append((now_s, self.latency_s(stamp, info)))
            elif name == "overlay":
                self.picture = self.beside_image(self.bridge.imgmsg_to_cv2(message, "bgr8"), stamp)
        return receive

    def beside_image(self, overlay: np.ndarray, stamp: Time) -> np.ndarray:
        """The image of that stamp to the left of its overlay; the overlay alone without an image."""
        image = self.images.get(stamp.nanoseconds)
        if image is None or (image.height, image.width) != overlay.shape[:2]:
            return overlay
        try:
            return np.hstack([rgb_of(image, self.tone)[..., ::-1], overlay])
        except BadFrame:
            return overlay

    def latency_s(self, stamp: Time, info: dict) -> float:
        """From the camera's stamp to the arrival here.

        By the middleware's clock, because time in our own queue is not the node's.
        """
        arrived_ns = info["received_timestamp"]
        if not arrived_ns or self.get_parameter("use_sim_time").value:
            arrived_ns = self.get_clock().now().nanoseconds
        return (arrived_ns - stamp.nanoseconds) * 1e-9

    def read_diagnostics(self, message: DiagnosticArray) -> None:
        own = self.resolve_topic_name("modot_node").lstrip("/")
        for status in message.status:
            for pair in status.values:
                if status.name.lstrip("/").startswith(f"{own}:") and pair.key == "frames_dropped":
                    self.tally.dropped = int(pair.value)

    def check_newest(self) -> None:
        """Judge the newest frame of which every output has come, and score it where there is truth."""
        complete = [stamp for stamp, parts in self.by_stamp.items() if all(name in parts for name in NEEDED)]
        if not complete:
            return
        parts = self.by_stamp[complete[-1]]
        for stamp in [stamp for stamp in self.by_stamp if stamp <= complete[-1]]:
            del self.by_stamp[stamp]
        depth_m, boundary, labels = (self.bridge.imgmsg_to_cv2(parts[name])
                                     for name in ("depth", "boundary", "labels"))
        if parts["depth"].encoding == "16UC1":          # millimetres, 0 = no estimate
            depth_m = np.where(depth_m == 0, np.nan, depth_m / np.float32(1000))
        graph = parts["graph"]
        ids = {instance.id for instance in graph.instances if not instance.hidden_by}
        ids |= {id for order in graph.occlusions for id in (order.occluder, order.occludee)}
        ids |= {id for order in graph.depths for id in (order.near, order.far)}
        self.verdict.check(depth_m, boundary, labels, ids)
        if all(name in parts and parts[name].width == parts["depth"].width for name in TRUTH):
            true_m, true_boundary = (self.bridge.imgmsg_to_cv2(parts[name]) for name in TRUTH)
            depth = depth_scores(depth_m, true_m)
            self.tally.abs_rel.append(depth.abs_rel)
            self.tally.delta1.append(depth.delta1)
            self.tally.boundary_f.append(boundary_f(boundary, true_boundary, tolerance_px=1).f)

    def film(self) -> None:
        if self.picture is not None:
            self.album.film(self.picture)

    def keep(self) -> None:
        if self.picture is not None:
            self.album.keep(self.picture)

    def say(self, text: str) -> None:
        self.rows.append(text)
        if self.shown:
            print(text, flush=True)

    def print_row(self) -> None:
        now_s = time.monotonic()
        if not self.rows:
            self.say(heading())
        self.say(line(self.tally.row(now_s - self.start_s, now_s - RECENT_S)))

    def finish(self) -> int:
        """Print the sum and what is wrong, write the report; 0 when valid output came, else 1."""
        row = self.tally.row(time.monotonic() - self.start_s)
        problems = self.verdict.problems(self.came)
        if self.picture is not None and not self.album.pictures:
            self.album.keep(self.picture)
        self.say(f"whole run, {self.early} of the frames before the first output")
        self.say(line(row))
        self.say(f"{self.verdict.frames} frames checked, {len(self.tally.boundary_f)} of them against truth: "
                 + ("; ".join(problems) if problems else "valid"))
        files = self.album.close()
        names = ("time_s", "frames_in", "processed", "dropped", "rate_hz", "latency_median_ms",
                 "latency_p95_ms", "boundary_f", "abs_rel", "delta1")
        report = {name: None if value != value else value for name, value in zip(names, row, strict=True)}
        report |= {"frames_early": self.early, "frames_checked": self.verdict.frames,
                   "frames_scored": len(self.tally.boundary_f), "messages": self.came, "problems": problems}
        self.report.write_text(json.dumps(report, indent=1) + "\n")
        self.say(f"{len(files)} pictures and videos, {self.report.name} and {self.table.name} are in "
                 f"{self.album.folder}")
        self.table.write_text("\n".join(self.rows) + "\n")
        return 1 if problems else 0


def main(args: list[str] | None = None) -> int:
    rclpy.init(args=args)
    node = None
    try:
        node = Monitor()
        while not node.done:
            rclpy.spin_once(node, timeout_sec=0.1)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except OSError as error:
        print(f"monitor: {error}", file=sys.stderr)
    finally:
        if rclpy.ok():
            rclpy.shutdown()
    return node.finish() if node is not None else 1


if __name__ == "__main__":
    sys.exit(main())
