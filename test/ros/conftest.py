# SPDX-License-Identifier: Apache-2.0
"""A modot_node with a predictor that costs nothing, and somebody on the other side of its topics."""
from __future__ import annotations

import gc
import time
from array import array
from dataclasses import replace

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from modot_ros.classes import class_id  # noqa: E402
from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph, Prediction  # noqa: E402
from modot_ros.ros.calibration import Calibration  # noqa: E402
from modot_ros.ros.node.node import ModotNode  # noqa: E402

WAIT_S = 10.0                                           # for what must come; tests end long before


GRAPH = OrderGraph("geometric", (Instance(1, 4, (0, 0, 2, 2), 1.0, 0.9, 1.1, "box"),
                                 Instance(2, 9, (1, 1, 3, 3), 4.0, 3.9, 4.1)),
                   (OcclusionOrder(1, 2, 0.9, False, 12.0, 3.0),), (DepthOrder(1, 2, False, False, 0.3),))


class FakePredictor:
    """A box at 1 m (times focal / 100 px) before a wall at 4 m, in the middle of any picture."""

    name, device = "fake", "cpu"

    def __init__(self, depth_kind: str = "metric") -> None:
        self.depth_kind = depth_kind
        self.boundary_threshold, self.max_instances = 0.5, 64
        self.asked: list[set[str]] = []                 # parts of every call but the warm-up
        self.related: list[Prediction] = []             # what was given to be related
        self.found: list[bool] = []                     # whether its labels were the predictor's own regions
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.has_uncertainty = False                    # True: 0.1 at the box, 0.5 at the wall
        self.has_semantics = False                      # True: a person before a wall

    def predict(self, rgb, focal_px=None, parts=("depth",)) -> Prediction:
        height, width = rgb.shape[:2]
        if width != 640:                                # the warm-up's
            self.asked.append(set(parts))
            time.sleep(self.delay_s)
            if self.error is not None:
                raise self.error
        focal_px = 100.0 if focal_px is None else focal_px
        box = np.zeros((height, width), bool)
        box[height // 4:-(height // 4), width // 4:-(width // 4)] = True
        depth = np.where(box, np.float32(1), np.float32(4)) * np.float32(focal_px / 100)
        edge = box.copy()
        edge[height // 4 + 1:-(height // 4) - 1, width // 4 + 1:-(width // 4) - 1] = False
        values = {
            "depth": {"depth": depth},
            "boundary": {"boundary_probability": edge.astype(np.float32), "boundary_mask": edge,
                         "boundary_side": np.where(edge, 1, 0).astype(np.uint8)},
            "instances": {"labels": box.astype(np.int32)},
            "classes": {"classes": np.where(box, np.uint8(class_id("person")), np.uint8(class_id("wall"))),
                        "class_probability": np.full(box.shape, np.float32(0.8))} if self.has_semantics else {}}
        chosen = {name: value for part in parts for name, value in values[part].items()}
        std = np.where(box, np.float32(0.1), np.float32(0.5)) if self.has_uncertainty and "depth" in parts else None
        return Prediction(depth_kind=self.depth_kind, focal_px=focal_px, log_depth_std=std, **chosen)

    def relate(self, rgb, prediction, labels, names, scores, found) -> Prediction:
        """Always the same two instances when the labels are its own, else those of the labels, named."""
        self.related.append(prediction)
        self.found.append(found)
        ids = [number for number in np.unique(labels).tolist() if number]
        given = tuple(Instance(i, 1, (0, 0, 1, 1), 1.0, 1.0, 1.0, names.get(i, ""), scores.get(i, 1.0)) for i in ids)
        graph = GRAPH if ids == [1] else OrderGraph("geometric", given)
        return replace(prediction, labels=labels, graph=graph)


def image(width=32, height=24, encoding="rgb8", stamp=1.0, channels=3, **changes) -> Image:
    """A grey image; `changes` overwrite fields afterwards."""
    message = Image(height=height, width=width, encoding=encoding, step=width * channels)
    message.header.frame_id = "camera"
    message.header.stamp.sec, message.header.stamp.nanosec = int(stamp), round(stamp % 1 * 1e9)
    message.data = array("B", bytes([128]) * (width * height * channels))
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def calibration(width=32, height=24, focal_px=100.0, stamp=1.0, **changes) -> CameraInfo:
    message = Calibration.pinhole(width, height, 1.0).fill(CameraInfo())
    message.header.stamp.sec, message.header.stamp.nanosec = int(stamp), round(stamp % 1 * 1e9)
    message.k[0] = message.k[4] = message.p[0] = message.p[5] = focal_px
    for name, value in changes.items():
        setattr(message, name, value)
    return message


class Rig:
    """The node under test as `node`, its predictor, and a peer that sends and listens, in one thread."""

    def __init__(self, context, predictor: FakePredictor, **parameters) -> None:
        self.predictor = predictor
        overrides = [rclpy.Parameter(name, value=value) for name, value in parameters.items()]
        self.node = ModotNode(lambda _: predictor, context=context, parameter_overrides=overrides)
        self.peer = rclpy.create_node("peer", context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.peer)
        self.heard: dict[str, list] = {}
        self._publishers = {}

    def start(self) -> None:
        assert self.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert self.node.trigger_activate() == TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.peer.destroy_node()

    def listen(self, topic: str, message_type=Image) -> list:
        """Messages that come on the node's `topic`, in a list that grows while the rig spins."""
        heard = self.heard.setdefault(topic, [])
        self.peer.create_subscription(message_type, topic.replace("~", "/modot_node"), heard.append, 10)
        self.until(lambda: self.peer.count_publishers(topic.replace("~", "/modot_node")))
        return heard

    def send(self, topic: str, message) -> None:
        """Publish, once the node listens."""
        if topic not in self._publishers:
            self._publishers[topic] = self.peer.create_publisher(type(message), topic, 10)
            self.until(lambda: self._publishers[topic].get_subscription_count())
        self._publishers[topic].publish(message)

    def until(self, condition) -> None:
        """Spin until the condition holds; fails when it does not come to."""
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"waited {WAIT_S} s in vain; drops: {self.node.health.drops()}"
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.executor.spin_once(timeout_sec=0.02)

    def status(self):
        """The node's diagnostics now, and its values as a dictionary."""
        status = self.node.health.status("node", "id", self.node.state_label, time.monotonic())
        return status, {pair.key: pair.value for pair in status.values}


@pytest.fixture(scope="module", autouse=True)
def no_other_node():
    """Collects the last file's nodes: a lifecycle node that was only destroyed still has its services."""
    gc.collect()


@pytest.fixture
def rig():
    """Makes a Rig: rig(predictor=None, **parameters)."""
    context = rclpy.Context()
    rclpy.init(context=context)
    made = []

    def make(predictor: FakePredictor | None = None, **parameters) -> Rig:
        made.append(Rig(context, predictor or FakePredictor(), **parameters))
        return made[-1]

    yield make
    for one in made:
        one.close()
    rclpy.try_shutdown(context=context)


@pytest.fixture
def make_image():
    return image


@pytest.fixture
def make_camera_info():
    return calibration


@pytest.fixture
def fake_predictor():
    return FakePredictor


@pytest.fixture
def running(rig, make_camera_info):
    """An active rig that has its camera's calibration."""
    def make(*arguments, **parameters):
        running = rig(*arguments, **parameters)
        running.start()
        running.send("camera_info", make_camera_info(stamp=0.5))
        running.until(lambda: running.node._pairing._newest_info is not None)
        return running
    return make
