# SPDX-License-Identifier: Apache-2.0
"""Scans of views drawn by hand: where a laser scanner would measure what."""
import numpy as np
import pytest

from modot_ros.scene.geometry import rays
from modot_ros.scene.navigation.ground import UP, Ground, fit_ground, nearest_of_blocks, obstacles
from modot_ros.scene.navigation.scan import field_of_view, level_axes, scan

K = np.array([[100.0, 0, 79.5], [0, 100, 59.5], [0, 0, 1]])
SHAPE = (120, 160)
RAYS = rays(K, SHAPE)
LEVEL = Ground(np.array([0, -1.0, 0]), 0.5, 1.0)


def scan_of(depth, ground=LEVEL, stride=1, up=UP, range_max_m=8.0, directions=RAYS):
    """Of all that is 0.1 m to 1.8 m above the ground; without one, of every point."""
    depth = np.where(np.isfinite(directions[..., 0]), depth, np.float32(np.nan))
    at = nearest_of_blocks(depth, stride)
    found = directions.reshape(-1, 3)[at] * depth.ravel()[at, None]
    if ground is not None:
        found, up = found[obstacles(found, ground, 0.1, 1.8)], ground.normal
    grid = np.s_[stride // 2::stride, stride // 2::stride]
    return scan(found, depth[grid], directions[grid], up, range_max_m)


def floor_and_wall(height_m=0.5, pitch_deg=0.0, wall_m=4.0):
    """float32 [H, W]; the wall stands across the line of sight."""
    tilt = np.radians(pitch_deg)
    rise = RAYS @ np.array([0, -np.cos(tilt), -np.sin(tilt)])
    forward = RAYS @ np.array([0, -np.sin(tilt), np.cos(tilt)])
    with np.errstate(divide="ignore"):
        return np.minimum(np.where(rise < 0, -height_m / rise, np.inf), wall_m / forward).astype(np.float32)


def test_axes_by_hand():
    np.testing.assert_allclose(level_axes([0, -1, 0]), [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12)
    tilt = np.radians(30)
    forward, left, up = level_axes([0, -np.cos(tilt), -np.sin(tilt)])
    np.testing.assert_allclose(forward, [0, -np.sin(tilt), np.cos(tilt)], atol=1e-12)
    np.testing.assert_allclose(left, [-1, 0, 0], atol=1e-12)
    with pytest.raises(ValueError, match="level line of sight"):
        level_axes([0, 0, 1])


@pytest.mark.parametrize("pitch_deg", [0, 20])
@pytest.mark.parametrize("stride", [1, 3])
def test_a_wall_lies_where_it_is(pitch_deg, stride):
    depth = floor_and_wall(0.5, pitch_deg)
    found = scan_of(depth, fit_ground((RAYS * depth[..., None]).reshape(-1, 3)), stride)
    angles = found.angle_min + found.angle_increment * np.arange(len(found.ranges_m))
    # a beam holds what lies half a beam to either side of it, here up to 40 degrees off the line of sight
    np.testing.assert_allclose(found.ranges_m * np.cos(angles), 4, rtol=found.angle_increment / 2)
    assert np.isfinite(found.ranges_m).all()
    assert found.angle_max == pytest.approx(angles[-1])
    if pitch_deg == 0:
        assert -found.angle_min == pytest.approx(np.arctan(0.795), abs=0.02)


def test_the_field_of_view_is_whole_with_some_roll():
    tilt, roll = np.radians(35), np.radians(4)
    up = np.array([np.sin(roll) * np.cos(tilt), -np.cos(roll) * np.cos(tilt), -np.sin(tilt)])
    found = scan_of(np.full(SHAPE, np.inf, np.float32), ground=None, up=up)
    assert found.angle_min < -0.5 and found.angle_max > 0.5


def test_beams_stay_the_same_while_the_floor_that_is_found_tilts():
    depth = floor_and_wall(0.5, 12)
    points = (RAYS * depth[..., None]).reshape(-1, 3)
    tilted = [scan(points, depth, RAYS, fit_ground(points * np.float32([1, 1 + bend, 1])).normal, 8.0, UP)
              for bend in (0, 0.05)]
    assert tilted[0].angle_min == tilted[1].angle_min and tilted[0].angle_increment == tilted[1].angle_increment
    assert len(tilted[0].ranges_m) == len(tilted[1].ranges_m)


def test_left_is_a_positive_angle():
    depth = np.full(SHAPE, np.inf, np.float32)
    depth[50:60, 20:25] = 2                             # left of the middle
    found = scan_of(depth)
    hit = np.flatnonzero(np.isfinite(found.ranges_m))
    angles = found.angle_min + found.angle_increment * hit
    assert len(hit) and (angles > 0).all()
    np.testing.assert_allclose(np.tan(angles), 0.57, atol=0.04)
    np.testing.assert_allclose(found.ranges_m[hit], 2 / np.cos(angles), rtol=0.02)


def test_floor_and_ceiling_are_free():
    rise = -RAYS[..., 1]
    depth = np.where(rise < 0, -0.5 / rise, 2 / rise).astype(np.float32)
    assert np.isposinf(scan_of(depth).ranges_m).all()
    assert np.isfinite(scan_of(depth, ground=None).ranges_m).all()      # without a floor every point counts


def test_beyond_the_range_is_free():
    assert np.isposinf(scan_of(np.full(SHAPE, 9, np.float32)).ranges_m).all()


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_unknown_is_nan_unless_something_is_hit(value):
    depth = np.full(SHAPE, value, np.float32)
    assert np.isnan(scan_of(depth).ranges_m).all()
    depth[58:60] = 3
    assert np.isfinite(scan_of(depth).ranges_m).all()
    depth[:] = value
    depth[:70] = np.inf                                 # more than half of every beam is seen
    assert np.isposinf(scan_of(depth).ranges_m).all()


def test_a_pole_thinner_than_the_stride_is_hit():
    depth = floor_and_wall()
    depth[20:80, 83:85] = 2
    found = scan_of(depth, stride=4)
    assert found.ranges_m.min() == pytest.approx(2, rel=0.01)
    assert (found.ranges_m < 3).sum() <= 2


def test_a_camera_on_its_side_scans_its_short_side():
    depth = np.full(SHAPE, np.inf, np.float32)
    depth[30:35, 75:85] = 2                             # high in the picture: left, when the picture's right is up
    found = scan_of(depth, ground=None, up=(1, 0, 0))
    hit = np.flatnonzero(np.isfinite(found.ranges_m))
    np.testing.assert_allclose(np.tan(found.angle_min + found.angle_increment * hit), 0.275, atol=0.04)
    assert found.angle_max == pytest.approx(np.arctan(0.595), abs=0.02)


def test_pixels_without_a_ray_are_passed_over():
    lens = RAYS.copy()
    lens[:, :40] = np.nan
    found = scan_of(np.full(SHAPE, 3, np.float32), directions=lens)
    assert found.angle_max == pytest.approx(np.arctan(0.395), abs=0.02)
    assert np.isfinite(found.ranges_m).all()
    with pytest.raises(ValueError, match="no pixel has a ray"):
        scan_of(np.full(SHAPE, 3, np.float32), directions=np.full_like(RAYS, np.nan))


def test_a_picture_of_one_column_is_named():
    with pytest.raises(ValueError, match="1 wide"):
        field_of_view(np.ones((5, 1, 3), np.float32), np.array([0.0, -1.0, 0.0]))
