# SPDX-License-Identifier: Apache-2.0
"""Small depth maps; every number worked out by hand."""
import numpy as np
import pytest

from modot_ros.scene.geometry import (
    FRONTIER_COLUMNS,
    clearing_points,
    flying_pixels,
    frontiers,
    points,
    rays,
    resize_depth,
    scale_camera,
    undistorted_rays,
)

NAN, INF = np.nan, np.inf
K = np.array([[100.0, 0, 2], [0, 50.0, 1], [0, 0, 1]])


def test_resizing_keeps_a_step_a_step():
    depth = np.tile(np.repeat(np.float32([1, 3]), 8), (12, 1))
    large = resize_depth(depth, (40, 30))
    assert set(np.unique(large)) == {1.0, 3.0}
    np.testing.assert_array_equal(large, np.tile(np.repeat(np.float32([1, 3]), 20), (30, 1)))


def test_resizing_is_smooth_inside_a_surface():
    depth = np.tile(np.linspace(2, 2.3, 16, dtype=np.float32), (12, 1))
    large = resize_depth(depth, (64, 48))
    row = 2 + 0.02 * ((np.arange(2, 62) + 0.5) / 4 - 0.5)
    np.testing.assert_allclose(large[:, 2:-2], np.tile(row, (48, 1)), atol=1e-4)


def test_a_probable_boundary_keeps_a_small_step():
    depth = np.tile(np.repeat(np.float32([2, 2.1]), 8), (12, 1))
    assert len(np.unique(resize_depth(depth, (48, 36)))) > 2
    assert len(np.unique(resize_depth(depth, (48, 36), np.ones_like(depth)))) == 2


def test_resizing_keeps_nan_and_inf_where_they_are():
    depth = np.full((6, 8), 2, np.float32)
    depth[1, 2], depth[4, 6] = NAN, INF
    large = resize_depth(depth, (16, 12))
    assert np.isnan(large[2:4, 4:6]).all() and np.isnan(large).sum() == 4
    assert np.isinf(large[8:10, 12:14]).all() and np.isinf(large).sum() == 4
    assert (large[np.isfinite(large)] == 2).all()


def test_shrinking_copies_and_equal_size_is_a_copy():
    depth = np.tile(np.repeat(np.float32([1, 3]), 8), (12, 1))
    assert set(np.unique(resize_depth(depth, (7, 5)))) == {1.0, 3.0}
    same = resize_depth(depth, (16, 12))
    same[0, 0] = 9
    assert depth[0, 0] == 1


@pytest.mark.parametrize("size, probability, text",
                         [((0, 4), None, "0x4"), ((4, 4), np.zeros((2, 2)), r"\(2, 2\)")])
def test_resizing_names_what_is_wrong(size, probability, text):
    with pytest.raises(ValueError, match=text):
        resize_depth(np.ones((3, 3), np.float32), size, probability)


def test_camera_is_scaled_row_by_row():
    p = np.array([[100.0, 0, 2, -30], [0, 50, 1, 8], [0, 0, 1, 0]])
    k, p, roi = scale_camera(K, p, (4, 6, 20, 10), 0.5, 2.0)
    np.testing.assert_array_equal(k, [[50, 0, 1], [0, 100, 2], [0, 0, 1]])
    np.testing.assert_array_equal(p, [[50, 0, 1, -15], [0, 100, 2, 16], [0, 0, 1, 0]])
    assert roi == (2, 12, 10, 20)
    with pytest.raises(ValueError, match="0.0"):
        scale_camera(K, np.zeros((3, 4)), (0, 0, 0, 0), 0.0, 1.0)


def test_points_by_hand():
    depth = np.full((3, 4), 2, np.float32)
    depth[0, 0], depth[2, 3] = NAN, INF
    cloud = points(depth, rays(K, depth.shape))
    assert cloud.shape == (3, 4, 3) and cloud.dtype == np.float32
    np.testing.assert_allclose(cloud[2, 0], [-2 / 100 * 2, 1 / 50 * 2, 2], rtol=1e-6)
    assert np.isnan(cloud[0, 0]).all() and np.isnan(cloud[2, 3]).all()
    mask = np.zeros((3, 4), bool)
    mask[0, 0] = mask[1, 3] = mask[2, 3] = True
    np.testing.assert_allclose(points(depth, rays(K, depth.shape), mask), [[0.02, 0, 2]], rtol=1e-6)
    assert points(depth, rays(K, depth.shape), np.zeros((3, 4), bool)).shape == (0, 3)


