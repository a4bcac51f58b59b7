# SPDX-License-Identifier: Apache-2.0
"""Boundaries of exact depth: planes, creases and steps by hand."""
import numpy as np

from modot_ros.learn.metrics.depth_steps import step_boundaries, step_pairs

V, U = np.mgrid[:24, :32].astype(float)
FLOOR_M = 1 / (0.05 + 0.03 * V)                             # a plane: inverse depth is affine in the picture


def test_a_slanted_plane_has_none_however_steep():
    assert FLOOR_M[1, 0] / FLOOR_M[0, 0] < 0.7
    assert not step_boundaries(FLOOR_M).any()
    assert not step_boundaries(np.round(FLOOR_M, 3)).any()  # stored in millimetres


def test_a_crease_between_two_planes_has_none():
    room_m = 1 / np.maximum(0.1 + 0.02 * U, 0.55 - 0.01 * U)            # a convex corner
    assert not step_boundaries(room_m).any()
    corner_m = 1 / np.minimum(0.1 + 0.02 * U, 0.55 - 0.01 * U)          # and one that recedes
    assert not step_boundaries(corner_m).any()


def test_a_box_on_the_floor_ends_where_it_ends_and_not_where_it_stands():
    box = (V >= 8) & (V < 16) & (U >= 10) & (U < 20)
    front_m = FLOOR_M[16, 0]                                # its front stands on the floor's row 16
    depth_m = np.where(box & (FLOOR_M > front_m), front_m, FLOOR_M)
    boundary = step_boundaries(depth_m)
    assert boundary[8, 10:20].all() and boundary[8:14, 10].all() and boundary[8:14, 19].all()
    assert not boundary[15, 11:19].any() and not boundary[16:].any()    # contact
    assert not (boundary & ~box).any()                      # the box owns them


def test_small_gaps_and_unknown_depth_have_none():
    wall_m = np.where(U < 16, 2.0, 2.03)
    assert not step_boundaries(wall_m).any() and step_boundaries(wall_m, share=0.01)[:, 15].all()
    holes_m = np.where(U < 16, 2.0, np.nan)
    assert not step_boundaries(holes_m).any()
    assert not step_boundaries(np.where(U < 16, 0.05, 0.053), share=0.01, quantum_m=0.001).any()    # rounding


def test_pairs_say_who_is_in_front():
    right, down = step_pairs(np.where((U > 9) & (V > 6), 1.0, 2.0))
    assert right.shape == (U.shape[0], U.shape[1] - 1) and down.shape == (U.shape[0] - 1, U.shape[1])
    assert (right[7:, 9] == -1).all() and (down[6, 10:] == -1).all()
    assert np.count_nonzero(right) == U.shape[0] - 7 and np.count_nonzero(down) == U.shape[1] - 10
