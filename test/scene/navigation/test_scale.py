# SPDX-License-Identifier: Apache-2.0
"""Scales by hand."""
import numpy as np
import pytest

from modot_ros.scene.navigation.ground import UP, Ground, fit_ground
from modot_ros.scene.navigation.scale import WINDOW_S, Scale, ScaleFilter, scale_of_floor, scale_of_plane


def floor(height_m=1.0, tilt=0.0):
    """float [N, 3], 1 m to 4 m ahead; `tilt` metres higher per metre of distance from 2.5 m."""
    x, z = np.meshgrid(np.linspace(-1, 1, 20), np.linspace(1, 4, 20))
    return np.stack([x, height_m - tilt * (z - 2.5), z], -1).reshape(-1, 3)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.3])
def test_the_known_height_gives_the_scale(scale):
    points = floor() * scale
    assert scale_of_floor(points, fit_ground(points), UP, 1.0) == pytest.approx(1 / scale, rel=1e-3)


def test_a_tilted_floor_counts_where_it_is_seen():
    points = floor(tilt=0.1)
    ground = fit_ground(points)
    assert ground.height_m == pytest.approx(1.25, rel=0.02)             # of the plane, below the camera
    assert scale_of_floor(points, ground, UP, 1.0) == pytest.approx(1, rel=0.02)


def test_without_a_point_on_the_floor_there_is_no_scale():
    assert scale_of_floor(floor(2.0), Ground(np.array([0, -1.0, 0]), 1.0, 0.5), UP, 1.0) is None


def test_the_median_is_used_and_an_outlier_costs_confidence():
    scales = ScaleFilter()
    assert scales.update(None, 0.0) is None
    assert scales.update(1.2, 0.1) == Scale(pytest.approx(1.2), pytest.approx(0.2), 0.0)
    for i in range(3):
        scales.update(1.2, 0.2 + 0.1 * i)
    assert scales.update(3.0, 0.6) == Scale(pytest.approx(1.2), pytest.approx(0.8), 0.0)
    assert scales.update(1.2, 0.6 + WINDOW_S + 0.1).confidence == pytest.approx(0.2)     # all others are too old


def test_a_scale_grows_old_and_goes_when_time_runs_backwards():
    scales = ScaleFilter()
    scales.update(1.2, 10.0)
    assert scales.update(None, 14.0) == Scale(pytest.approx(1.2), pytest.approx(0.2), pytest.approx(4.0))
    assert scales.update(None, 3.0) is None


def test_the_plane_gives_the_scale_without_knowing_up():
    points = floor() * 0.8
    assert scale_of_plane(fit_ground(points), 1.0) == pytest.approx(1.25, rel=1e-3)


def test_a_measurement_of_which_little_agrees_costs_confidence():
    scales = ScaleFilter()
    for i in range(5):
        scale = scales.update(1.2, 0.1 * i, 0.6)
    assert scale.confidence == pytest.approx(0.6)
