# SPDX-License-Identifier: Apache-2.0
"""Partitions of a few blocks, scored by hand."""
import numpy as np
import pytest

from modot_ros.learn.metrics.partition import partition_scores


def blocks(*columns: int) -> np.ndarray:
    """Labels [10, 10 n], each for ten columns."""
    return np.repeat(np.tile(np.array(columns), (10, 1)), 10, axis=1)


def test_equal_up_to_names_is_perfect():
    scores = partition_scores(blocks(0, 7, 3), blocks(0, 1, 2))
    assert (scores.covering, scores.object_covering) == (1, 1)
    assert (scores.right, scores.found, scores.true) == (2, 2, 2)


def test_a_split_object_is_covered_by_its_best_part_and_half_is_not_enough():
    scores = partition_scores(blocks(0, 1, 2), blocks(0, 5, 5))
    assert scores.object_covering == pytest.approx(0.5) and scores.covering == pytest.approx((10 + 0.5 * 20) / 30)
    assert (scores.right, scores.found, scores.true) == (0, 2, 1)


def test_what_is_too_small_to_ask_for_is_neither_missed_nor_wrong():
    true = np.zeros((100, 100), int)
    true[0, :9] = 1                                     # below a thousandth of the picture
    assert partition_scores(np.zeros((100, 100), int), true).true == 0
    found = partition_scores(true, true)
    assert (found.right, found.found, found.true) == (0, 0, 0)


def test_no_instance_has_no_covering_of_instances():
    scores = partition_scores(np.zeros((4, 4), int), np.zeros((4, 4), int))
    assert scores.covering == 1 and np.isnan(scores.object_covering)


def test_sizes_are_named():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        partition_scores(np.zeros((2, 3), int), np.zeros((3, 2), int))
