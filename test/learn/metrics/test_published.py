# SPDX-License-Identifier: Apache-2.0
"""Scores of the published evaluation against the official code's numbers, and against hand-made ones."""
from dataclasses import astuple

import numpy as np
import pytest
import torch

from modot_ros.learn.metrics.published import PublishedScores, published_scores

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


def test_unknown_data_sets_are_named():
    with pytest.raises(ValueError, match="'kitti'.*nyud-mt, ob-future, ob-hypersim"):
        published_scores(*[np.ones((2, 2))] * 4, "kitti")
