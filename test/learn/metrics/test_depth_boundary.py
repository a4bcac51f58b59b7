# SPDX-License-Identifier: Apache-2.0
"""Edges of depth maps, scored by hand."""
import math

import numpy as np
import pytest

from modot_ros.learn.metrics.canny import depth_edges
from modot_ros.learn.metrics.depth_boundary import FARTHEST_PX, RATIOS, depth_boundary_error, scale_invariant_boundary_f


def step(at=20, near=1.0, far=3.0) -> np.ndarray:
    depth = np.full((30, 60), far)
    depth[:, :at] = near
    return depth


def soft(at=20) -> np.ndarray:
    """A step whose steepest place is a column, not between two of them."""
    depth = step(at)
    depth[:, at] = 2.0
    return depth


def test_error_of_a_step_in_its_place_and_beside_it():
    edges = depth_edges(soft())
    assert depth_boundary_error(soft(), edges).accuracy_px == 0.0
    beside = depth_boundary_error(soft(at=24), edges)
    assert beside.accuracy_px == pytest.approx(4, abs=0.05) and beside.completeness_px == pytest.approx(4, abs=0.05)


def test_error_of_a_second_edge_that_nobody_asked_for():
    two = soft()
    two[:, 50:] = 6.0                                       # 30 pixels from the true edge
    both, true = depth_edges(two), depth_edges(soft())
    error = depth_boundary_error(two, true)
    assert error.accuracy_px == 0.0                         # it is too far to be an inaccurate one
    false_share = (both.sum() - true.sum()) / (both.sum() + true.sum())
    assert error.completeness_px == pytest.approx(FARTHEST_PX * false_share, abs=0.3)


def test_error_without_edges():
    edges = depth_edges(soft())
    flat = depth_boundary_error(np.full((30, 60), 2.0), edges)
    assert (flat.accuracy_px, flat.completeness_px) == (FARTHEST_PX, FARTHEST_PX)
    assert math.isnan(depth_boundary_error(soft(), np.zeros((30, 60))).accuracy_px)


def test_boundary_f_of_one_step_by_hand():
    """One of four directions has an edge: its recall and precision are 1, the others' 0."""
    assert scale_invariant_boundary_f(step(), step()) == pytest.approx(0.25)
    assert scale_invariant_boundary_f(5 * step(), step()) == pytest.approx(0.25)
    assert scale_invariant_boundary_f(step(at=21), step()) == 0.0
    assert scale_invariant_boundary_f(step(near=3, far=1), step()) == 0.0       # the other way round is another edge


def test_boundary_f_weighs_large_ratios_more():
    weak = step(near=1.0, far=1.12)                         # an edge for the four ratios up to 1.117
    assert scale_invariant_boundary_f(weak, step()) == pytest.approx(0.25 * RATIOS[:4].sum() / RATIOS.sum())


@pytest.mark.parametrize("near, far", [(2.0, 2.5), (8.0, 10.0), (4.0, 5.0)])
def test_boundary_f_takes_no_step_of_exactly_the_ratio(near, far):
    """1.25 is no edge at the ratio 1.25, whatever the two depths are."""
    assert far / near == RATIOS[-1]
    expected = 0.25 * RATIOS[:-1].sum() / RATIOS.sum()
    assert scale_invariant_boundary_f(step(near=near, far=far), step()) == pytest.approx(expected)


def test_boundary_f_of_all_four_directions():
    box = np.full((20, 20), 4.0)
    box[5:15, 5:15] = 2.0
    assert scale_invariant_boundary_f(box, box) == pytest.approx(1.0)
    hole = box.copy()
    hole[:, :9] = np.nan                                    # the left side is unknown; the other three are there
    assert scale_invariant_boundary_f(hole, box) == pytest.approx(0.75)


def test_unequal_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(3, 2\)"):
        scale_invariant_boundary_f(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(3, 2\)"):
        depth_boundary_error(np.ones((2, 2)), np.ones((3, 2)))
