# SPDX-License-Identifier: Apache-2.0
"""Order scores against numbers worked out by hand, and against the official ones."""
import math

import numpy as np
import pytest

from modot_ros.learn.orders.metrics import (
    GROUPS,
    DepthTally,
    OcclusionTally,
    depth_tally,
    mean_occlusion,
    mean_whdr,
    occlusion_tally,
    pooled_occlusion,
    pooled_whdr,
)

OFFICIAL = dict(zip(GROUPS, [f"{o}_{r}" for o in ("ovlX", "ovlO", "ovlOX") for r in ("eq", "neq", "all")]))


@pytest.fixture(scope="module")
def golden(shared_golden):
    with np.load(shared_golden / "instaorder" / "metrics.npz") as arrays:
        return dict(arrays)


def test_occlusion_by_hand():
    true = np.array([[0, 1, 1], [0, 0, -1], [0, 0, 0]])
    predicted = np.array([[0, 1, 0], [1, 0, 1], [0, 0, 0]])         # the claim about the unknown pair does not count
    tally = occlusion_tally(predicted, true)
    assert tally == OcclusionTally(hits=1, claimed=2, true=2)
    assert tally.scores().recall == tally.scores().precision == tally.scores().f1 == 50.0


def test_empty_pictures_score_full_or_nothing():
    nothing, one = np.zeros((2, 2), int), np.array([[0, 1], [0, 0]])
    scores = [occlusion_tally(p, t).scores() for p, t in ((nothing, nothing), (nothing, one), (one, nothing))]
    assert [(s.recall, s.precision, s.f1) for s in scores] == [(100, 100, 100), (0, 100, 0), (100, 0, 0)]
    assert occlusion_tally(nothing, nothing).scores(empty=0.0).f1 == 0.0


def test_the_mean_over_pictures_and_the_pool_differ():
    tallies = [OcclusionTally(1, 1, 1), OcclusionTally(0, 1, 9)]
    assert mean_occlusion(tallies).recall == 50.0 and mean_occlusion(tallies).f1 == 50.0
    assert pooled_occlusion(tallies).recall == 10.0 and pooled_occlusion(tallies).precision == 50.0
    depths = [DepthTally(np.full(9, 1.0), np.full(9, 1.0)), DepthTally(np.zeros(9), np.full(9, 3.0)),
              DepthTally(np.zeros(9), np.zeros(9))]
    assert mean_whdr(depths)["all_all"] == pytest.approx(50.0, abs=1e-4)
    assert pooled_whdr(depths)["all_all"] == 25.0
    assert math.isnan(mean_whdr(depths[2:])["all_all"]) and math.isnan(pooled_whdr(depths[2:])["all_all"])


def test_whdr_by_hand():
    def symmetric(a, b, c):
        return np.array([[-1, a, b], [-1, -1, c], [-1, -1, -1]])

    # Pairs 0-1 distinct, wrong, weight 2/2; 0-2 overlapping, right, 2/4; 1-2 equal and distinct, wrong, 2/4.
    tally = depth_tally(symmetric(0, 0, 1), symmetric(1, 0, 2), symmetric(0, 1, 0), symmetric(2, 4, 4))
    scores = tally.whdr()
    assert scores["distinct_unequal"] == 100 and scores["distinct_equal"] == 100 and scores["overlap_all"] == 0
    assert math.isnan(scores["overlap_equal"])
    assert scores["all_unequal"] == pytest.approx(100 * 1.0 / 1.5) and scores["all_all"] == pytest.approx(75)


def test_what_cannot_be_scored_is_named():
    with pytest.raises(ValueError, match=r"\(2, 2\), \(3, 3\)"):
        occlusion_tally(np.zeros((2, 2)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="> 0, got -1"):
        depth_tally(*np.zeros((3, 2, 2), int), np.full((2, 2), -1))
    with pytest.raises(ValueError, match="no pictures"):
        mean_occlusion([])


def test_occlusion_scores_are_the_official_ones(golden):
    tallies = []
    for k in range(24):
        tally = occlusion_tally(golden[f"occ{k}/pred"], golden[f"occ{k}/gt"])
        for empty, name in ((0.0, "zd0"), (100.0, "zd1")):
            scores = tally.scores(empty)
            assert [scores.recall, scores.precision, scores.f1] == pytest.approx(golden[f"occ{k}/{name}"], abs=1e-9)
        tallies.append(tally)
    scores = mean_occlusion(tallies)
    assert [scores.recall, scores.precision, scores.f1] == pytest.approx(
        [float(golden[f"agg/{name}"]) for name in ("recall", "precision", "f1")], abs=1e-9)


def test_whdr_is_the_official_one(golden):
    tallies = [depth_tally(*(golden[f"dep{k}/{name}"] for name in ("pred", "gt", "overlap", "count")))
               for k in range(24)]
    for k, tally in enumerate(tallies):
        for group, score in tally.whdr().items():
            official = float(golden[f"dep{k}/{OFFICIAL[group]}"])
            assert score == pytest.approx(np.nan if official == -1 else official, abs=1e-9, nan_ok=True), (k, group)
    for group, score in mean_whdr(tallies).items():
        assert score == pytest.approx(float(golden[f"agg/{OFFICIAL[group]}"]), abs=1e-9), group
