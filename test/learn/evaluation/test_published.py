# SPDX-License-Identifier: Apache-2.0
"""The published protocol on sets as they are published: its scores are those of `published_scores` in the paper's unit."""
import json
from dataclasses import astuple
from types import SimpleNamespace

import numpy as np
import pytest

from modot_ros import cli
from modot_ros.learn.datasets.sample import intrinsics, sample
from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.evaluation.published import open_published, paper_depth, published_lines, published_row
from modot_ros.learn.metrics.published_protocol import published_scores
from modot_ros.scene.geometry import ray_lengths

K = intrinsics(8.0, 8.0, 3.5, 2.5)


class Fixed:
    """Predicts the same maps for every picture."""

    name, depth_kind, flip = "modot", "metric", True

    def __init__(self, depth, probability, dataset="nyud-mt"):
        self.found = SimpleNamespace(depth=depth, boundary_probability=probability)
        self.loaded = SimpleNamespace(record={"dataset": dataset})

    def predict(self, rgb, focal_px, parts):
        assert parts == ("depth", "boundary") and focal_px == 8.0
        return self.found


def pictures(kind, depth):
    boundary = np.eye(6, 8, dtype=bool)
    samples = [sample("a", np.zeros((6, 8, 3), np.uint8), depth, boundary=boundary, K=K),
               sample("b", np.zeros((6, 8, 3), np.uint8), depth, K=K)]
    return Pictures(kind, "set", ("a", "b"), samples.__getitem__, 0)


def test_depth_is_in_the_unit_of_each_set():
    z, one = np.full((6, 8), 2.0), sample("a", np.zeros((6, 8, 3), np.uint8), K=K)
    assert (paper_depth(z, one, "nyud_mt") == z).all() and (paper_depth(z, one, "ibims") == z).all()
    rays = ray_lengths(8, 6, 8.0)
    np.testing.assert_allclose(paper_depth(z, one, "ob_hypersim"), 2 * rays / 3.05, rtol=1e-6)
    np.testing.assert_allclose(paper_depth(z, one, "ob_future"), 10 * (2 * rays - 0.1) / 9.9, rtol=1e-6)


@pytest.mark.parametrize("kind, threshold, factor", [("nyud_mt", 0.7, 1.0), ("ibims", 0.5, 3.7), ("ob_hypersim", 0.7, 1.0)])
def test_the_row_is_the_mean_of_the_protocol_s_scores(kind, threshold, factor):
    generator = np.random.default_rng(0)
    truth, depth, probability = (generator.uniform(*between, (6, 8)).astype(np.float32) for between in ((1, 4), (1, 4), (0, 1)))
    row = published_row(pictures(kind, truth), Fixed(depth, probability))
    given = depth * ray_lengths(8, 6, 8.0) / 3.05 if kind == "ob_hypersim" else factor * depth
    expected = published_scores(given, probability, truth, np.eye(6, 8, dtype=bool), kind, threshold)
    assert astuple(row.scores) == pytest.approx(astuple(expected), rel=1e-6)
    assert row.pictures == 1 and row.skipped == {"b": "has no depth or no boundaries"}


def test_only_weights_that_were_trained_on_ob_future_predict_its_unit():
    depth = np.full((6, 8), 2.0, np.float32)
    assert published_row(pictures("ob_future", depth), Fixed(depth, depth / 4, "ob-future")).scores.rms == 0
    assert published_row(pictures("ob_future", depth), Fixed(depth, depth / 4)).scores.rms > 0.01


def test_what_the_protocol_cannot_score_is_refused(tmp_path):
    depth = np.full((6, 8), 2.0, np.float32)
    plain = Fixed(depth, depth / 4)
    plain.flip = False
    with pytest.raises(ValueError, match="needs metric depth and the mirrored picture"):
        published_row(pictures("nyud_mt", depth), plain)
    for data in ("diode=folder", "nyud_mt", "folder"):
        with pytest.raises(ValueError, match="KIND one of nyud_mt, ob_future, ob_hypersim, ibims"):
            open_published(data)


def test_the_paper_s_rows_stand_below_ours():
    depth = np.full((6, 8), 2.0, np.float32)
    lines = published_lines(published_row(pictures("ob_hypersim", depth), Fixed(depth, depth / 4)), "modot")
    text = "\n".join(lines)
    assert "| SharpNet (MoDOT, WACV 2026) | 0.8551 |" in text and "0.1235" in text and "`b`: has no depth" in text


def test_the_command_scores_a_set_and_names_what_it_can_not(tmp_path, monkeypatch, capsys):
    import modot_ros.learn.evaluation.published as published
    import modot_ros.predictor as predictor
    depth = np.full((6, 8), 2.0, np.float32)
    monkeypatch.setattr(predictor, "Predictor", lambda *_, flip: Fixed(depth, depth / 4) if flip else None)
    monkeypatch.setattr(published, "open_published", lambda data, limit: pictures(data.partition("=")[0], depth))
    assert cli.main(["evaluate", "--protocol", "published", "--data", "nyud_mt=x", "-o", str(tmp_path)]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last[0]["set"] == "nyud_mt" and last[0]["abs_rel"] == 0.0 and (tmp_path / "published.md").is_file()
    calls = []
    monkeypatch.setattr(published, "published_row", lambda *_: calls.append(1))
    monkeypatch.setattr(published, "open_published", open_published)
    assert cli.main(["evaluate", "--protocol", "published", "--data", "ibims=x", "wrong=y", "-o", str(tmp_path)]) == 2
    assert not calls                                    # nothing is scored before all sets are open
    assert cli.main(["evaluate", "--protocol", "published", "--sequence", "--data", "nyud_mt=x"]) == 2
