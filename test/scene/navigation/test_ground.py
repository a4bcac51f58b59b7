# SPDX-License-Identifier: Apache-2.0
"""Floors drawn by hand: where the camera's height and pitch are known, and where there is none."""
import numpy as np
import pytest

from modot_ros.scene.geometry import points, rays
from modot_ros.scene.navigation.ground import (
    KEPT_S,
    Ground,
    GroundMemory,
    fit_ground,
    mounted_up,
    nearest_of_blocks,
    obstacles,
    sparse_points,
)

K = np.array([[120.0, 0, 79.5], [0, 120, 59.5], [0, 0, 1]])
SHAPE = (120, 160)


def view(height_m=0.5, pitch_deg=0.0, wall_m=6.0, table_m=None):
    """float32 [H, W]: depth of a floor and a wall `wall_m` ahead; with `table_m`, a top that high, as wide as the view, from
    1.5 to 2.5 m. And the true normal."""
    tilt = np.radians(pitch_deg)
    up, ahead = np.array([0, -np.cos(tilt), -np.sin(tilt)]), np.array([0, -np.sin(tilt), np.cos(tilt)])
    directions = rays(K, SHAPE).astype(np.float64)
    with np.errstate(divide="ignore"):
        rise, forward = directions @ up, directions @ ahead
        depth = np.where(rise < 0, -height_m / rise, np.inf)
        depth = np.minimum(depth, np.where(forward > 0, wall_m / forward, np.inf))
        if table_m is not None:
            top = (table_m - height_m) / rise
            depth = np.where((top > 0) & (top * forward > 1.5) & (top * forward < 2.5), np.minimum(top, depth), depth)
    return depth.astype(np.float32), up


def cloud(depth):
    return points(depth, rays(K, SHAPE), np.ones(SHAPE, bool))


@pytest.mark.parametrize("height_m, pitch_deg", [(0.15, 0), (0.5, 0), (1.2, 15), (1.2, 35), (0.8, -5)])
def test_height_and_normal_of_a_floor(height_m, pitch_deg):
    depth, up = view(height_m, pitch_deg)
    ground = fit_ground(cloud(depth))
    assert ground.height_m == pytest.approx(height_m, rel=0.01)
    assert np.degrees(np.arccos(ground.normal @ up)) < 0.3
    assert 0.05 < ground.inliers <= 1


def test_heights_by_hand():
    ground = Ground(np.array([0, -1.0, 0]), 0.5, 1.0)
    np.testing.assert_allclose(ground.heights(np.float32([[0, 0.5, 3], [1, 0, 2], [0, -1, 1]])), [0, 0.5, 1.5])


@pytest.mark.parametrize("scale", [0.85, 1.15])
def test_a_wrong_scale_changes_the_height_alone(scale):
    depth, up = view(0.8, 10)
    true, ground = fit_ground(cloud(depth)), fit_ground(cloud(depth * np.float32(scale)))
    assert ground.height_m == pytest.approx(scale * true.height_m, rel=1e-3)
    assert ground.normal @ true.normal == pytest.approx(1, abs=1e-6)


def test_noise_and_holes_do_not_move_the_floor():
    depth, up = view(0.5)
    random = np.random.default_rng(1)
    noisy = depth * np.exp(0.03 * random.standard_normal(SHAPE)).astype(np.float32)
    noisy[random.random(SHAPE) < 0.1] *= np.float32(1.5)
    noisy[20:90, 40:60] = np.nan
    ground = fit_ground(cloud(noisy))
    assert ground.height_m == pytest.approx(0.5, rel=0.03)
    assert np.degrees(np.arccos(ground.normal @ up)) < 1.5


def test_a_table_before_the_floor_is_not_the_floor():
    depth, _ = view(1.2, 25, table_m=0.75)
    assert fit_ground(cloud(depth)).height_m == pytest.approx(1.2, rel=0.02)


def test_a_known_height_tells_a_table_from_the_floor():
    x, z = np.meshgrid(np.linspace(-1, 1, 30), np.linspace(1, 2, 30))
    table = np.stack([x, np.full_like(x, 0.45), z], -1).reshape(-1, 3)      # nothing lower is in sight
    assert fit_ground(table).height_m == pytest.approx(0.45)
    assert fit_ground(table, heights_m=(0.8, 1.8)) is None


@pytest.mark.parametrize("pitch_deg, turn_deg, up", [
    (0, 0, (0, -1, 0)), (0, 90, (1, 0, 0)), (0, 180, (0, 1, 0)), (0, 270, (-1, 0, 0)), (90, 0, (0, 0, -1)),
    (30, 90, (np.sqrt(0.75), 0, -0.5))])
