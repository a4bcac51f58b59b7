# SPDX-License-Identifier: Apache-2.0
"""The published protocol on sets as they are published: its scores are those of `published_scores` in the paper's unit."""
import json
from dataclasses import astuple, fields
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from modot_ros import cli
from modot_ros.learn.datasets.sample import intrinsics, sample
from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.evaluation.published import open_published, paper_depth, published_lines, published_row
from modot_ros.learn.metrics.published_protocol import PublishedScores, published_scores
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


class Golden:
    """Predicts the goldens' maps; which picture it sees is told by its grey."""

    name, depth_kind, flip, loaded = "modot", "metric", True, SimpleNamespace(record={})

    def __init__(self, depth, probability):
        self.depth, self.probability = depth, probability

    def predict(self, rgb, focal_px, parts):
        k = int(rgb[0, 0, 0] > 100)
        return SimpleNamespace(depth=self.depth[k], boundary_probability=self.probability[k])


@pytest.mark.parametrize("kind, name", [("nyud_mt", "nyudmt"), ("ob_hypersim", "hypersim")])
def test_a_folder_on_disk_scores_as_the_official_code_does(official, targets, tmp_path, capsys, monkeypatch, kind, name):
    """The set in its published layout, through the command: means of the scores that the official code has for both pictures."""
    h5py = pytest.importorskip("h5py")
    depth, boundary = (maps[:, 0].numpy() for maps in targets.make_targets(64, 96, kind=name))
    found, logits = targets.make_predictions(64, 96)
    found, probability = found[:, 0].numpy(), torch.sigmoid(logits[-1][:, 0]).numpy()
    camera = tmp_path / "hypersim" / "ai_001_010" / "cam_00"
    folder = tmp_path / "NYUDv2" if kind == "nyud_mt" else camera
    drawn = "edge" if kind == "nyud_mt" else "ob"
    for part in ("images", "edge", "depth", "tonemap", "ob", "instance_contour", "depth_hdf5"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for k in range(2):
        cv2.imwrite(str(folder / drawn / f"000{k + 1}.png"), (255 * boundary[k]).astype(np.uint8))
        cv2.imwrite(str(folder / "images" / f"000{k + 1}.png"), np.full((64, 96, 3), 200 * k, np.uint8))
        cv2.imwrite(str(folder / "tonemap" / f"000{k + 1}.jpg"), np.full((64, 96, 3), 200 * k, np.uint8))
        cv2.imwrite(str(folder / "instance_contour" / f"000{k + 1}.png"), np.zeros((64, 96), np.uint8))
        np.save(folder / "depth" / f"000{k + 1}.npy", depth[k])
        with h5py.File(folder / "depth_hdf5" / f"000{k + 1}.hdf5", "w") as file:
            file["dataset"] = 3.05 * depth[k]
    (tmp_path / "val_list.txt").write_text("0\n1\n")
    (tmp_path / "hypersim_filtered_test.txt").write_text(
        "".join(f"hypersim/ai_001_010/cam_00/tonemap/000{k + 1}\n" for k in range(2)))
    if kind == "ob_hypersim":                               # so that the protocol finds `found` in the paper's unit
        focal_px = float(open_published(f"{kind}={tmp_path}").read(0).K[0, 0])
        found = 3.05 * found / ray_lengths(96, 64, focal_px)
    monkeypatch.setattr("modot_ros.predictor.Predictor", lambda *_, flip: Golden(found, probability))
    assert cli.main(["evaluate", "--protocol", "published", "--data", f"{kind}={tmp_path}", "-o", str(tmp_path / "out")]) == 0
    last, = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = next(value for key, value in official.items() if key.startswith(f"metrics/{name}/"))
    names = [field.name for field in fields(PublishedScores)]
    assert last["pictures"] == 2
    assert [last[key] for key in names] == pytest.approx(np.mean(rows, axis=0).tolist(), rel=1e-5)


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