@pytest.mark.parametrize("fx", [0.0, -1.0, NAN])
def test_a_camera_without_focal_length_is_refused(fx):
    k = K.copy()
    k[0, 0] = fx
    with pytest.raises(ValueError, match=f"fx={fx}"):
        rays(k, (3, 4))


def test_ramp_between_surfaces_flies_and_surfaces_stay():
    row = np.float32([1, 1, 1, 1, 1, 1, 1.7, 2.3, 3, 3, 3, 3, 3, 3])
    flying = flying_pixels(np.tile(row, (9, 1)))
    np.testing.assert_array_equal(flying, np.tile((row > 1) & (row < 3), (9, 1)))
    assert not flying_pixels(np.tile(np.where(row < 2, 1, 3).astype(np.float32), (9, 1))).any()


def test_grazing_floor_does_not_fly():
    rows = np.arange(20, 80)
    floor = np.tile((1.0 * 60 / rows).astype(np.float32)[:, None], (1, 20))  # 1 m below, f = 60 px
    assert not flying_pixels(floor).any()


def test_near_a_boundary_a_smaller_ramp_flies():
    row = np.float32([1, 1, 1, 1, 1, 1, 1.02, 1.04, 1.04, 1.04, 1.04, 1.04, 1.04])
    depth = np.tile(row, (9, 1))
    boundary = np.zeros(depth.shape, bool)
    boundary[:, 5] = True
    assert not flying_pixels(depth).any()
    np.testing.assert_array_equal(flying_pixels(depth, boundary), np.tile(row == np.float32(1.02), (9, 1)))


def test_nan_and_inf_neither_fly_nor_make_fly():
    depth = np.full((9, 9), 2, np.float32)
    depth[4, 4], depth[2, 2] = NAN, INF
    assert not flying_pixels(depth).any()


def test_frontier_by_hand():
    depth = np.tile(np.float32([1, 1, 1, 2.5, 3, 3]), (3, 1))  # a blurred step: the hidden surface is at 3 m
    mask, side = np.zeros((3, 6), bool), np.zeros((3, 6), np.uint8)
    mask[1, 2], side[1, 2] = True, 1
    found = frontiers(depth, mask, side, rays(K, depth.shape), min_gap_m=0.5)
    assert found.shape == (1, len(FRONTIER_COLUMNS)) and found.dtype == np.float32
    np.testing.assert_allclose(found[0], [0, 0, 1, 0.03, 0, 3, 2], rtol=1e-6)
    assert len(frontiers(depth, mask, side, rays(K, depth.shape), min_gap_m=2.5)) == 0


def test_frontier_before_nothing_ends_at_the_range_and_unknown_gives_none():
    depth = np.full((3, 6), INF, np.float32)
    depth[:, :3] = 1
    mask, side = np.zeros((3, 6), bool), np.zeros((3, 6), np.uint8)
    mask[1, 2], side[1, 2] = True, 1
    (found,) = frontiers(depth, mask, side, rays(K, depth.shape), max_range_m=5)
    np.testing.assert_allclose(found[3:], [0.05, 0, 5, 4], rtol=1e-6)
    depth[:, 3:] = NAN
    assert len(frontiers(depth, mask, side, rays(K, depth.shape))) == 0
    mask[:], side[:] = False, 0
    assert frontiers(depth, mask, side, rays(K, depth.shape)).shape == (0, 7)


