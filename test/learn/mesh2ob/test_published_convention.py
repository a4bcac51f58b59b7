# SPDX-License-Identifier: Apache-2.0
"""The published tool's conventions, beside the strict ones."""
import numpy as np

from modot_ros.learn.mesh2ob.published_convention import _overlap, without_specks
from modot_ros.learn.synthetic.camera import Camera, look, pinhole


def test_contact_counts_and_the_nearer_pixel_is_marked(see, box, floor, wall):
    scene = floor, wall, box((0.0, 1.0, 0.3), (0.3, 0.3, 0.3))
    strict, published = see(*scene), see(*scene, convention="published")
    rows, columns = np.nonzero(published.labels == 3)
    inside = slice(columns.min() + 2, columns.max() - 1)
    assert not strict.boundary[rows.max() - 1:, inside].any()
    # the floor just in front of the box is nearer than its foot
    assert published.boundary[rows.max() + 1, inside].all() and not published.boundary[rows.max(), inside].any()
    assert published.boundary[rows.min(), inside].all()
    meets = (published.labels[:-1] == 2) & (published.labels[1:] == 1)      # wall and floor
    assert published.boundary_down[meets][3:-3].all() and meets.sum() > 30


def test_faces_of_one_box_are_one_surface(see, box, floor):
    view = see(floor, box((0.0, 1.0, 0.3), (0.3, 0.3, 0.3)), eye=(1.0, -1.5, 1.5), convention="published")
    within = (view.labels[:, :-1] == 2) & (view.labels[:, 1:] == 2)
    assert within.sum() > 100 and not view.boundary_right[within].any()
    assert not view.boundary_down[(view.labels[:-1] == 2) & (view.labels[1:] == 2)].any()


def test_nothing_behind_is_a_boundary_of_what_is_seen(see, box):
    view = see(box((0.0, 1.0, 0.5), (0.3, 0.3, 0.3)), convention="published")
    assert (view.labels[view.boundary] == 1).all()
    edge = (view.labels[:, :-1] == 1) != (view.labels[:, 1:] == 1)
    np.testing.assert_array_equal(view.boundary_right != 0, edge)


def test_parts_without_common_vertices_occlude_each_other(trimesh, see, box, floor):
    pair = trimesh.util.concatenate([box((0, 1.0, 0.3), (0.2, 0.1, 0.3)), box((0.2, 2.0, 0.5), (0.4, 0.1, 0.5))])
    view = see(floor, pair, convention="published")
    within = (view.labels[:, :-1] == 2) & (view.labels[:, 1:] == 2)
    assert np.count_nonzero(view.boundary_right[within]) > 5
    assert (view.boundary_right[within] >= 0).all()     # the near box is on the left of what it hides


def test_a_fine_surface_is_followed_and_its_own_contour_found(trimesh, see, floor):
    ring = trimesh.creation.torus(0.4, 0.18, major_sections=96, minor_sections=48)
    ring.apply_translation((0, 1, 0.8))
    way = {"eye": (0.0, -1.0, 1.25), "target": (0.0, 1.0, 0.8)}
    strict, published = see(floor, ring, **way), see(floor, ring, **way, convention="published")
    own = {name: (view.boundary_down != 0) & (view.labels[:-1] == 2) & (view.labels[1:] == 2)
           for name, view in (("strict", strict), ("published", published))}
    assert own["strict"].sum() > 10
    near = np.pad(own["strict"], 1)
    near = np.any([near[1 + dv:near.shape[0] - 1 + dv, 1 + du:near.shape[1] - 1 + du]
                   for dv in (-1, 0, 1) for du in (-1, 0, 1)], axis=0)
    assert near[own["published"]].mean() > 0.6 and own["published"].sum() >= own["strict"].sum() // 2


def test_the_outermost_pixels_are_left_out(see, box):
    view = see(box((0.0, 1.0, 0.5), (3.0, 0.3, 0.3)), convention="published")
    assert view.boundary.any()
    assert not view.boundary[:, :2].any() and not view.boundary[:, -1:].any() and not view.boundary[:2].any()


def test_samples_lie_half_a_pixel_up_and_left_of_the_centres(mesh_of, box):
    from modot_ros.learn.mesh2ob.view import Look

    mesh, pose = mesh_of(box((0.0, 1.0, 0.5), (0.3, 0.3, 0.3))), look(np.array([0, -2, 1.0]), np.array([0, 1, 0.5]))
    K = pinhole(64, 48, 0.9)
    shifted = K + [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    published = Look(mesh, Camera(K, pose, 64, 48), "published").view()
    np.testing.assert_array_equal(published.depth_m, Look(mesh, Camera(shifted, pose, 64, 48)).view().depth_m)


def test_overlap_by_hand():
    one = np.array([(0, 0), (1, 0), (0, 1.0)])
    others = np.array([[(1, 0), (0, 1), (1, 1)],        # across the common edge
                       [(0, 0), (1, 0), (1, 1)],        # folded back over it
                       [(0, 0), (-1, 0), (0, -1)],      # at a corner
                       [(0.2, 0.2), (0.3, 0.2), (0.2, 0.3)]], float)
    assert _overlap(np.repeat(one[None], 4, 0), others).tolist() == [False, True, False, True]


def test_specks_go_and_lines_stay():
    drawn = np.zeros((40, 60), np.uint8)
    drawn[18:20] = 255                                      # from side to side
    drawn[8, 30:33] = drawn[30, 12] = 255                   # three pixels, and one
    drawn[0, 5] = drawn[39, 40] = 255                       # at the border nothing is looked at
    expected = drawn > 0
    expected[8, 30:33] = expected[30, 12] = False
    np.testing.assert_array_equal(without_specks(drawn), expected)


def test_specks_are_counted_among_what_is_left():
    """The window ends one pixel before the one that lies as far below; what went before is not counted again."""
    drawn = np.zeros((60, 60), bool)
    drawn[20:40, 30] = True                                 # its upper end sees 6 of 10, and so does every next one
    assert not without_specks(drawn).any()
    drawn[20, 24:36] = True                                 # 12 in the first row hold the upper end
    kept = without_specks(drawn)[:, 30]
    # At the lower end the first pass leaves 36 (30 to 39 are 10), the second 35 (31 to 36), the third 30 (21 to 35).
    assert np.flatnonzero(kept).tolist() == list(range(20, 31))


def test_specks_of_small_pictures_are_left():
    assert without_specks(np.eye(3)).sum() == 3
