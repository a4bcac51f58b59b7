# SPDX-License-Identifier: Apache-2.0
"""Ranges of other sensors as points of the camera, and depth of a depth camera in its pixels."""
from __future__ import annotations

from array import array

import numpy as np
import pytest
from sensor_msgs.msg import Image, LaserScan, Range

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.camera import Camera
from modot_ros.ros.messages.convert import BadFrame, image_message
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.ranges import RangeSensor, depth_of_message, range_sensor

CAMERA, FOCAL_PX = Camera.of(Calibration.pinhole(32, 24, 20.0), 32, 24), 20.0


class NoTransforms:
    problem, heard = "no transform is known", False

    def lookup(self, target, source):
        return np.eye(4) if target == source else None

    def listen(self):
        self.heard = True


class Shifted(NoTransforms):
    """Every other frame is 1 m to the right of the camera's."""

    def lookup(self, target, source):
        matrix = np.eye(4)
        matrix[0, 3] = target != source
        return matrix


def stamped(message, stamp=1.0, frame_id="sensor"):
    message.header.stamp.sec, message.header.stamp.nanosec = int(stamp), round(stamp % 1 * 1e9)
    message.header.frame_id = frame_id
    return message


def depth_message(depth_m, encoding="32FC1", **header):
    values = depth_m.astype(np.float32) if encoding == "32FC1" else np.round(depth_m * 1000).astype(np.uint16)
    return stamped(image_message(values, encoding, Image().header), **header)


IMAGE = stamped(Image(), frame_id="camera")


def test_a_scan_is_taken_to_the_camera_by_the_mount():
    sensor = RangeSensor("laser_scan", "0 0 -0.1 0 0 0", NoTransforms())
    sensor.receive(stamped(LaserScan(ranges=[2.0, float("inf")], angle_increment=0.1, range_max=9.0)))
    found = sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX)
    np.testing.assert_allclose(found.points_m, [[0, 0.1, 2]], atol=1e-9)
    assert not found.cone and sensor.problem == ""


def test_without_mount_and_transform_the_problem_names_what_to_give():
    sensor = RangeSensor("laser_scan", "", NoTransforms())
    assert sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX) is None and sensor.problem == "nothing has come on 'range'"
    sensor.receive(stamped(LaserScan(ranges=[2.0], range_max=9.0)))
    assert sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX) is None and "Give range_mount" in sensor.problem


def test_the_message_nearest_in_time_is_taken_and_an_old_one_is_none():
    sensor = RangeSensor("single", "0 0 0 0 0 0", NoTransforms())
    for stamp, metres in ((0.9, 1.0), (1.02, 2.0), (1.4, 3.0)):
        sensor.receive(stamped(Range(range=metres, max_range=9.0, field_of_view=0.2), stamp))
    found = sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX)
    np.testing.assert_allclose(np.linalg.norm(found.points_m, axis=1), 2)
    assert found.cone and sensor.ranges(IMAGE, 0.01, CAMERA, FOCAL_PX) is None
    assert sensor.problem == "what comes on 'range' is 0.02 s away from the image, range_max_age_s is 0.01"


@pytest.mark.parametrize("metres", [float("inf"), float("-inf"), float("nan"), 9.5])
def test_a_single_range_outside_its_limits_is_none(metres):
    sensor = RangeSensor("single", "0 0 0 0 0 0", NoTransforms())
    sensor.receive(stamped(Range(range=metres, max_range=9.0)))
    assert sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX) is None and "outside" in sensor.problem


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_depth_of_the_images_own_frame_is_aligned_to_it(encoding):
    sensor, depth = RangeSensor("depth_image", "", NoTransforms()), np.full((12, 16), 2.5)
    depth[0, 0] = 0
    sensor.receive(depth_message(depth, encoding, frame_id="camera"))
    found = sensor.depth(IMAGE, 0.1, CAMERA, FOCAL_PX)
    assert found.shape == (24, 32) and np.isnan(found[:2, :2]).all() and (found[2:] == 2.5).all()
    points = sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX).points_m
    assert len(points) == 24 * 32 - 4 and (points[:, 2] == 2.5).all()


def test_depth_of_another_frame_needs_its_calibration_and_lands_where_it_belongs(make_camera_info):
    sensor, depth = RangeSensor("depth_image", "", Shifted()), np.zeros((24, 32))
    depth[12, 4] = 2.0                                  # x = (4 - 15.5) / 20 * 2 = -1.15 there, -0.15 here: pixel 14
    sensor.receive(depth_message(depth))
    assert sensor.depth(IMAGE, 0.1, CAMERA, FOCAL_PX) is None and "range_camera_info" in sensor.problem
    sensor.receive_info(make_camera_info(focal_px=20.0))
    found = sensor.depth(IMAGE, 0.1, CAMERA, FOCAL_PX)
    assert np.argwhere(np.isfinite(found)).tolist() == [[12, 14]] and found[12, 14] == 2
    assert len(sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX).points_m) == 1


def test_a_broken_calibration_of_the_depth_camera_is_a_problem_and_costs_no_frame(make_camera_info):
    sensor, info = RangeSensor("depth_image", "", Shifted()), make_camera_info(focal_px=20.0)
    info.width = 0
    sensor.receive(depth_message(np.full((24, 32), 2.0)))
    sensor.receive_info(info)
    assert sensor.depth(IMAGE, 0.1, CAMERA, FOCAL_PX) is None and sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX) is None
    assert "calibration on 'range_camera_info' can't be used: " in sensor.problem


def test_what_is_no_depth_is_named():
    sensor = RangeSensor("depth_image", "", NoTransforms())
    picture = stamped(Image(height=2, width=2, encoding="rgb8", step=6, data=array("B", bytes(12))), frame_id="camera")
    sensor.receive(picture)
    assert sensor.depth(IMAGE, 0.1, CAMERA, FOCAL_PX) is None and "'rgb8' is not supported" in sensor.problem
    assert sensor.ranges(IMAGE, 0.1, CAMERA, FOCAL_PX) is None
    with pytest.raises(BadFrame):
        depth_of_message(picture)


def test_topics_and_tf_follow_the_parameters():
    assert range_sensor(Parameters(), NoTransforms()) is None
    for kind, topics in (("laser_scan", ["range"]), ("single", ["range"]), ("depth_image", ["range", "range_camera_info"])):
        transforms = NoTransforms()
        sensor = range_sensor(Parameters(range_type=kind), transforms)
        assert [topic for _, topic, _ in sensor.topics()] == topics and transforms.heard
    transforms = NoTransforms()
    assert range_sensor(Parameters(range_type="single", range_mount="0 0 0 0 0 0"), transforms) and not transforms.heard
