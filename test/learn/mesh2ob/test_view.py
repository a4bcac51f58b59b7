# SPDX-License-Identifier: Apache-2.0
"""Boundaries of meshes whose answer follows from geometry alone, and those of the analytic renderer."""
import dataclasses

import numpy as np
import pytest
from scipy.spatial import HalfspaceIntersection

from modot_ros.learn.metrics.matching import largest_matching
from modot_ros.learn.synthetic import random_camera, random_scene, render
from modot_ros.learn.synthetic.camera import Camera, look, pinhole
from modot_ros.learn.synthetic.rooms.shapes import BOX, ELLIPSOID, FRUSTUM


def triangles(trimesh, solid):
    """The surface of a convex solid of a synthetic room: exact for plane faces, fine for round ones."""
    if solid.kind == BOX:
        made = trimesh.creation.box(extents=(2, 2, 2))
    elif solid.kind == ELLIPSOID:
        made = trimesh.creation.icosphere(subdivisions=4)
    elif solid.kind == FRUSTUM:
        made = trimesh.creation.cylinder(radius=1, height=2, sections=128)
        made.vertices[made.vertices[:, 2] > 0, :2] *= solid.taper
    else:
        corners = HalfspaceIntersection(solid.planes * [1, 1, 1, -1], np.zeros(3)).intersections
        made = trimesh.convex.convex_hull(corners)
    made.vertices = made.vertices * solid.half_m @ solid.rotation.T + solid.centre_m
    return made


def test_a_room_of_triangles_looks_like_the_analytic_one(trimesh, mesh_of):
    from modot_ros.learn.mesh2ob.view import Look

    scene = random_scene(5)
    camera = random_camera(scene, np.random.default_rng(5), 120, 90)
    solids = [s for s in scene.solids if not s.inside and s.hole == 0 and s.cut == 1]
    visible = np.unique(render(dataclasses.replace(scene, solids=solids), camera).labels)
    solids = [solid for solid in solids if solid.instance in visible]
    assert {BOX, ELLIPSOID, FRUSTUM} <= {solid.kind for solid in solids}
    assert len(visible) > 3
    analytic = render(dataclasses.replace(scene, solids=solids), camera)
    view = Look(mesh_of(*(trimesh.util.concatenate([triangles(trimesh, s) for s in solids if s.instance == k])
                          for k in visible)), camera).view()

    labels = np.array([-1, *visible])[view.labels]
    assert (labels == analytic.labels).mean() > 0.999
    assert (np.abs(view.depth_m / analytic.depth_m - 1) < 2e-3).mean() > 0.999
    hits = largest_matching(view.boundary, analytic.boundary, 1.0)
    assert analytic.boundary.sum() > 300
    assert 2 * hits / (view.boundary.sum() + analytic.boundary.sum()) >= 0.98
    different = (view.boundary_right != analytic.boundary_right).sum()
    assert different < 0.02 * np.count_nonzero(analytic.boundary_right)


def inner(mask, by=2):
    """Without its outermost `by` pixels."""
    for _ in range(by):
        padded = np.pad(mask, 1)
        mask = mask & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    return mask


def test_a_box_on_the_floor_occludes_along_its_outline_but_not_along_the_contact_line(see, box, floor, wall):
    view = see(floor, wall, box((0.0, 1.0, 0.3), (0.3, 0.3, 0.3)))
    rows, columns = np.nonzero(view.labels == 3)
    assert np.nonzero(view.boundary)[0].min() == rows.min()
    middle = (rows.min() + rows.max()) // 2
    left, right = np.nonzero(view.boundary[middle])[0][[0, -1]]
    assert (left, right) == (columns.min(), columns.max())
    assert view.side[middle, left] == 5 and view.side[middle, right] == 1
    assert not view.boundary[rows.max() - 1:, columns.min() + 2:columns.max() - 1].any()
    assert (view.labels[view.boundary] == 3).all()      # floor and wall meet without a boundary
    assert view.occlusions[:, :2].tolist() == [[3, 1], [3, 2]]


