# SPDX-License-Identifier: Apache-2.0
"""Scores of predictions whose quality is known."""
import numpy as np
import pytest
import torch

from modot_ros.learn.evaluation.validation import THRESHOLDS, score, score_network
from modot_ros.learn.training.views import load_views
from modot_ros.model import build_network


def square() -> tuple[np.ndarray, np.ndarray]:
    """Depth and boundary [48, 64] of a square at 1 m before a wall at 3 m."""
    inside = np.zeros((48, 64), bool)
    inside[12:36, 20:44] = True
    inner = np.zeros_like(inside)
    inner[13:35, 21:43] = True
    return np.where(inside, 1.0, 3.0).astype(np.float32), inside & ~inner


def test_the_truth_itself_scores_one():
    depth_m, boundary = square()
    scores = score([(depth_m, boundary.astype(np.float32), depth_m, boundary)])
    assert scores.views == 1 and scores.delta1 == 1.0 and scores.abs_rel == 0.0 and scores.rmse_m == 0.0
    assert scores.boundary_f == scores.boundary_f_at_half == scores.boundary_precision == scores.boundary_recall == 1.0


def test_medians_over_views():
    depth_m, boundary = square()
    sure = boundary.astype(np.float32)
    scores = score([(depth_m * factor, sure, depth_m, boundary) for factor in (1.1, 1.0, 2.0)])
    assert scores.views == 3 and scores.delta1 == 1.0 and scores.abs_rel == pytest.approx(0.1, abs=1e-4)
    assert scores.scale == pytest.approx(1 / 1.1, abs=1e-4)
    far = score([(depth_m * 1.3, sure, depth_m, boundary)])
    assert far.delta1 == 0.0
    inside = float((depth_m == 1.0).mean())
    assert far.rmse_m == pytest.approx(np.sqrt(inside * 0.3 ** 2 + (1 - inside) * 0.9 ** 2), abs=1e-4)


def test_the_best_threshold_is_found():
    """False alarms everywhere up to 0.65 beside a true boundary at 0.75: only from 0.7 on is it clean."""
    depth_m, boundary = square()
    probability = np.where(boundary, 0.75, 0.0).astype(np.float32)
    probability[4:44:6, 2:16] = 0.65
    scores = score([(depth_m, probability, depth_m, boundary)])
    assert scores.threshold == 0.7 and scores.boundary_f == 1.0
    assert scores.boundary_f_at_half < 0.9
    missed = score([(depth_m, np.zeros_like(depth_m), depth_m, boundary)])
    assert missed.boundary_recall == 0.0 and missed.boundary_f == 0.0
    assert 0.5 in THRESHOLDS


def test_unknown_truth_does_not_count():
    depth_m, boundary = square()
    truth = depth_m.copy()
    truth[:, :30] = np.nan
    wrong = np.where(np.isnan(truth), 100.0, depth_m).astype(np.float32)
    assert score([(wrong, boundary.astype(np.float32), truth, boundary)]).rmse_m == 0.0
    with pytest.raises(ValueError, match="no views"):
        score([])


@pytest.fixture
def views(tmp_path):
    """Two views of 64x64 with focal length 1.2."""
    depth_m, boundary = np.full((2, 64, 64), 3.0, np.float16), np.zeros((2, 64, 64), np.uint8)
    depth_m[:, 20:40, 20:40] = 1.0
    boundary[:, 20:40, 20] = 1
    rgb = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    np.savez(tmp_path / "0.npz", rgb=rgb, depth_m=depth_m, boundary=boundary, focal=np.full(2, 1.2, np.float32))
    return load_views(tmp_path)


def test_a_network_is_scored_in_the_canonical_camera(views):
    torch.manual_seed(0)
    network = build_network("modot_nano").eval()            # fresh, it says 3 m everywhere
    scores = score_network(network, views, 64, 64, canonical_focal=1.2)
    assert scores.views == 2 and scores.delta1 == pytest.approx(1 - 400 / 4096, abs=0.01)
    nearer = score_network(network, views, 64, 64, canonical_focal=0.6)     # half the focal length: half as far
    assert nearer.scale == pytest.approx(0.5, rel=0.02)
