# SPDX-License-Identifier: Apache-2.0
"""Node `recorder`: what a camera and a modot_node publish, as an MCAP file with all message definitions inside.

Subscribes each topic of `topics` when somebody publishes it, in the serialized form, so that nothing is decoded. The node
computes those of its outputs that are recorded and no others. Of a camera that publishes `image/compressed` and no `image` the
former is recorded.
"""
from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.msg import FloatingPointRange
from rclpy.exceptions import InvalidTopicNameException, ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.validate_topic_name import validate_topic_name

from modot_ros.ros.node.topics import camera_info_topic
from modot_ros.ros.sources.image_source import declare
from modot_ros.ros.watch.recording import Recording

TOPICS = ("image", "camera_info", "modot_node/depth/image", "modot_node/depth/camera_info", "modot_node/boundary/image",
          "modot_node/instances/image", "modot_node/order_graph", "modot_node/order_graph/markers",
          "modot_node/frontiers/markers", "modot_node/overlay")
LOOK_PERIOD_S = 0.5                                     # how often publishers are looked for
QUEUED = 30                                             # messages of a topic that wait while the disk is slow
PARAMETERS = (
    ("output", "", "Folder of the recording, which is made; empty = recording_DATE_TIME", None),
    ("topics", list(TOPICS), "Names of topics to record", None),
    ("report_period_s", 10.0, "Seconds between lines of progress in the log",
     FloatingPointRange(from_value=1.0, to_value=3600.0)),
)


class Recorder(Node):
    """Raises what Recording raises, and ValueError for topics that are no names. `stopped` says why it records no more."""

    def __init__(self, **options: Any) -> None:
        super().__init__("recorder", **options)
        value = declare(self, PARAMETERS)
        folder = Path(value["output"] or datetime.now().strftime("recording_%Y-%m-%d_%H-%M-%S"))
        self.wanted = {self.full_name(name) for name in value["topics"]}
        self.recording = Recording(folder)
        self.stopped = ""
        self._compressed = set[str]()                   # seen at the last look, without the raw image beside them
        self.create_timer(LOOK_PERIOD_S, self.look)
        self.create_timer(value["report_period_s"], self.report)
        self.get_logger().info(f"recording {', '.join(sorted(self.wanted))} into {folder}")

    def full_name(self, name: str) -> str:
        """Of a topic; camera_info that nobody remapped is beside the image, as for modot_node. Raises ValueError for what is no
        name."""
        try:
            validate_topic_name(name)
        except InvalidTopicNameException as error:
            raise ValueError(f"topics has {name!r}: {error}") from error
        resolved = self.resolve_topic_name(name)
        if name == "camera_info":
            return camera_info_topic(resolved, self.resolve_topic_name("image"), self.get_namespace())
        return resolved

    def look(self) -> None:
        """Subscribes the wanted topics that have a publisher by now."""
        for topic in sorted(self.wanted):
            offers = self.get_publishers_info_by_topic(topic)
            if not offers and self.count_publishers(f"{topic}/compressed"):
                if topic not in self._compressed:       # the raw image may only have been discovered later
                    self._compressed.add(topic)
                    continue
                self.wanted.discard(topic)
                topic = f"{topic}/compressed"
                offers = self.get_publishers_info_by_topic(topic)
                self.get_logger().info(f"{topic} is recorded: nobody publishes the image itself")
            if not offers or self.stopped:
                continue
            self.wanted.discard(topic)
            kind = offers[0].topic_type
            try:
                package, _, name = kind.split("/")
                message = getattr(import_module(f"{package}.msg"), name)
            except (AttributeError, ImportError) as error:
                self.get_logger().error(f"{topic} is not recorded: its messages, {kind}, are not installed ({error})")
                continue
            reliable = all(one.qos_profile.reliability == ReliabilityPolicy.RELIABLE for one in offers)
            latched = all(one.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for one in offers)
            self.create_subscription(
                message, topic, self.receiver(topic, kind),
                QoSProfile(depth=QUEUED,
                           reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
                           durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE), raw=True)

    def receiver(self, topic: str, kind: str):
        def receive(data: bytes) -> None:
            if self.stopped:
                return
            try:
                self.recording.write(topic, kind, self.get_clock().now().nanoseconds, data)
            except (OSError, ValueError) as error:
                self.stopped = f"recording stopped: {error}"
                self.get_logger().error(self.stopped)
        return receive

    def report(self) -> None:
        silent = f"; nobody publishes {', '.join(sorted(self.wanted))}" if self.wanted else ""
        self.get_logger().info(f"{self.recording.messages} messages in {self.recording.folder}{silent}")

    def close(self) -> None:
        """Ends the file. Raises OSError."""
        self.recording.close()


def main(args: list[str] | None = None, chosen: Mapping[str, Any] | None = None) -> int:
    """chosen: parameters by name, before those of the command line."""
    rclpy.init(args=args)
    node = None
    try:
        node = Recorder(parameter_overrides=[Parameter(name, value=value) for name, value in (chosen or {}).items()])
        while rclpy.ok() and not node.stopped:
            rclpy.spin_once(node, timeout_sec=LOOK_PERIOD_S)
    except (OSError, ValueError, ParameterException) as error:
        print(f"recorder: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
        if node is not None:
            try:
                node.close()
            except OSError as error:                    # what is on the disk can be read up to its last whole part
                print(f"recorder: {node.recording.folder} has no index, for {error}", file=sys.stderr)
            print(f"{node.recording.messages} messages in {node.recording.folder}", flush=True)
    return 1 if node.stopped else 0


if __name__ == "__main__":
    sys.exit(main())
