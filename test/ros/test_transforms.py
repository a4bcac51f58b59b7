# SPDX-License-Identifier: Apache-2.0
"""Mounts and transforms by hand, and tf2 with a buffer of our own in its place."""
import sys
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from geometry_msgs.msg import TransformStamped  # noqa: E402

from modot_ros.ros.transforms import (  # noqa: E402
    OPTICAL_OF_BODY,
    Transforms,
    matrix_of_message,
    matrix_of_quaternion,
    mount,
    moved,
    points_up,
)


def test_a_sensor_below_the_camera_looks_the_same_way():
    """1 m ahead of the sensor, which is 0.1 m below the camera: z = 1, y = 0.1 in the optical frame."""
    np.testing.assert_allclose(moved(mount("0 0 -0.1 0 0 0"), np.array([[1.0, 0, 0]])), [[0, 0.1, 1]], atol=1e-12)


@pytest.mark.parametrize("angles, expected", [("0 0 90", [-1, 0, 0]), ("0 90 0", [0, 1, 0]), ("90 0 0", [0, 0, 1])])
def test_mounts_turn_as_rep_103_has_it(angles, expected):
    """A sensor that is turned to the left looks to x = -1, one that is pitched down to y = 1 of the optical frame."""
    np.testing.assert_allclose(moved(mount(f"0 0 0 {angles}"), np.array([[1.0, 0, 0]])), [expected], atol=1e-12)


@pytest.mark.parametrize("text", ["", "1 2 3", "a b c d e f", "0 0 0 0 0 nan", "0 0 0 0 0 0 0"])
def test_other_mounts_are_refused_with_what_they_must_be(text):
    with pytest.raises(ValueError, match="six numbers"):
        mount(text)


def test_a_quaternion_by_hand():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(matrix_of_quaternion(0, 0, half, half) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    with pytest.raises(ValueError, match="not zero"):
        matrix_of_quaternion(0, 0, 0, 0)


class Buffer:
    """As tf2_ros.Buffer: knows one transform."""

    def __init__(self):
        self.known = TransformStamped()
        self.known.transform.translation.x = 2.0

    def lookup_transform(self, target, source, time, timeout):
        if source != "laser":
            raise LookupError(f'"{source}" passed to lookupTransform does not exist')
        return self.known


def test_tf2_is_asked_once_it_is_listened_to(monkeypatch):
    module = ModuleType("tf2_ros")
    module.Buffer, module.TransformListener = Buffer, lambda buffer, node: (buffer, node)
    monkeypatch.setitem(sys.modules, "tf2_ros", module)
    transforms = Transforms(None)
    assert transforms.lookup("camera", "laser") is None
    transforms.listen()
    np.testing.assert_array_equal(transforms.lookup("camera", "laser")[:3, 3], [2, 0, 0])
    assert transforms.problem == "" and (transforms.lookup("camera", "camera") == np.eye(4)).all()
    assert transforms.lookup("camera", "sonar") is None and '"sonar" passed' in transforms.problem
    np.testing.assert_array_equal(matrix_of_message(TransformStamped().transform), np.eye(4))


def test_without_tf2_the_reason_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2_ros", None)
    transforms = Transforms(None)
    transforms.listen()
    assert transforms.lookup("camera", "laser") is None and "comes with a ROS distribution" in transforms.problem


def test_a_frame_whose_z_points_up_is_no_pictures_frame():
    body, optical = np.eye(4), OPTICAL_OF_BODY.T
    parents = {"camera_link": ("base_link", body), "optical": ("camera_link", optical), "a": ("b", body), "b": ("a", body)}
    assert points_up("camera_link", parents) and not points_up("optical", parents)
    assert not points_up("unknown", parents) and not points_up("base_link", parents) and not points_up("a", parents)
