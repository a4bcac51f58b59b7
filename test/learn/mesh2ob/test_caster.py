# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.mesh2ob.caster import NO_HIT, MeshCaster
from modot_ros.learn.mesh2ob.mesh import Mesh

POSE = np.eye(4)


@pytest.fixture
def embree():
    pytest.importorskip("embreex", reason="embreex is not installed: pip install .[mesh]")


def slanted(shift_m=(0.0, 0.0, 0.0)):
    """A square in the plane z = 2 + x, two triangles."""
    corners = np.array([(-1, -1, 1), (1, -1, 3), (1, 1, 3), (-1, 1, 1.0)]) + shift_m
    return Mesh(corners, np.array([(0, 2, 1), (0, 3, 2)]), np.ones(2, np.int32), np.ones((2, 3, 3), np.float32), ("", "a"))


def test_depth_is_that_of_the_plane_in_double_precision(embree):
    tangents = np.random.default_rng(0).uniform(-0.25, 0.25, (1000, 2))
    depth_m, triangle = MeshCaster(slanted(), POSE).cast(tangents)
    assert set(triangle) == {0, 1}
    np.testing.assert_allclose(depth_m, 2 / (1 - tangents[:, 0]), rtol=1e-14)   # z = 2 + z tan


def test_far_from_the_origin_nothing_is_lost(embree):
    away_m = np.array([4e5, 5e6, 120.0])                # as in a projected map
    pose = np.eye(4)
    pose[:3, 3] = away_m
    tangents = np.random.default_rng(0).uniform(-0.25, 0.25, (1000, 2))
    depth_m, _ = MeshCaster(slanted(away_m), pose).cast(tangents)
    np.testing.assert_allclose(depth_m, 2 / (1 - tangents[:, 0]), rtol=1e-9)


def test_rays_2e_minus_16_pixels_apart_differ_in_depth(embree):
    step = 2.0 ** -16 / 600
    depth_m, _ = MeshCaster(slanted(), POSE).cast(np.array([(0.1, 0.0), (0.1 + step, 0.0)]))
    assert 0 < depth_m[1] - depth_m[0] < 3 * step


def test_rays_that_miss_and_no_rays(embree):
    depth_m, triangle = MeshCaster(slanted(), POSE).cast(np.array([(1.5, 0.0), (0.0, 0.0)]))
    assert depth_m.tolist() == [np.inf, 2.0] and triangle[0] == NO_HIT
    assert MeshCaster(slanted(), POSE).cast(np.zeros((0, 2)))[0].shape == (0,)


def test_no_ray_slips_through_an_edge(trimesh, mesh_of):
    ball = trimesh.creation.icosphere(subdivisions=3)
    ball.apply_translation((0.1, 0.2, 3.0))
    rng = np.random.default_rng(0)
    ends = ball.vertices[ball.edges_unique[rng.integers(len(ball.edges_unique), size=20000)]]
    share = rng.random((20000, 1))
    on_edge = share * ends[:, 0] + (1 - share) * ends[:, 1]
    on_edge = on_edge[((on_edge - [0.1, 0.2, 3.0]) * on_edge).sum(1) < -0.2]
    depth_m, _ = MeshCaster(mesh_of(ball), POSE).cast(on_edge[:, :2] / on_edge[:, 2:])
    np.testing.assert_allclose(depth_m, on_edge[:, 2], rtol=1e-5)
