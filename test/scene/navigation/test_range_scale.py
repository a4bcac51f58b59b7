# SPDX-License-Identifier: Apache-2.0
"""One factor from measured ranges: by hand, with outliers, and laid into a room's wall."""
import numpy as np
import pytest

from modot_ros.scene.geometry import pixels_of, rays, undistorted_rays
from modot_ros.scene.navigation.range_scale import (
    LEAST_POINTS,
    RangeFit,
    factors,
    fit_cone,
    fit_points,
    huber_mean,
    points_of_cone,
    points_of_scan,
)

SHAPE, K = (60, 80), np.array([[50.0, 0, 39.5], [0, 50, 29.5], [0, 0, 1]])
DIRECTIONS = rays(K, SHAPE)


def test_points_of_a_scan_by_hand():
    points = points_of_scan([2.0, np.inf, np.nan, 0.01, 9.0, 1.0], 0.0, np.pi / 2, 0.1, 5.0)
    np.testing.assert_allclose(points, [[2, 0, 0], [0, 1, 0]], atol=1e-12)      # the last beam has gone round once and a quarter


def test_points_of_a_cone_lie_at_the_range_within_the_cone():
    points = points_of_cone(3.0, np.radians(20))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 3)
    assert np.degrees(np.arccos(points[:, 0] / 3)).max() == pytest.approx(10)


def test_factors_by_hand():
    depth = np.full(SHAPE, 2, np.float32)
    depth[:, 40:] = 5
    points = np.array([[-0.5, 0, 3.0], [1.0, 0, 3], [0.0, 0, 3], [0, 0, -1], [9, 0, 3]])
    logs = factors(depth, DIRECTIONS, points, pixels_of(points, K))
    np.testing.assert_allclose(logs, np.log([1.5, 0.6]), atol=1e-6)             # on the edge, behind and outside: none


def test_a_ray_that_the_lens_does_not_have_is_no_measurement():
    points = np.array([[0.0, 0, 2], [5.0, 0, 2]])
    assert len(factors(np.full(SHAPE, 2, np.float32), DIRECTIONS, points, np.array([[39.5, 29.5], [39.5, 29.5]]))) == 1


def test_huber_by_hand():
    assert huber_mean(np.array([1.0, 1, 1, 1])) == 1
    assert huber_mean(np.array([0.0, 0.1, 0.2, 0.1, 0.1, 9])) == pytest.approx(0.11, abs=0.02)


@pytest.mark.parametrize("outliers", [0.0, 0.2, 0.4])
def test_outliers_do_not_move_the_factor(outliers):
    random = np.random.default_rng(0)
    logs = np.log(1.3) + 0.03 * random.standard_normal(400)
    logs[:int(400 * outliers)] = random.uniform(-2, -0.3, int(400 * outliers))
    fit = fit_points(logs)
    assert fit.factor == pytest.approx(1.3, rel=0.01) and fit.share == pytest.approx(1 - outliers, abs=0.05)
    assert fit.count == 400


def test_too_few_or_too_different_ranges_give_no_factor():
    assert fit_points(np.zeros(LEAST_POINTS - 1)) is None and fit_points(np.zeros(0), 0) is None
    assert fit_points(np.zeros(LEAST_POINTS)) == RangeFit(1.0, 1.0, LEAST_POINTS)
    assert fit_points(np.linspace(-1, 1, 100)) is None


def test_a_single_range_counts_where_it_sees_one_surface():
    wall = np.full(SHAPE, 2, np.float32)
    points = points_of_cone(3.0, np.radians(20)) @ np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0.0]])
    fit = fit_cone(factors(wall, DIRECTIONS, points, pixels_of(points, K)))
    assert fit.factor == pytest.approx(1.5, rel=0.02)
    wall[:, 40:] = 4
    assert fit_cone(factors(wall, DIRECTIONS, points, pixels_of(points, K))) is None
    assert fit_cone(factors(wall, DIRECTIONS, points, pixels_of(points + [0, 9, 0], K))) is None     # out of sight


@pytest.mark.parametrize("model, d", [("", ()), ("plumb_bob", (-0.2, 0.05, 0.001, 0.0, 0.0)),
                                      ("equidistant", (0.05, 0.0, 0.0, 0.0))])
def test_points_of_rays_come_back_to_their_pixels(model, d):
    directions = undistorted_rays(K, model, d, SHAPE) if model else DIRECTIONS
    points = 2.5 * directions[5:-5:10, 5:-5:10].reshape(-1, 3)
    v, u = (grid.ravel() for grid in np.mgrid[5:55:10, 5:75:10])
    np.testing.assert_allclose(pixels_of(points, K, model, d), np.stack([u, v], 1), atol=0.05)
    assert np.isnan(pixels_of(np.array([[0.0, 0, -1]]), K)).all()
