# SPDX-License-Identifier: Apache-2.0
"""The boundary test on scenes whose answer follows from geometry alone."""
import numpy as np
import pytest

from modot_ros.learn.synthetic import Camera, Scene, render
from modot_ros.learn.synthetic.camera import look, pinhole
from modot_ros.learn.synthetic.rooms.materials import MaterialTable
from modot_ros.learn.synthetic.rooms.scene import Light
from modot_ros.learn.synthetic.rooms.shapes import BOX, ELLIPSOID, FRUSTUM, Solid
from modot_ros.learn.synthetic.truth import boundary_map, depth_order_pairs, occlusion_pairs

FLOOR = ((0, 0, -0.5), (50, 50, 0.5), 0)
WALL = ((0, 4.5, 0), (50, 0.5, 50), 0)                  # its face is the plane y = 4


def box_scene(*boxes, extra=()):
    """A scene of axis-aligned boxes (centre, half extents, instance) between a floor at z = 0 and a wall at y = 4."""
    materials = MaterialTable()
    materials.add_random("paint", np.random.default_rng(0))
    solids = [Solid(BOX, np.array(centre, float), np.eye(3), np.array(half, float), 0, instance)
              for centre, half, instance in (FLOOR, WALL, *boxes)] + list(extra)
    light = Light(np.array([0, -2, 3.0]), np.full(3, 0.05), np.ones(3))
    return Scene(0, np.array([100, 100, 100.0]), solids, materials, [light], np.full(3, 0.3), ["shell", "a", "b"], [], [])


def see(scene, eye=(0.0, -2.0, 1.0), target=(0.0, 1.0, 0.5), width=64, height=48):
    return render(scene, Camera(pinhole(width, height, 0.9), look(np.array(eye), np.array(target)), width, height))


def test_an_empty_room_has_no_boundary_though_floor_and_wall_meet():
    assert not see(box_scene()).boundary.any()


def test_a_floor_that_runs_to_the_horizon_is_continuous():
    scene = box_scene()
    scene.solids.pop(1)
    view = see(scene, target=(0.0, 1.0, -0.4))
    assert view.depth_m.max() > 15
    assert not view.boundary.any()


def test_a_scene_with_a_hole_is_refused():
    scene = box_scene()
    scene.solids.pop(1)
    with pytest.raises(ValueError, match="rays leave the scene"):
        see(scene, target=(0.0, 1.0, 1.0))


def test_a_box_on_the_floor_occludes_along_its_outline_but_not_along_the_contact_line():
    view = see(box_scene(((0.0, 1.0, 0.3), (0.3, 0.3, 0.3), 1)))
    rows, columns = np.nonzero(view.labels == 1)
    boundary_rows = np.nonzero(view.boundary)[0]
    assert view.boundary[:, columns.min()].any() and view.boundary[:, columns.max()].any()
    assert boundary_rows.min() == rows.min()
    inside = slice(columns.min() + 2, columns.max() - 1)
    assert not view.boundary[rows.max() - 1:, inside].any()
    assert (view.labels[view.boundary] == 1).all()      # the occluder owns the line