def test_up_of_a_mount(pitch_deg, turn_deg, up):
    np.testing.assert_allclose(mounted_up(pitch_deg, turn_deg), up, atol=1e-12)


def test_the_same_points_give_the_same_floor():
    depth, _ = view(0.5, 5)
    first, second = fit_ground(cloud(depth)), fit_ground(cloud(depth))
    assert first.height_m == second.height_m and (first.normal == second.normal).all()


def oblique_wall():
    directions = rays(K, SHAPE)
    return (3 / (directions[..., 2] + 0.5 * directions[..., 0])).astype(np.float32)


@pytest.mark.parametrize("depth", [np.full(SHAPE, 2, np.float32), oblique_wall(), np.full(SHAPE, np.nan, np.float32),
                                   np.where(np.arange(120)[:, None] < 60, view()[0][::-1], np.inf).astype(np.float32)],
                         ids=["wall", "oblique wall", "nothing", "ceiling"])
def test_no_floor_is_none(depth):
    assert fit_ground(cloud(depth)) is None


def test_a_floor_outside_the_tilt_is_none():
    depth, _ = view(1.0, 30)
    assert fit_ground(cloud(depth), max_tilt_deg=20) is None
    tilt = np.radians(30)
    assert fit_ground(cloud(depth), up=(0, -np.cos(tilt), -np.sin(tilt)), max_tilt_deg=5) is not None


def test_a_floor_is_remembered_for_a_while():
    memory, ground = GroundMemory(), Ground(np.array([0, -1.0, 0]), 0.5, 1.0)
    assert memory.latest(None, 10.0) is None
    assert memory.latest(ground, 11.0) is ground
    assert memory.latest(None, 11.0 + KEPT_S) is ground
    assert memory.latest(None, 11.1 + KEPT_S) is None
    assert memory.latest(None, 10.9) is ground          # an older picture, late
    assert memory.latest(None, 5.9) is None             # a bag began anew


def test_sparse_points_are_finite():
    depth = np.full((16, 24), 2, np.float32)
    depth[4, 12], depth[12, 4] = np.nan, np.inf
    directions = rays(np.array([[10.0, 0, 4], [0, 10, 4], [0, 0, 1]]), (16, 24))
    np.testing.assert_allclose(sparse_points(depth, directions)[:2], [[0, 0, 2], [3.2, 0, 2]], rtol=1e-6)
    assert sparse_points(depth, directions).shape == (4, 3)


def test_points_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 2\)"):
        fit_ground(np.zeros((4, 2)))


def test_obstacles_by_hand():
    ground = Ground(np.array([0, -1.0, 0]), 0.5, 1.0)
    #       the floor, 0.2 m at 1 m, 0.2 m at 10 m, the ceiling, unknown
    found = obstacles(np.float32([[0, 0.5, 2], [0, 0.3, 1], [0, 0.3, 10], [0, -2, 3], [np.nan] * 3]), ground, 0.1, 1.8)
    np.testing.assert_array_equal(found, [False, True, False, False, False])
    with pytest.raises(ValueError, match="2.0 to 1.8"):
        obstacles(np.zeros((1, 3), np.float32), ground, 2.0, 1.8)


@pytest.mark.parametrize("low, high", [(0.85, 0.85), (1.15, 1.15), (1.0, 1.15), (1.0, 0.85)])
def test_no_floor_is_an_obstacle_with_a_wrong_scale(low, high):
    """The same factor everywhere, and one that grows from the nearest floor to the wall."""
    depth, up = view(1.0, 10)
    floor = (rays(K, SHAPE) * depth[..., None]) @ up < -0.999
    scale = np.interp(depth, [1, 6], [low, high]).astype(np.float32)
    xyz = rays(K, SHAPE) * (depth * scale)[..., None]
    found = obstacles(xyz, fit_ground(xyz.reshape(-1, 3)), 0.1, 1.8)
    assert not found[floor].any()
    assert found[~floor].any()


def test_nearest_of_blocks_by_hand():
    depth = np.float32([[3, 3, 3, 3, 9], [3, 1, 3, 3, 9], [np.nan, np.inf, 3, 2, 9], [np.nan, np.nan, 3, 3, 9]])
    np.testing.assert_array_equal(nearest_of_blocks(depth, 2), [6, 2, 13])
    np.testing.assert_array_equal(nearest_of_blocks(depth, 1), np.flatnonzero(np.isfinite(depth)))
    with pytest.raises(ValueError, match="is 0"):
        nearest_of_blocks(depth, 0)
