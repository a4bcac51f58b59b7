# SPDX-License-Identifier: Apache-2.0
"""Markers of a few posts and instances: what RViz would draw where, and in which colours."""
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph  # noqa: E402
from modot_ros.ros.messages.markers import HIDDEN, OBSTACLES, PEOPLE, frontier_markers, order_markers  # noqa: E402
from modot_ros.scene.order.places import Place  # noqa: E402

HEADER = Header(frame_id="camera")
POSTS = np.array([[0, -1, 1, 0, -2, 2, 1], [0, 0, 1, 0, 0, 4, 3], [0, 1, 1, 0, 9, 9, 8]], np.float32)


def rgb(marker):
    return tuple(round(255 * value) for value in (marker.color.r, marker.color.g, marker.color.b))


def test_a_curtain_is_two_triangles_between_neighbours_coloured_by_gap():
    clear, curtain = frontier_markers(POSTS, np.array([[0, 1], [1, 2]]), HEADER).markers
    assert clear.action == Marker.DELETEALL and curtain.action == Marker.ADD and curtain.type == Marker.TRIANGLE_LIST
    assert curtain.header == HEADER and curtain.pose.orientation.w == 1
    assert len(curtain.points) == len(curtain.colors) == 12
    corners = {(point.x, point.y, point.z) for point in curtain.points[:6]}
    assert corners == {(0, -1, 1), (0, 0, 1), (0, -2, 2), (0, 0, 4)}
    of_gap = {point.z: (colour.r, colour.g, colour.b) for point, colour in zip(curtain.points, curtain.colors)}
    assert of_gap[4] == of_gap[9] != of_gap[2]          # 3 m and more are the end of the scale
    again = deserialize_message(serialize_message(MarkerArray(markers=[clear, curtain])), MarkerArray)
    assert again.markers[1].points == curtain.points and len(again.markers[1].colors) == 12


def test_without_frontiers_the_old_ones_go():
    assert [one.action for one in frontier_markers(POSTS[:0], np.zeros((0, 2), int), HEADER).markers] == [Marker.DELETEALL]


def test_people_obstacles_regions_and_ghosts_differ():
    instances = (Instance(1, 9, (0, 0, 3, 3), 2.0, 1.9, 2.1, "person"), Instance(2, 9, (0, 0, 3, 3), 3.0, 2.9, 3.1, "chair"),
                 Instance(3, 9, (0, 0, 3, 3), 4.0, 3.9, 4.1), Instance(4, 0, (0, 0, 3, 3), 5.0, 4.9, 5.1, "cup", hidden_by=1),
                 Instance(5, 9, (0, 0, 3, 3), np.nan, np.nan, np.nan), Instance(6, 9, (0, 0, 3, 3), 6.0, 5.9, 6.1, "wall"))
    places = {one.id: Place((0.0, 0.0, one.depth_m), (0.5, 1.7, 0.2)) for one in instances if one.id != 5}
    graph = OrderGraph("geometric", instances, (OcclusionOrder(1, 2, 0.9, False, 10.0, 1.0),
                                                OcclusionOrder(1, 5, 0.8, False, 10.0, 1.0)))
    markers = order_markers(graph, places, HEADER).markers
    assert markers[0].action == Marker.DELETEALL
    by_name = {(one.ns, one.id): one for one in markers[1:]}
    assert len(by_name) == len(markers) - 1             # RViz complains of two of one name
    assert rgb(by_name["people", 1]) == PEOPLE and by_name["people", 1].type == Marker.CYLINDER
    assert rgb(by_name["obstacles", 2]) == OBSTACLES and rgb(by_name["hidden", 4]) == HIDDEN
    assert by_name["people", 1].scale.z == pytest.approx(1.7)       # along the cylinder, which stands upright
    for number in (3, 6):                               # without a name, and a part of the room
        assert not {(kind, number) for kind in ("people", "obstacles", "hidden")} & set(by_name)
        assert ("instances", number) in by_name
    assert by_name["names", 2].text == "2 chair" and by_name["names", 4].text == "4 cup hidden by 1"
    assert [key for key in by_name if key[0] == "occlusions"] == [("occlusions", 0)]        # no arrow to what has no place
    arrow = by_name["occlusions", 0]
    assert [point.z for point in arrow.points] == [2.0, 3.0] and arrow.color.a == 1
