# SPDX-License-Identifier: Apache-2.0
"""Frontiers of a camera that moves, in a frame that does not, and the polygons for Nav2's collision monitor."""
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from geometry_msgs.msg import PolygonInstanceStamped  # noqa: E402
from sensor_msgs.msg import PointCloud2  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from modot_ros.ros.calibration import Calibration  # noqa: E402
from modot_ros.ros.camera import Camera  # noqa: E402
from modot_ros.ros.lasting_frontiers import LastingFrontiers  # noqa: E402
from modot_ros.ros.transforms import OPTICAL_OF_BODY  # noqa: E402
from modot_ros.scene.navigation.frontier_map import MOST_ZONES  # noqa: E402

CAMERA = Camera.of(Calibration.pinhole(160, 120, 100.0), 160, 120)


class Walk:
    """Knows where a camera is that looks along x of the map, 1 m above its floor."""

    def __init__(self):
        self.x_m, self.problem, self.known = 0.0, "", True

    def lookup(self, target, source, stamp=None, timeout_s=0.0):
        if not self.known:
            self.problem = "no transform from 'camera' to 'map'"
            return None
        body = np.eye(4)
        body[:3, 3] = self.x_m, 0, 1.0
        return body @ np.linalg.inv(OPTICAL_OF_BODY)

    def listen(self):
        pass


def header(stamp_s):
    found = Header(frame_id="camera")
    found.stamp.sec, found.stamp.nanosec = int(stamp_s), round(stamp_s % 1 * 1e9)
    return found


def door(distance_m):
    """A frontier's rows of an upright edge straight ahead, in the optical frame, and depth that has it in view."""
    y = np.linspace(-0.8, 0.8, 20)
    edge = np.stack([np.zeros(20), y, np.full(20, distance_m)], 1)
    return np.hstack([edge, edge + [0.1, 0, 2], np.full((20, 1), 2.0)]), np.full((120, 160), distance_m, np.float32)


def test_an_edge_stays_where_it_is_while_the_camera_comes_nearer():
    walk = Walk()
    lasting = LastingFrontiers("map", walk)
    for i in range(4):
        walk.x_m = 0.2 * i
        found, depth = door(4.0 - walk.x_m)
        assert lasting.update(found, depth, CAMERA, 100.0, header(0.1 * i), 10.0)
    edges = lasting.frontiers[:, :3]
    np.testing.assert_allclose(edges[:, 0], 4, atol=0.02)
    assert edges[:, 2].min() < 0.5 and edges[:, 2].max() > 1.5 and len(edges) <= 20
    messages = lasting.zones(header(1.0).stamp, 0.5)
    assert [message.polygon.id for message in messages] == list(range(MOST_ZONES))
    assert messages[0].header.frame_id == "map" and messages[0].header.stamp.sec == 1
    outline = np.array([(point.x, point.y) for point in messages[0].polygon.polygon.points])
    np.testing.assert_allclose(np.linalg.norm(outline - [4, 0], axis=1), 0.5, atol=0.03)
    assert all(not message.polygon.polygon.points for message in messages[1:])
    for i in range(3):                                  # the door is gone: the camera sees the wall behind
        wall = np.full((120, 160), 6, np.float32)
        lasting.update(np.zeros((0, 7), np.float32), wall, CAMERA, 100.0, header(0.5 + 0.1 * i), 10.0)
    assert not len(lasting.frontiers)


def test_without_a_transform_the_problem_is_told():
    walk = Walk()
    walk.known = False
    lasting = LastingFrontiers("map", walk)
    assert not lasting.update(*door(2.0), CAMERA, 100.0, header(0.0), 10.0) and "no transform" in lasting.problem


def test_the_node_publishes_lasting_frontiers_and_zones(running, make_image, make_camera_info, monkeypatch):
    monkeypatch.setattr("modot_ros.ros.node.node.Transforms", lambda node: Walk())
    rig = running(frontier_frame_id="map")
    lasting = rig.listen("~/frontiers/map", PointCloud2)
    zones = rig.listen("~/frontiers/zones", PolygonInstanceStamped)
    for i in range(3):
        rig.send("camera_info", make_camera_info(160, 120, stamp=1.0 + 0.1 * i))
        rig.spin_for(0.05)
        rig.send("image", make_image(160, 120, stamp=1.0 + 0.1 * i))
        rig.until(lambda count=i + 1: len(lasting) == count and len(zones) == MOST_ZONES * count)
    assert lasting[0].width == 0 and lasting[-1].width > 0 and lasting[-1].header.frame_id == "map"
    assert len(zones[-MOST_ZONES].polygon.polygon.points) > 3
    rig.node._transforms.known = False


def test_without_a_frame_nothing_lasts(running):
    assert not any("frontiers/map" in output.topic for output in running().node._outputs)
