# SPDX-License-Identifier: Apache-2.0
"""The viewer shows what a node publishes, frame by frame; the page is replaced by a list."""
import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import CameraInfo, Image

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph
from modot_ros.ros.messages.convert import cloud_message, image_message, order_graph_message
from modot_ros.ros.watch import viewer
from modot_ros.scene.geometry import FRONTIER_COLUMNS, frontiers_at, rays

GRAPH = OrderGraph("geometric", (Instance(1, 4, (2, 4, 6, 8), 1.0, 0.9, 1.1, "box", 0.5, 7),
                                 Instance(2, 0, (1, 1, 3, 3), 4.0, 3.9, 4.1, hidden_by=1)),
                   (OcclusionOrder(1, 2, 0.5, False, 12.0, 3.0),), (DepthOrder(1, 2, False, True, 0.25),))


class Shown:
    url = "http://here"

    def __init__(self, *_):
        self.frames = []

    def show(self, frame):
        self.frames.append(frame)

    def __exit__(self, *_):
        pass


def test_the_messages_of_a_stamp_are_one_frame(running, make_image, monkeypatch):
    monkeypatch.setattr(viewer, "Page", Shown)
    rig = running(frontier_min_gap_m=1.0)
    node = viewer.Viewer(context=rig.node.context, parameter_overrides=[rclpy.Parameter("rate_hz", value=30.0)])
    rig.executor.add_node(node)
    try:
        rig.until(lambda: rig.peer.count_subscribers("/modot_node/order_graph"))
        for stamp in (2.0, 3.0):
            rig.send("image", make_image(stamp=stamp))
            rig.until(lambda stamp=stamp: node.page.frames and node.page.frames[-1].time_s == stamp - 2)
        frame = node.page.frames[-1]
        assert frame.metric and frame.K[0, 0] == 100 and frame.rgb.shape == (24, 32, 3)
        assert set(np.unique(frame.depth)) == {1, 4} and frame.boundary.dtype == bool and frame.labels.max() == 1
        assert [one.id for one in frame.graph.instances] == [1, 2] and frame.graph.occlusions[0].occluder == 1
        found, pixels = frame.frontiers
        assert len(found) == len(pixels) > 10 and (np.diff(pixels) > 0).all()
        assert "latency ms" in frame.numbers and frame.true_depth_m is None
        assert len(node.by_stamp) == 0
    finally:
        rig.executor.remove_node(node)
        node.destroy_node()


def test_a_large_image_is_shown_at_a_size_for_pages(running, monkeypatch):
    monkeypatch.setattr(viewer, "Page", Shown)
    rig = running()
    node = viewer.Viewer(context=rig.node.context)
    try:
        height, width = 960, 1280
        depth = np.full((height, width), 1500, np.uint16)
        depth[:, :10] = 0
        info = CameraInfo(width=width, height=height, k=np.array([1000.0, 0, 640, 0, 1000, 480, 0, 0, 1]))
        parts = {"image": image_message(np.zeros((height, width, 3), np.uint8), "rgb8", Image().header), "info": info,
                 "depth": image_message(depth, "16UC1", Image().header),
                 "boundary": image_message(np.zeros((height, width), np.uint8), "mono8", Image().header),
                 "labels": image_message(np.ones((height, width), np.uint16), "16UC1", Image().header),
                 "graph": order_graph_message(GRAPH, Image().header)}
        frame = node.frame(parts, 0.0)
        assert frame.rgb.shape[:2] == frame.depth.shape == frame.labels.shape == (480, 640)
        assert frame.K[0, 0] == 500 and frame.K[1, 2] == 240
        assert np.isnan(frame.depth[0, 0]) and frame.depth[100, 100] == pytest.approx(1.5)
        assert frame.graph.instances[0].bbox_px == (1, 2, 3, 4)
    finally:
        node.destroy_node()


def test_graph_and_frontiers_survive_the_way_through_messages():
    assert viewer.graph_of_message(order_graph_message(GRAPH, Image().header)) == GRAPH
    K = np.array([[50.0, 0, 20], [0, 50.0, 15], [0, 0, 1]])
    depth = np.full((30, 40), 4, np.float32)
    depth[5:25, 10:20] = 1.5
    side = np.zeros((30, 40), np.uint8)
    side[5:25, 19] = 1
    found, pixels = frontiers_at(depth, side > 0, side, rays(K, depth.shape))
    again, at = viewer.frontiers_of(cloud_message(found, FRONTIER_COLUMNS, Image().header), K, depth.shape)
    assert (again == found).all() and (at == pixels).all()
