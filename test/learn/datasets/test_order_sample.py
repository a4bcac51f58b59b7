# SPDX-License-Identifier: Apache-2.0
"""Matrices of annotated orders, and those that labels have."""
import numpy as np
import pytest

from modot_ros.learn.datasets.order_sample import DepthRelation, depth_matrices, order_truth

NEARER, EQUAL = DepthRelation(2, 0, False, True, 3), DepthRelation(0, 1, True, False, 2)


def test_matrices_by_hand():
    depth, overlap, count = depth_matrices((NEARER, EQUAL), 3)
    assert depth.tolist() == [[-1, 2, 0], [2, -1, -1], [1, -1, -1]]
    assert overlap.tolist() == [[-1, 0, 1], [0, -1, -1], [1, -1, -1]]
    assert count.tolist() == [[-1, 2, 3], [2, -1, -1], [3, -1, -1]]


def test_overlapping_pairs_can_be_left_out():
    depth, overlap, _ = depth_matrices((NEARER, EQUAL), 3, leave_out_overlapping=True)
    assert depth[2, 0] == 1 and overlap[2, 0] == overlap[0, 2] == -1 and overlap[0, 1] == 0


LABELS = np.array([[9, 9, 4, 0], [9, 7, 4, 4]])


def test_truth_of_labels_goes_by_rising_ids():
    truth = order_truth("one", LABELS, [(9, 4, 6), (9, 7, 2), (4, 9, 3)], [(9, 4, False, True)])
    assert truth.modal[0].tolist() == [[0, 0, 1, 0], [0, 0, 1, 1]] and truth.boxes_xywh[0].tolist() == [2, 0, 2, 2]
    assert truth.occlusion.tolist() == [[0, 0, 0], [0, 0, -1], [1, -1, 0]]      # 9 and 7 meet too shortly to tell
    assert truth.depths == (DepthRelation(2, 0, False, True, 2),)


def test_what_is_unknown_of_labels_is_not_judged():
    truth = order_truth("one", LABELS, None, None)
    assert (truth.occlusion == -1).all() and truth.depths is None
    assert order_truth("alone", np.minimum(LABELS, 1), [], []) is None
    with pytest.raises(ValueError, match=r"one: an order is about 8, but the labels are \[4, 7, 9\]"):
        order_truth("one", LABELS, [(8, 4, 6)], None)
