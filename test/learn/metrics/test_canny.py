# SPDX-License-Identifier: Apache-2.0
"""Edges of depth maps drawn by hand."""
import numpy as np
import pytest

from modot_ros.learn.metrics.canny import PAPER_THRESHOLDS, depth_edges


def step(near=1.0, far=3.0) -> np.ndarray:
    """With a column half way, for the steepest place between two columns could be either."""
    depth = np.full((30, 40), far)
    depth[:, :20], depth[:, 20] = near, (near + far) / 2
    return depth


@pytest.mark.parametrize("thresholds", PAPER_THRESHOLDS)
def test_a_clean_step_is_one_line_at_the_step(thresholds):
    edges = depth_edges(step(), *thresholds)
    assert (np.nonzero(edges)[1] == 20).all() and (edges[1:-1].sum(1) == 1).all()
    assert not edges[[0, -1]].any()                         # the outermost pixels have none


def test_the_gradient_is_compared_between_pixels():
    """Along 2 right, 1 down the crest moves half a pixel a row: in every other row it lies between two, which are level."""
    v, u = np.mgrid[:31, :41] - np.array([15, 20])[:, None, None]
    edges = depth_edges(2 + np.tanh((2 * u + v) / 4))[4:-4]
    expected = (np.abs(2 * u + v) <= 1)[4:-4]
    assert not (edges & ~expected).any() and edges.any(axis=1).all()


def test_equal_to_scikit_image():
    feature = pytest.importorskip("skimage.feature", reason="scikit-image is not installed")
    numbers = np.random.default_rng(0)
    depth = np.add.outer(numbers.random(60), np.linspace(1, 2, 80)).astype(np.float32)
    for _ in range(8):
        v, u = numbers.integers(0, (45, 60))
        depth[v:v + 15, u:u + 20] = numbers.uniform(1, 4)
    level = (depth - depth.min()) / (depth - depth.min()).max()
    for low, high in PAPER_THRESHOLDS:
        np.testing.assert_array_equal(depth_edges(depth, low, high), feature.canny(level, 2 ** 0.5, low, high))


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
