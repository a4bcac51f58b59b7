# SPDX-License-Identifier: Apache-2.0
"""Where instances are, checked with numbers of a camera with f = 100 px."""
import numpy as np
import pytest

from modot_ros.prediction import Instance
from modot_ros.scene.geometry import rays
from modot_ros.scene.order.places import is_person, places

RAYS = rays(np.array([[100.0, 0, 80], [0, 100.0, 60], [0, 0, 1]]), (120, 160))


def test_an_instance_is_at_its_innermost_pixel_and_median_depth():
    labels = np.zeros((120, 160), np.int32)
    labels[40:81, 100:141] = 3
    one = Instance(3, 41 * 41, (100, 40, 41, 41), 2.0, 1.8, 2.3)
    place = places([one], labels, RAYS)[3]
    assert place.centre_m == pytest.approx((0.8, 0.0, 2.0), abs=0.05)
    assert place.size_m == pytest.approx((0.82, 0.82, 0.5))


def test_hidden_ones_are_where_they_were_and_those_without_depth_are_nowhere():
    hidden = Instance(5, 0, (70, 50, 21, 21), 4.0, 3.9, 4.1, hidden_by=3)
    unknown = Instance(6, 9, (0, 0, 3, 3), np.nan, np.nan, np.nan)
    found = places([hidden, unknown], np.zeros((120, 160), np.int32), RAYS)
    assert set(found) == {5} and found[5].centre_m == pytest.approx((0.0, 0.0, 4.0))


def test_an_instance_at_the_picture_s_border_has_a_size():
    labels = np.zeros((120, 160), np.int32)
    labels[100:, 150:] = 1
    found = places([Instance(1, 200, (150, 100, 10, 20), 1.0, 1.0, 1.0)], labels, RAYS)
    assert found[1].size_m[:2] == pytest.approx((0.09, 0.19))


@pytest.mark.parametrize("name, expected", [
    ("person", True), ("Person", True), ("traffic person 2", True), ("pedestrians", True), ("woman", True), ("chair", False),
    ("", False), ("mannequin", False), ("human_arm", False), ("fire hydrant", False)])
def test_people_are_known_by_their_names(name, expected):
    assert is_person(name) is expected