def test_the_hidden_side_points_away_from_the_box():
    view = see(box_scene(((0.0, 1.0, 0.3), (0.3, 0.3, 0.3), 1)))
    rows, columns = np.nonzero(view.labels == 1)
    middle = (rows.min() + rows.max()) // 2
    left, right = np.nonzero(view.boundary[middle])[0][[0, -1]]
    assert view.side[middle, left] == 5 and view.side[middle, right] == 1
    assert view.side[rows.min(), (left + right) // 2] == 7
    assert (view.side[~view.boundary] == 0).all()


def test_two_boxes_of_one_instance_occlude_each_other_but_make_no_pair():
    view = see(box_scene(((0.0, 1.0, 0.2), (0.15, 0.15, 0.2), 1), ((0.2, 2.0, 0.4), (0.3, 0.1, 0.4), 1)))
    between = view.boundary_right[(view.labels[:, :-1] == 1) & (view.labels[:, 1:] == 1)]
    assert np.count_nonzero(between) > 2
    assert view.occlusions.shape == (0, 3)


def test_stairs_that_are_seen_from_above_are_creases_only():
    steps = [((0.0, 1.0 + 0.3 * k, 0.1 * (k + 1)), (0.5, 0.15, 0.1 * (k + 1)), 1) for k in range(3)]
    view = see(box_scene(*steps), eye=(0.0, -1.0, 2.5), target=(0.0, 1.3, 0.2))
    rows, columns = np.nonzero(view.labels == 1)
    inner = (slice(rows.min() + 4, rows.max() - 3), slice(columns.min() + 12, columns.max() - 11))
    assert (view.labels[inner] == 1).all()
    assert not view.boundary[inner].any()


def test_boxes_that_run_into_each_other_are_in_contact_on_the_common_curve():
    view = see(box_scene(((-0.15, 1.0, 0.3), (0.2, 0.2, 0.3), 1), ((0.15, 1.0, 0.3), (0.2, 0.15, 0.3), 2)),
               eye=(0.0, -2.0, 1.2))
    meets = (view.labels[:, :-1] == 1) & (view.labels[:, 1:] == 2)
    front = meets & (view.normals[:, :-1, 1] > -0.5)    # where the front faces meet, not the tops
    assert front.any()
    # the faces are 5 cm apart in depth and joined by the side face of box 1, seen or hidden: a real step to the right
    assert set(np.unique(view.boundary_right[front])) <= {0, 1}
    tops = meets & (view.normals[:, :-1, 1] < -0.5)
    assert tops.any() and (view.boundary_right[tops] == 0).all()


def test_sphere_and_cylinder_in_front_of_the_wall():
    ball = Solid(ELLIPSOID, np.array([0, 1, 0.8]), np.eye(3), np.full(3, 0.3), 0, 1)
    view = see(box_scene(extra=[ball]), target=(0.0, 1.0, 0.8))
    assert np.count_nonzero(view.boundary) > 20
    assert (view.labels[view.boundary] == 1).all()
    # depth of the nearest point of the ball: |eye - centre| - radius
    assert view.depth_m[view.labels == 1].min() == pytest.approx(np.hypot(3, 0.2) - 0.3, abs=0.01)
    can = Solid(FRUSTUM, np.array([0, 1, 0.3]), np.eye(3), np.array([0.2, 0.2, 0.3]), 0, 2, 0.5)
    view = see(box_scene(extra=[can]))
    rows, columns = np.nonzero(view.labels == 2)
    top, bottom = np.ptp(columns[rows == rows.min() + 2]), np.ptp(columns[rows == rows.max() - 2])
    assert top < bottom                                 # the frustum narrows upwards


def test_mirroring_the_camera_mirrors_the_labels():
    boxes = ((0.25, 1.0, 0.3), (0.2, 0.3, 0.3), 1), ((-0.4, 1.6, 0.5), (0.3, 0.2, 0.5), 2)
    mirrored = [((-x, y, z), half, i) for (x, y, z), half, i in boxes]
    view, other = see(box_scene(*boxes)), see(box_scene(*mirrored))
    np.testing.assert_array_equal(view.boundary_right, -other.boundary_right[:, ::-1])
    np.testing.assert_array_equal(view.boundary_down, other.boundary_down[:, ::-1])


def test_who_occludes_whom_in_the_picture():
    view = see(box_scene(((0.0, 1.0, 0.3), (0.2, 0.2, 0.3), 1), ((0.1, 2.0, 0.5), (0.4, 0.2, 0.5), 2)))
    assert [tuple(row[:2]) for row in view.occlusions] == [(1, 2)]
    assert view.depth_orders == [(1, 2, False, False)]


def test_boundary_map_by_hand():
    right = np.array([[1, 0], [0, -1]], np.int8)        # (0,0) hides (0,1); (1,2) hides (1,1)
    down = np.array([[1, 0, 0]], np.int8)               # (0,0) hides (1,0)
    mask, side = boundary_map(right, down)
    np.testing.assert_array_equal(mask, [[True, False, False], [False, False, True]])
    np.testing.assert_array_equal(side, [[2, 0, 0], [0, 0, 5]])


def test_occlusion_pairs_by_hand():
    labels = np.array([[1, 2, 2], [1, 0, 2]], np.int32)
    right = np.array([[1, 0], [1, -1]], np.int8)
    down = np.array([[0, -1, 0]], np.int8)
    assert occlusion_pairs(labels, right, down).tolist() == [[1, 2, 1]]     # pairs with the shell do not count


def test_depth_orders_by_hand():
    labels = np.repeat([[1, 2, 3]], 4, 0)
    depth_m = np.column_stack([[1.0, 1, 1, 1], [1.01, 1.01, 1.01, 1.01], [0.5, 0.9, 3, 3]])
    assert depth_order_pairs(labels, depth_m) == [(1, 2, True, False), (1, 3, False, True), (2, 3, False, True)]