def test_an_arm_in_front_of_its_own_body_is_a_boundary_inside_one_instance(trimesh, see, box, floor, wall):
    # an L on its side: the foot comes 0.6 m towards the camera, seen from its level the corner is hidden
    shape = trimesh.util.concatenate([box((0, 1.5, 0.5), (0.3, 0.1, 0.5)), box((0, 1.1, 0.1), (0.3, 0.3, 0.1))])
    view = see(floor, wall, shape, eye=(0.0, -1.0, 0.12), target=(0.0, 1.0, 0.3))
    within = (view.labels[:-1] == 3) & (view.labels[1:] == 3)
    assert (view.boundary_down[within] < 0).sum() > 10   # the lower pixel, on the foot, is in front


def test_the_same_shape_from_above_is_a_crease(trimesh, see, box, floor, wall):
    shape = trimesh.util.concatenate([box((0, 1.5, 0.5), (0.3, 0.1, 0.5)), box((0, 1.1, 0.1), (0.3, 0.3, 0.1))])
    view = see(floor, wall, shape, eye=(0.0, -1.0, 1.6), target=(0.0, 1.2, 0.3))
    assert not view.boundary[inner(view.labels == 3, 3)].any()


def test_a_sphere_before_the_wall_is_bounded_all_round(trimesh, see, floor, wall):
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.3)
    ball.apply_translation((0, 1, 0.8))
    view = see(floor, wall, ball, target=(0.0, 1.0, 0.8))
    rim = (view.labels == 3) & ~inner(view.labels == 3, 1)
    np.testing.assert_array_equal(view.boundary, rim)
    assert view.depth_m[view.labels == 3].min() == pytest.approx(np.hypot(3, 0.2) - 0.3, abs=0.01)
    np.testing.assert_allclose(np.linalg.norm(view.normals, axis=2), 1, rtol=1e-5)
    assert (view.normals[view.labels == 3][:, 2] < 0.1).all()


def test_stairs_that_are_seen_from_above_are_creases_only(trimesh, see, box, floor, wall):
    steps = trimesh.util.concatenate([box((0, 1 + 0.3 * k, 0.1 * (k + 1)), (0.5, 0.15, 0.1 * (k + 1))) for k in range(3)])
    view = see(floor, wall, steps, eye=(0.0, -1.0, 2.5), target=(0.0, 1.3, 0.2))
    assert inner(view.labels == 3, 3).sum() > 100
    assert not view.boundary[inner(view.labels == 3, 3)].any()


def test_a_torus_hides_itself_along_a_contour_that_ends(trimesh, see, floor, wall):
    ring = trimesh.creation.torus(0.4, 0.18, major_sections=128, minor_sections=64)
    ring.apply_translation((0, 1, 0.8))
    view = see(floor, wall, ring, eye=(0.0, -1.0, 1.25), target=(0.0, 1.0, 0.8))
    hidden = inner(view.labels == 3, 1)
    assert view.boundary[hidden].any()                  # the near half of the ring before its far half
    columns = np.nonzero(view.boundary & hidden)[1]
    ring_columns = np.nonzero(view.labels == 3)[1]
    assert columns.min() > ring_columns.min() + 2 and columns.max() < ring_columns.max() - 2


def test_a_floor_that_runs_to_the_horizon_is_continuous(trimesh, see):
    tiles = trimesh.creation.box(extents=(400, 400, 1))
    tiles.apply_translation((0, 0, -0.5))
    view = see(tiles.subdivide().subdivide(), target=(0.0, 1.0, 0.67))
    assert view.depth_m[view.labels == 1].max() > 30
    assert not view.boundary[inner(view.labels == 1, 1)].any()


def test_boxes_that_run_into_each_other_are_in_contact_on_the_common_curve(see, box, floor, wall):
    view = see(floor, wall, box((-0.15, 1.0, 0.3), (0.2, 0.2, 0.3)), box((0.15, 1.0, 0.3), (0.2, 0.15, 0.3)),
               eye=(0.0, -2.0, 1.2))
    meets = (view.labels[:, :-1] == 3) & (view.labels[:, 1:] == 4)
    tops = meets & (view.normals[:, :-1, 1] < -0.5)
    assert tops.any() and (view.boundary_right[tops] == 0).all()


