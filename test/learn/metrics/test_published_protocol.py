# SPDX-License-Identifier: Apache-2.0
"""Scores of the published evaluation against the official code's numbers, and against hand-made ones."""
from dataclasses import astuple

import numpy as np
import pytest
import torch

from modot_ros.learn.metrics.published_protocol import PublishedScores, published_scores

NAMES = {"synocc": "ob-future", "hypersim": "ob-hypersim", "nyudmt": "nyud-mt"}


@pytest.mark.parametrize("kind", NAMES)
def test_scores_are_the_official_ones(official, targets, kind):
    true_depth, true_boundary = targets.make_targets(64, 96, kind=kind)
    depth, boundaries = targets.make_predictions(64, 96)
    rows = next(value for key, value in official.items() if key.startswith(f"metrics/{kind}/"))
    for k, expected in enumerate(rows):
        found = published_scores(depth[k, 0].numpy(), torch.sigmoid(boundaries[-1][k, 0]).numpy(), true_depth[k, 0].numpy(),
                                 true_boundary[k, 0].numpy(), NAMES[kind])
        assert astuple(found) == pytest.approx(expected, rel=1e-5)


def test_scores_of_a_perfect_and_of_an_empty_picture():
    depth, boundary = np.full((4, 4), 2.0), np.eye(4)
    perfect = published_scores(depth, boundary, depth, boundary, "ob-future")
    assert perfect == PublishedScores(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1)
    nothing = published_scores(depth, np.zeros((4, 4)), depth, np.zeros((4, 4)), "ob-future")
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.accuracy) == (0, 0, 0, 1)
    wild = published_scores(np.array([[np.nan, np.inf]]), np.zeros((1, 2)), np.array([[1.0, 5.0]]), np.zeros((1, 2)),
                            "ob-future")
    assert wild.abs_rel == pytest.approx(((1 - 0.0392) / 1 + 5 / 5) / 2)


def test_each_data_set_counts_its_own_depths():
    """Truth at and beside the limits; the estimate is 2.5 everywhere and only 3 near enough."""
    truth = np.array([[0.0, np.nan, 1e-3, 2.0, 3.0, 10.0, 60.0, 400.0]])
    depth, boundary = np.full(truth.shape, 2.5), np.zeros(truth.shape)
    counted = {"nyud-mt": 2, "ob-future": 3, "ob-hypersim": 6, "ibims": 6}
    for dataset, count in counted.items():
        found = published_scores(depth, boundary, truth, boundary, dataset)
        assert found.delta1 == pytest.approx(1 / count), dataset        # 2 is exactly 1.25 times as near


def test_estimates_are_limited_to_the_range_of_the_set():
    far, near, truth, boundary = (np.full((1, 1), value) for value in (1e4, 0.0, 1.0, 0.0))
    limits = {"nyud-mt": (1e-3, 10), "ob-future": (0.0392, 10), "ob-hypersim": (0.06, 100), "ibims": (1e-3, 52)}
    for dataset, (least, most) in limits.items():
        assert published_scores(far, boundary, truth, boundary, dataset).rms == pytest.approx(most - 1)
        assert published_scores(near, boundary, truth, boundary, dataset).rms == pytest.approx(1 - least)


def test_nyu_depth_is_scored_inside_of_eigens_crop():
    truth, boundary = np.full((480, 640), 2.0), np.zeros((480, 640))
    depth = np.full((480, 640), 4.0)
    depth[45:471, 41:601] = 2.0
    assert published_scores(depth, boundary, truth, boundary, "nyud").rms == 0.0
    assert published_scores(depth, boundary, truth, boundary, "nyud-mt").rms > 0.5
    depth[45, 41] = depth[470, 600] = 4.0                   # its corners are inside
    assert published_scores(depth, boundary, truth, boundary, "nyud").rms == pytest.approx((8 / (426 * 560)) ** 0.5)


def test_data_sets_may_be_called_as_they_are_opened():
    truth, boundary = np.array([[0.0, 2.0, 10.0]]), np.zeros((1, 3))
    for name in ("nyud_mt", "ob_future", "ob_hypersim"):
        assert published_scores(truth, boundary, truth, boundary, name).rms == 0.0


def test_unknown_data_sets_are_named():
    with pytest.raises(ValueError, match="'kitti'.*nyud-mt, ob-future, ob-hypersim, ibims, nyud"):
        published_scores(*[np.ones((2, 2))] * 4, "kitti")