def test_clearing_points_end_before_the_surface_or_at_the_range():
    depth = np.full((3, 4), 2, np.float32)
    depth[1, 2], depth[0, 0], depth[2, 2], depth[2, 0] = INF, NAN, 9, -INF
    directions = rays(K, depth.shape)
    cleared = clearing_points(depth, directions, max_range_m=4, margin=0.25)
    assert len(cleared) == 10                           # all but those that say nothing
    at_centre = cleared[np.abs(cleared[:, :2]).max(axis=1) < 1e-6]
    np.testing.assert_allclose(at_centre, [[0, 0, 4]], rtol=1e-6)       # depth[1, 2] is the principal point
    lengths = np.sort(np.linalg.norm(cleared, axis=1))
    np.testing.assert_allclose(lengths[-2:], 4, rtol=1e-6)
    assert (lengths[:-2] < 1.7).all() and (lengths[:-2] >= 1.5).all()
    assert len(clearing_points(depth, directions, max_range_m=4, unknown=True)) == 11
    with pytest.raises(ValueError, match="inf"):
        clearing_points(depth, directions, max_range_m=INF)
    with pytest.raises(ValueError, match="margin is 1"):
        clearing_points(depth, directions, max_range_m=4, margin=1)


def test_clearing_points_of_a_room_are_strided_and_never_behind_its_walls():
    depth = np.full((48, 64), 3, np.float32)
    directions = rays([[60, 0, 31.5], [0, 60, 23.5], [0, 0, 1]], depth.shape)
    cleared = clearing_points(depth, directions, max_range_m=10, stride_px=4)
    assert len(cleared) == 12 * 16 and (cleared[:, 2] < 3).all() and (cleared[:, 2] > 2.6).all()


@pytest.mark.parametrize("model, d", [("plumb_bob", [-0.3, 0.1, 0.001, -0.002, 0.0]),
                                      ("rational_polynomial", [0.1, -0.05, 0.0, 0.0, 0.01, 0.1, 0.0, 0.0]),
                                      ("equidistant", [0.05, -0.01, 0.002, 0.0])])
def test_undistorted_rays_come_back_to_their_pixels(model, d):
    k = np.array([[300.0, 0, 160], [0, 310.0, 118], [0, 0, 1]])
    directions = undistorted_rays(k, model, d, (240, 320))
    assert directions.shape == (240, 320, 3) and np.isfinite(directions).all()
    x, y = directions[..., 0].astype(float), directions[..., 1].astype(float)
    r2 = x * x + y * y
    if model == "equidistant":
        theta = np.arctan(np.sqrt(r2))
        bent = theta * (1 + sum(c * theta ** (2 * n + 2) for n, c in enumerate(d)))
        scale = np.divide(bent, np.sqrt(r2), out=np.ones_like(bent), where=r2 > 0)
        u, v = x * scale, y * scale
    else:
        k1, k2, p1, p2, k3, *more = d
        radial = 1 + k1 * r2 + k2 * r2 ** 2 + k3 * r2 ** 3
        if more:
            radial /= 1 + more[0] * r2 + more[1] * r2 ** 2 + more[2] * r2 ** 3
        u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    rows, columns = np.mgrid[:240, :320]
    np.testing.assert_allclose(300 * u + 160, columns, atol=0.5)
    np.testing.assert_allclose(310 * v + 118, rows, atol=0.5)


def test_a_fisheye_has_no_rays_beyond_its_circle():
    directions = undistorted_rays(np.array([[80.0, 0, 160], [0, 80, 120], [0, 0, 1]]), "equidistant", [0, 0, 0, 0], (240, 320))
    assert np.isfinite(directions[120, 160]).all()
    assert np.isnan(directions[0, 0, 0])                # 160 px at 80 px a radian: more than a right angle from the axis
    assert len(points(np.ones((240, 320)), directions, np.ones((240, 320), bool))) < 240 * 320


@pytest.mark.parametrize("model, d, said", [("omnidirectional", [0.1], "choose from plumb_bob"),
                                            ("plumb_bob", [0.1] * 3, "3 coeff"), ("equidistant", [0.1] * 5, "it takes 4")])
def test_lens_models_that_are_unknown_are_named(model, d, said):
    with pytest.raises(ValueError, match=said):
        undistorted_rays(np.eye(3) * 100, model, d, (4, 4))
