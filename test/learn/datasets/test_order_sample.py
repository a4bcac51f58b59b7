# SPDX-License-Identifier: Apache-2.0
"""Matrices of annotated depth orders."""
from modot_ros.learn.datasets.order_sample import DepthRelation, depth_matrices

NEARER, EQUAL = DepthRelation(2, 0, False, True, 3), DepthRelation(0, 1, True, False, 2)


def test_matrices_by_hand():
    depth, overlap, count = depth_matrices((NEARER, EQUAL), 3)
    assert depth.tolist() == [[-1, 2, 0], [2, -1, -1], [1, -1, -1]]
    assert overlap.tolist() == [[-1, 0, 1], [0, -1, -1], [1, -1, -1]]
    assert count.tolist() == [[-1, 2, 3], [2, -1, -1], [3, -1, -1]]


def test_overlapping_pairs_can_be_left_out():
    depth, overlap, _ = depth_matrices((NEARER, EQUAL), 3, leave_out_overlapping=True)
    assert depth[2, 0] == 1 and overlap[2, 0] == overlap[0, 2] == -1 and overlap[0, 1] == 0
