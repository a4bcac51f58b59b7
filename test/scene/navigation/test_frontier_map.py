# SPDX-License-Identifier: Apache-2.0
"""Frontiers that last: merged, aged out, cleared when seen through, and right where a camera walks through rendered rooms."""
from __future__ import annotations

import numpy as np
import pytest

from modot_ros.learn.synthetic.camera import random_camera
from modot_ros.learn.synthetic.rooms.scene import random_scene
from modot_ros.learn.synthetic.view import render
from modot_ros.scene.boundaries import thin
from modot_ros.scene.geometry import frontiers, pixels_of, rays
from modot_ros.scene.navigation.frontier_map import (
    LEAST_HEIGHT_M,
    MOST_MISSES,
    MOST_ZONES,
    FrontierMap,
    in_view,
    merged_in_cells,
    zones,
)


def row(x, y=0.0, z=1.0, gap=1.0):
    return [x, y, z, x + gap, y, z, gap]


def test_what_is_seen_again_is_one_and_its_place_the_mean():
    lasting = FrontierMap()
    for i, x in enumerate((1.0, 1.1, 1.05)):
        lasting.update(np.array([row(x)]), 0.1 * i)
    assert len(lasting) == 1
    np.testing.assert_allclose(lasting.frontiers, [row(1.05)], rtol=1e-6)


def test_one_frame_is_not_enough_and_others_stay_apart():
    lasting = FrontierMap()
    lasting.update(np.array([row(1.0), row(3.0)]), 0.0)
    assert len(lasting) == 2 and len(lasting.frontiers) == 0
    lasting.update(np.array([row(1.0)]), 0.1)
    assert len(lasting.frontiers) == 1
    np.testing.assert_allclose(merged_in_cells(np.array([row(0.01), row(0.03), row(0.51)]))[:, 0], [0.02, 0.51])


def test_a_frontier_lasts_out_of_sight_and_ages_out():
    lasting = FrontierMap(memory_s=2.0)
    for t in (0.0, 0.1):
        lasting.update(np.array([row(1.0)]), t)
    nothing = np.zeros((0, 7))
    lasting.update(nothing, 2.0, np.array([False]))
    assert len(lasting.frontiers) == 1
    lasting.update(nothing, 2.2, np.array([False]))
    assert len(lasting) == 0


def test_a_frontier_that_the_camera_looks_at_in_vain_goes():
    lasting = FrontierMap()
    for t in (0.0, 0.1):
        lasting.update(np.array([row(1.0)]), t)
    for i in range(MOST_MISSES):
        assert len(lasting) == 1
        lasting.update(np.zeros((0, 7)), 0.2 + 0.1 * i, np.array([True]))
    assert len(lasting) == 0


def test_time_that_runs_backwards_forgets_all():
    lasting = FrontierMap()
    lasting.update(np.array([row(1.0)]), 100.0)
    lasting.update(np.array([row(5.0)]), 1.0, np.array([False]))
    assert len(lasting) == 1 and lasting.edges[0, 0] == 5


def test_in_view_by_hand():
    depth = np.full((20, 30), 3, np.float32)
    depth[:, 15:] = 1
    depth[0, 0] = np.nan
    k = np.array([[20.0, 0, 14.5], [0, 20, 9.5], [0, 0, 1]])
    points = np.array([[-0.5, 0, 2], [0.5, 0, 2], [-0.5, 0, 3.2], [-0.5, 0, 4], [0, 0, -1], [9, 0, 2], [-1.45, -0.95, 2]])
    assert in_view(points, pixels_of(points, k), depth).tolist() == [True, False, True, False, False, False, False]


def test_zones_by_hand():
    """A door frame's edge at (2, 0): what comes out reaches half a metre around it."""
    edge = np.array([row(2.0, 0.0, z) for z in np.arange(0.1, 2.0, 0.1)])
    (outline,) = zones(edge, np.zeros(2), 0.5)
    np.testing.assert_allclose(np.linalg.norm(outline - [2, 0], axis=1), 0.5, rtol=1e-6)
    assert zones(np.array([row(2.0, 0.0, LEAST_HEIGHT_M - 0.1)]), np.zeros(2), 0.5) == []
    assert zones(np.zeros((0, 7)), np.zeros(2), 0.5) == []


def test_the_nearest_zones_come_first_and_there_are_few():
    many = np.array([row(x) for x in (9.0, 1.0, 7.0, 3.0, 5.0, 11.0)])
    found = zones(many, np.zeros(2), 0.2)
    assert [round(float(outline[:, 0].mean())) for outline in found] == [1, 3, 5, 7] and len(found) == MOST_ZONES
    joined = np.array([row(1.0, y) for y in np.arange(0, 1.5, 0.3)])
    assert len(zones(joined, np.zeros(2), 0.2)) == 1


@pytest.mark.parametrize("seed", [200704, 200710])
def test_places_in_the_map_are_right_after_a_walk(seed):
    """With true depth: the median error is below 5 % of the range, over three places of the camera."""
    scene = random_scene(seed)
    first = random_camera(scene, np.random.default_rng(seed), 320, 240)
    lasting, true, places = FrontierMap(), [], []
    for i, step_m in enumerate((0.0, 0.04, 0.08)):
        pose = first.pose.copy()
        pose[:3, 3] += step_m * pose[:3, 2]
        view = render(scene, type(first)(**{**vars(first), "pose": pose}), seed)
        directions = rays(view.K, view.depth_m.shape)
        mask, side = thin(view.boundary.astype(np.float32), view.depth_m, 0.5)
        found = frontiers(view.depth_m, mask, side, directions)
        to_map = lambda points, pose=pose: points @ pose[:3, :3].T + pose[:3, 3]    # noqa: E731
        lasting.update(np.hstack([to_map(found[:, :3]), to_map(found[:, 3:6]), found[:, 6:]]), 0.1 * i)
        v, u = np.nonzero(view.boundary)
        true.append(to_map(directions[v, u] * view.depth_m[v, u, None]))
        places.append(pose[:3, 3])
    kept, edges = lasting.frontiers, np.concatenate(true)
    assert len(kept) > 50
    error = np.array([np.linalg.norm(edges - edge, axis=1).min() for edge in kept[:, :3]])
    assert np.median(error / np.linalg.norm(kept[:, :3] - places[0], axis=1)) < 0.05
