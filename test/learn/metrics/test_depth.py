# SPDX-License-Identifier: Apache-2.0
"""Depth scores worked out by hand."""
import math
from dataclasses import astuple

import numpy as np
import pytest

from modot_ros.learn.metrics.depth import align, depth_metrics

TRUTH = np.array([[1.0, 2.0], [4.0, np.nan]])


def test_the_truth_itself_is_without_error():
    assert astuple(depth_metrics(TRUTH, TRUTH)) == (0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1)


def test_every_score_by_hand():
    found = depth_metrics(np.array([[2.0, 2.0], [2.0, 9.0]]), TRUTH)
    assert found.abs_rel == pytest.approx((1 + 0 + 0.5) / 3)
    assert found.sq_rel == pytest.approx((1 + 0 + 1) / 3)
    assert found.mae == pytest.approx((1 + 0 + 2) / 3)
    assert found.rmse == pytest.approx(math.sqrt((1 + 0 + 4) / 3))
    assert found.rmse_log == pytest.approx(math.log(2) * math.sqrt(2 / 3))
    assert found.log10 == pytest.approx(math.log10(2) * 2 / 3)
    assert found.silog == pytest.approx(100 * math.log(2) * math.sqrt(2 / 3))      # the mean of e is 0
    assert (found.delta1, found.delta2, found.delta3) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert found.coverage == 1.0


def test_deltas_are_strict_and_powers():
    truth = np.ones((1, 4))
    found = depth_metrics(np.array([[1.25, 1.24, 1 / 1.5, 1.9]]), truth)
    assert (found.delta1, found.delta2, found.delta3) == (0.25, 0.75, 1.0)


def test_missing_estimates_lower_the_coverage_and_nothing_else():
    found = depth_metrics(np.array([[1.0, np.nan], [np.inf, 5.0]]), TRUTH)
    assert found.coverage == pytest.approx(1 / 3) and found.abs_rel == 0.0
    none = depth_metrics(np.zeros((2, 2)), TRUTH)
    assert none.coverage == 0.0 and math.isnan(none.delta1)
    assert math.isnan(depth_metrics(TRUTH, np.zeros((2, 2))).coverage)


def test_a_mask_says_what_counts():
    assert depth_metrics(np.full((2, 2), 2.0), TRUTH, np.array([[0, 1], [0, 1]])).abs_rel == 0.0


def test_median_scaling_takes_a_factor_away_and_nothing_else():
    found = depth_metrics(7 * TRUTH, TRUTH, alignment="median")
    assert found.abs_rel == pytest.approx(0, abs=1e-12) and found.delta1 == 1.0
    shape = depth_metrics(np.array([[1.0, 1.0], [1.0, 1.0]]), TRUTH, alignment="median")      # becomes 2 everywhere
    assert shape.abs_rel == pytest.approx((1 + 0 + 0.5) / 3)


def test_affine_alignment_undoes_scale_and_shift_of_inverse_depth():
    truth = np.array([[1.0, 2.0, 4.0, 5.0]])
    relative = 1 / (3 / truth + 0.7)
    assert depth_metrics(relative, truth).abs_rel > 0.5
    assert depth_metrics(relative, truth, alignment="affine").abs_rel == pytest.approx(0, abs=1e-12)


def test_affine_alignment_of_a_constant_is_the_mean_inverse():
    np.testing.assert_allclose(align(np.full(2, 7.0), np.array([1.0, 2.0]), "affine"), 1 / 0.75)
    truth = np.linspace(1, 5, 1000)
    fitted = align(np.full(1000, 1.37), truth, "affine")    # whose mean is not exactly its value
    np.testing.assert_allclose(fitted, 1 / np.mean(1 / truth))


def test_affine_alignment_never_turns_negative():
    truth = np.array([1.0, 1.0, 1.0, 10.0, 10.0])
    depth = np.array([1.0, 1.0, 1.0, 1.1, 100.0])          # a line through these falls below zero at the last one
    fitted = align(depth, truth, "affine")
    assert (fitted > 0).all() and fitted.max() <= 1000.0 + 1e-6


def test_what_cannot_be_compared_is_named():
    with pytest.raises(ValueError, match=r"\(2, 2\) and|\(2, 2\), \(1, 2\)"):
        depth_metrics(TRUTH, TRUTH[:1])
    with pytest.raises(ValueError, match="'mean'.*none, median, affine"):
        depth_metrics(TRUTH, TRUTH, alignment="mean")
