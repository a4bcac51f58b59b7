# SPDX-License-Identifier: Apache-2.0
"""Semantic classes in the node: the image, its latched names, and what they cost whom."""
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile

from modot_ros.classes import CLASS_NAMES, class_id
from modot_ros.msg import OrderGraph
from modot_ros.ros.messages import class_names


@pytest.fixture
def named(running, fake_predictor):
    def make(**parameters):
        predictor = fake_predictor()
        predictor.has_semantics = True
        return running(predictor, **parameters)
    return make


def test_classes_are_an_image_of_their_own(named, make_image):
    rig = named()
    heard = rig.listen("~/semantics/image")
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)
    assert rig.predictor.asked == [{"classes"}] and heard[0].encoding == "mono8"
    assert (heard[0].width, heard[0].height, heard[0].header.frame_id) == (32, 24, "camera")
    pixels = np.frombuffer(heard[0].data, np.uint8).reshape(24, 32)
    assert pixels[12, 16] == class_id("person") and pixels[0, 0] == class_id("wall")


def test_their_names_reach_whoever_comes_late(named):
    rig, heard = named(), []
    kind = type(class_names.class_names_message())
    rig.peer.create_subscription(kind, "/modot_node/semantics/names", heard.append,
                                 QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    rig.until(lambda: heard)
    if kind is DiagnosticStatus:
        assert [(pair.key, pair.value) for pair in heard[0].values] == [(str(k), name) for k, name in enumerate(CLASS_NAMES)]


def test_instances_are_named_unless_nobody_wants_that(named, make_image):
    rig = named()
    heard = rig.listen("~/order_graph", OrderGraph)
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)
    assert rig.predictor.asked[-1] == {"depth", "boundary", "instances", "classes"}
    assert (rig.predictor.related[-1].classes == class_id("person")).any()
    rig.node.set_parameters([rig.node.get_parameter("class_names").__class__("class_names", value=False)])
    rig.send("image", make_image(stamp=3.0))
    rig.until(lambda: len(heard) > 1)
    assert rig.predictor.asked[-1] == {"depth", "boundary", "instances"}


def test_a_model_without_classes_refuses_them_and_does_the_rest(running, make_image):
    rig = running()
    heard = rig.listen("~/order_graph", OrderGraph)
    assert "~/semantics/image" in rig.status()[1]["refused"] and not rig.peer.count_publishers("/modot_node/semantics/image")
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)
    assert rig.predictor.asked[-1] == {"depth", "boundary", "instances"}
