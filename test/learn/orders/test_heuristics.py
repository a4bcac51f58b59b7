# SPDX-License-Identifier: Apache-2.0
"""Orders without learning, drawn by hand and against the official ones."""
import numpy as np
import pytest

from modot_ros.learn.orders.heuristics import depth_by_area, depth_by_height, occlusion_by_area, occlusion_by_height

PICTURE = np.array([[1, 1, 1, 0, 3],
                    [1, 1, 1, 0, 3],
                    [0, 2, 2, 0, 3],
                    [0, 0, 0, 4, 0]])
MASKS = np.stack([PICTURE == label for label in (1, 2, 3, 4)])


def pairs(matrix):
    return set(zip(*(axis.tolist() for axis in np.nonzero(matrix))))


def test_one_instance_or_none_has_no_order():
    for order in (occlusion_by_area, occlusion_by_height, depth_by_area, depth_by_height):
        assert order(MASKS[:1]).tolist() == [[0]] and order(MASKS[:0]).shape == (0, 0)


def test_area_and_height_by_hand():
    assert pairs(occlusion_by_area(MASKS)) == {(0, 1)}              # 2 and 4, 3 and 4 meet at corners only
    assert pairs(occlusion_by_height(MASKS)) == {(1, 0)}
    assert pairs(occlusion_by_height(MASKS, as_published=True)) == {(0, 1)}
    assert pairs(depth_by_area(MASKS)) == {(0, 1), (0, 2), (0, 3), (2, 1), (2, 3), (1, 3)}
    assert pairs(depth_by_height(MASKS)) == {(3, 0), (3, 1), (3, 2), (1, 0), (1, 2), (2, 0)}


def test_of_two_that_are_alike_the_first_is_in_front():
    alike = np.stack([PICTURE == 1, PICTURE == 1])
    for order in (occlusion_by_area, occlusion_by_height, depth_by_area, depth_by_height):
        assert order(alike).tolist() == [[0, 1], [0, 0]]
    assert occlusion_by_height(alike, as_published=True).tolist() == [[0, 0], [1, 0]]
    assert depth_by_height(np.stack([PICTURE == 1, PICTURE == 9])).tolist() == [[0, 1], [0, 0]]      # nowhere is no row


@pytest.mark.parametrize("name, heuristic", [
    ("occ_area_larger", occlusion_by_area), ("depth_area_larger", depth_by_area),
    ("depth_yaxis_lower", depth_by_height),
    ("occ_yaxis_lower", lambda masks: occlusion_by_height(masks, as_published=True))])
def test_heuristics_are_the_official_ones(shared_golden, name, heuristic):
    with np.load(shared_golden / "instaorder" / "metrics.npz") as golden:
        assert heuristic(golden["kins/inmodal"]).tolist() == golden[f"base/{name}"].tolist()