def test_mirroring_the_scene_mirrors_the_labels(see, box, floor, wall):
    boxes = ((0.25, 1.0, 0.3), (0.2, 0.3, 0.3)), ((-0.4, 1.6, 0.5), (0.3, 0.2, 0.5))
    view = see(floor, wall, *(box(*one) for one in boxes))
    other = see(floor, wall, *(box((-x, y, z), half) for (x, y, z), half in boxes))
    np.testing.assert_array_equal(view.boundary_right, -other.boundary_right[:, ::-1])
    np.testing.assert_array_equal(view.boundary_down, other.boundary_down[:, ::-1])


def test_edges_that_meet_without_common_vertices_are_no_cracks(trimesh, see):
    rng = np.random.default_rng(0)
    corners, ys = [], np.sort(rng.uniform(-3, 3, 12))
    for low, high in zip(ys[:-1], ys[1:]):              # rows of tiles, each parted in its own way
        xs = np.concatenate([[-3], np.sort(rng.uniform(-3, 3, 6)), [3]])
        corners += [((a, low, 0), (b, low, 0), (b, high, 0), (a, high, 0)) for a, b in zip(xs[:-1], xs[1:])]
    turn = trimesh.transformations.random_rotation_matrix(rng.random(3))[:3, :3]
    corners = np.array(corners).reshape(-1, 3)
    quads = np.arange(len(corners)).reshape(-1, 4)
    tiles = trimesh.Trimesh(corners @ turn.T, quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3), process=False)
    below = trimesh.Trimesh(np.array([(-50, -50, -5), (50, -50, -5), (0, 50, -5.0)]) @ turn.T, [(0, 1, 2)])
    view = see(tiles, below, eye=turn @ [0.3, -2.5, 1.0], target=turn @ [0.1, 0.2, 0.0])
    within = inner(view.labels == 1)
    assert within.sum() > 800
    assert not view.boundary[within].any()


def test_nothing_behind_is_background(see, box):
    view = see(box((0.0, 1.0, 0.5), (0.3, 0.3, 0.3)))
    assert np.isinf(view.depth_m[view.labels == 0]).all() and (view.normals[view.labels == 0] == 0).all()
    rim = (view.labels == 1) & ~inner(view.labels == 1, 1)
    np.testing.assert_array_equal(view.boundary, rim)
    assert view.rgb.dtype == np.uint8 and view.rgb[0, 0].tolist() == [204, 204, 204]


def test_soft_boundary_counts_points(mesh_of, box):
    from modot_ros.learn.mesh2ob.view import Look

    camera = Camera(pinhole(32, 24, 0.9), look(np.array([0, -2, 1.0]), np.array([0, 1, 0.5])), 32, 24)
    seen = Look(mesh_of(box((0.0, 1.0, 0.5), (0.3, 0.3, 0.3))), camera)
    soft = seen.soft_boundary(2)
    assert {0, 0.5} < set(np.unique(soft)) <= {0, 0.25, 0.5, 0.75, 1}
    around = np.pad(seen.view().boundary, 1)
    near = np.any([around[1 + dv:25 + dv, 1 + du:33 + du] for dv in (-1, 0, 1) for du in (-1, 0, 1)], axis=0)
    assert not (soft > 0)[~near].any()


def test_an_unknown_convention_is_refused(see, box):
    with pytest.raises(ValueError, match="'strickt'; choices: strict, published"):
        see(box((0.0, 1.0, 0.5), (0.3, 0.3, 0.3)), convention="strickt")


def test_classes_come_from_the_names_of_nodes():
    pytest.importorskip("embreex")
    from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS
    from modot_ros.learn.mesh2ob.view import class_of_node

    assert [CLASS_NAMES[class_of_node(name)] for name in ("Chair.001", "office_chair_2", "WALL", "television")] == [
        "chair", "chair", "wall", "screen"]
    assert class_of_node("Cube.003") == class_of_node("") == class_of_node("armchair") == UNKNOWN_CLASS
