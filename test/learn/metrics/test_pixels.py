# SPDX-License-Identifier: Apache-2.0
"""Pixel scores of drawings, by hand."""
import numpy as np
import pytest

from modot_ros.learn.metrics.pixels import PixelMetrics, pixel_metrics

TRUTH = np.array([[0, 1, 0, 0], [0, 1, 0, 0]])
PROBABILITY = np.array([[0.1, 0.7, 0.9, 0.0], [0.0, 0.6, 0.8, 0.0]])


def test_scores_by_hand():
    # At 0.7: one hit, two false alarms, one miss, four pixels rightly off.
    found = pixel_metrics(PROBABILITY, TRUTH)
    assert found == PixelMetrics(precision=1 / 3, recall=1 / 2, accuracy=5 / 8, f1=pytest.approx(0.4))
    lower = pixel_metrics(PROBABILITY, TRUTH, threshold=0.5)
    assert (lower.precision, lower.recall) == (0.5, 1.0)


def test_one_pixel_beside_counts_nothing():
    assert pixel_metrics(np.roll(TRUTH, 1, 1), TRUTH).f1 == 0.0


def test_empty_maps_score_zero_but_for_accuracy():
    empty = np.zeros_like(TRUTH)
    assert pixel_metrics(empty, empty) == PixelMetrics(0.0, 0.0, 1.0, 0.0)
    with pytest.raises(ValueError, match=r"\(1, 4\) and \(2, 4\)"):
        pixel_metrics(PROBABILITY[:1], TRUTH)
