# SPDX-License-Identifier: Apache-2.0
"""Several cameras in one process: a node each, what is shared and what is not."""
import gc
import time

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from modot_ros import engine as engines  # noqa: E402
from modot_ros.ros.multi import SharedEngines, camera_names, camera_nodes, started  # noqa: E402
from modot_ros.ros.node.parameters import Parameters  # noqa: E402

WAIT_S = 20.0


@pytest.fixture
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.try_shutdown(context=context)


def test_cameras_have_their_topics_parameters_and_diagnostics(context, fake_predictor, make_image):
    made = []

    def factory(parameters):
        made.append(fake_predictor())
        return made[-1]
    nodes = camera_nodes(["front", "robot/rear"], factory, context=context)
    peer, executor = rclpy.create_node("peer", context=context), SingleThreadedExecutor(context=context)
    for node in (*nodes, peer):
        executor.add_node(node)
    heard = {name: [] for name in ("/front", "/robot/rear")}
    statuses = set()
    for name, messages in heard.items():
        peer.create_subscription(Image, f"{name}/modot_node/depth/image", messages.append, 10)
    peer.create_subscription(DiagnosticArray, "/diagnostics", lambda message: statuses.update(
        status.name for status in message.status), 10)
    images = {name: peer.create_publisher(Image, f"{name}/image", 10) for name in heard}
    try:
        assert all(started(node) for node in nodes)
        assert nodes[1].set_parameters([Parameter("max_depth_m", value=3.0)])[0].successful
        end_s = time.monotonic() + WAIT_S
        stamp = 1.0
        while not (all(heard.values()) and len(statuses) == 2) and time.monotonic() < end_s:
            stamp += 0.1
            for name, publisher in images.items():
                publisher.publish(make_image(stamp=stamp, width=32 if name == "/front" else 64))
            executor.spin_once(timeout_sec=0.02)
        depths = {name: np.frombuffer(messages[0].data, np.float32) for name, messages in heard.items()}
        assert depths["/front"].size == 32 * 24 and np.isfinite(depths["/front"]).all()
        assert depths["/robot/rear"].size == 64 * 24 and np.isinf(depths["/robot/rear"]).any(), "its own max_depth_m"
        assert statuses == {"/front/modot_node: perception", "/robot/rear/modot_node: perception"}
        assert len(made) == 2
    finally:
        executor.shutdown()
        for node in (*nodes, peer):
            node.destroy_node()


@pytest.mark.parametrize("value, problem", [
    (None, "cameras is empty"), (["front", "front"], "front twice"), (["a b"], "no namespace"),
    ([""], "no namespace")])
def test_names_that_cannot_be_namespaces_are_refused(context, value, problem):
    overrides = [] if value is None else [Parameter("cameras", Parameter.Type.STRING_ARRAY, value)]
    container = rclpy.create_node("container", context=context, parameter_overrides=overrides)
    with pytest.raises(ValueError, match=problem):
        camera_names(container)
    container.destroy_node()


def test_the_same_network_is_loaded_once_and_forgotten_with_its_last_camera(monkeypatch):
    loaded, make = [], engines.make_engine

    def counted(*arguments):
        loaded.append(arguments)
        return make(*arguments)
    monkeypatch.setattr(engines, "make_engine", counted)
    factory = SharedEngines()
    first, second = factory(Parameters(device="cpu")), factory(Parameters(device="cpu", max_depth_m=5.0))
    assert first is not second and first.engine is second.engine and len(loaded) == 1
    third = factory(Parameters(device="cpu", precision="bf16"))
    assert third.engine is not first.engine and len(loaded) == 2
    del first, second, third
    gc.collect()
    factory(Parameters(device="cpu"))
    assert len(loaded) == 3
