# SPDX-License-Identifier: Apache-2.0
"""Edges of depth maps drawn by hand."""
import numpy as np
import pytest

from modot_ros.learn.metrics.canny import PAPER_THRESHOLDS, depth_edges


def step(near=1.0, far=3.0) -> np.ndarray:
    depth = np.full((30, 40), far)
    depth[:, :20] = near
    return depth


@pytest.mark.parametrize("thresholds", PAPER_THRESHOLDS)
def test_a_clean_step_is_one_line_at_the_step(thresholds):
    edges = depth_edges(step(), *thresholds)
    assert set(np.nonzero(edges[2:-2])[1]) <= {19, 20} and (edges[2:-2].sum(1) == 1).all()


def test_only_the_share_of_the_range_counts():
    np.testing.assert_array_equal(depth_edges(step(1, 3)), depth_edges(step(10, 30)))
    small = step()
    small[:, 30:] = 3.1                                     # a twentieth of the range, smoothed
    assert not depth_edges(small)[:, 26:].any() and depth_edges(small, 0.01, 0.03)[:, 26:].any()


def test_flat_and_unknown_maps_have_no_edges():
    assert not depth_edges(np.full((9, 9), 2.0)).any()
    assert not depth_edges(np.full((9, 9), np.nan)).any()
    hole = np.full((20, 20), 2.0)
    hole[0, 0], hole[8:12, 8:12] = 1.9, np.nan
    assert not depth_edges(hole)[4:, 4:].any()


def test_thresholds_out_of_order_are_named():
    with pytest.raises(ValueError, match="0.5 and 0.2"):
        depth_edges(step(), 0.5, 0.2)
