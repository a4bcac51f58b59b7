# SPDX-License-Identifier: Apache-2.0
"""The published networks in full size behind the node: a 640x480 image in, every topic out."""
import time

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")
pytest.importorskip("modot_ros.msg", reason="the messages are not built: run `make setup` or colcon build")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402

from modot_ros.model import save_checkpoint  # noqa: E402
from modot_ros.ros.node import node as node_module  # noqa: E402
from modot_ros.ros.node.node import ModotNode  # noqa: E402
from modot_ros.ros.node.outputs import OUTPUTS  # noqa: E402

WAIT_S = 600.0                                          # a frame is ten seconds of a core, and other tests may take it
WIDTH, HEIGHT, MAX_DEPTH_M = 640, 480, 10.0
TOPICS = {"~/depth/image", "~/depth/camera_info", "~/boundary/probability", "~/boundary/image", "~/instances/image",
          "~/order_graph", "~/points"}


@pytest.fixture(params=["modot", "modot_ssr"])
def name_and_weights(request, full_size, tmp_path):
    network = full_size if request.param == "modot_ssr" else full_size.first
    path = tmp_path / f"{request.param}.safetensors"
    save_checkpoint(path, network, request.param, config={"max_depth": MAX_DEPTH_M}, canonical_focal=None,
                    working_size=None)
    yield request.param, path
    path.unlink()                                       # more than a gigabyte


@pytest.fixture
def context():
    made = rclpy.Context()
    rclpy.init(context=made)
    yield made
    rclpy.try_shutdown(context=made)


def array_of(message, dtype):
    return np.frombuffer(message.data, dtype).reshape(message.height, message.width)


def test_a_frame_goes_through_the_node(name_and_weights, context, make_image, make_camera_info, monkeypatch):
    name, weights = name_and_weights
    monkeypatch.setattr(node_module, "WARM_UP_SHAPE", (32, 32, 3))
    parameters = {"model": name, "weights": str(weights), "device": "cpu"}
    node = ModotNode(context=context, parameter_overrides=[rclpy.Parameter(k, value=v) for k, v in parameters.items()])
    peer, executor = rclpy.create_node("peer", context=context), SingleThreadedExecutor(context=context)
    executor.add_node(node)
    executor.add_node(peer)

    def until(condition):
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"waited in vain; drops: {node.health.drops()}"
            executor.spin_once(timeout_sec=0.05)

    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.health.failure
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        heard = {}
        for output in OUTPUTS:
            if output.topic in TOPICS:
                topic = output.topic.replace("~", "/modot_node")
                peer.create_subscription(output.type, topic, lambda m, of=output.topic: heard.setdefault(of, m), 1)
                until(lambda of=topic: peer.count_publishers(of))
        image, camera_info = make_image(WIDTH, HEIGHT), make_camera_info(WIDTH, HEIGHT, focal_px=500.0)
        tiles = np.random.default_rng(0).integers(0, 256, (HEIGHT // 32, WIDTH // 32, 3), np.uint8)
        picture = tiles.repeat(32, 0).repeat(32, 1)
        image.data.frombytes(picture.tobytes())
        del image.data[:picture.size]
        publishers = [peer.create_publisher(type(m), t, 1) for m, t in ((camera_info, "camera_info"), (image, "image"))]
        until(lambda: all(publisher.get_subscription_count() for publisher in publishers))
        for publisher, message in zip(publishers, (camera_info, image)):
            publisher.publish(message)
        until(lambda: TOPICS <= set(heard) or node.health.drops())
        assert not node.health.drops() and set(heard) == TOPICS
    finally:
        executor.shutdown()
        node.destroy_node()
        peer.destroy_node()

    for message in heard.values():
        assert message.header.stamp == image.header.stamp and message.header.frame_id == "camera"
    assert heard["~/depth/image"].encoding == "32FC1" and heard["~/depth/camera_info"].k[0] == pytest.approx(500.0)
    depth_m = array_of(heard["~/depth/image"], np.float32)
    assert depth_m.shape == (HEIGHT, WIDTH) and 0 < depth_m.min() and depth_m.max() < MAX_DEPTH_M
    assert np.ptp(depth_m) > 1e-2
    probability = array_of(heard["~/boundary/probability"], np.float32)
    assert probability.min() >= 0 and probability.max() <= 1 and np.ptp(probability) > 1e-3
    assert set(np.unique(array_of(heard["~/boundary/image"], np.uint8))) <= {0, 255}
    labels = array_of(heard["~/instances/image"], np.uint16)
    graph = heard["~/order_graph"]
    assert {instance.id for instance in graph.instances if instance.area_px} == set(np.unique(labels)) - {0}
    points = heard["~/points"]
    assert points.height * points.width > 1000 and len(points.data) == points.row_step * points.height
