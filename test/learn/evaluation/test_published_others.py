# SPDX-License-Identifier: Apache-2.0
"""Boundaries and orders as papers scored them, on pictures that a stand-in for the network finds or misses."""
import json
from types import SimpleNamespace

import numpy as np
import pytest

from modot_ros import cli
from modot_ros.learn.datasets.sample import sample
from modot_ros.learn.evaluation import interactive
from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.evaluation.published_others import boundary_rows, order_rows
from modot_ros.model import build_network, save_order_checkpoint

TINY = {"planes": 4, "blocks": (1, 1, 1, 1)}


def truth():
    drawn = np.zeros((80, 120), bool)
    drawn[20, 20:100] = drawn[60, 30:90] = True
    return drawn


@pytest.fixture
def pictures():
    samples = [sample("a", np.zeros((80, 120, 3), np.uint8), boundary=truth()), sample("b", np.zeros((80, 120, 3), np.uint8))]
    return Pictures("ob_diode", "OB-DIODE", ("a", "b"), samples.__getitem__, 2)


def predictor(probability, name="modot_nano"):
    return SimpleNamespace(name=name, predict=lambda rgb, parts: SimpleNamespace(boundary_probability=probability))


def test_an_automatic_network_is_scored_from_half_a_probability_on(pictures):
    ridge = np.array([0.5, 1.0, 0.5], np.float32)[:, None]
    found = np.zeros((80, 120), np.float32)
    found[59:62], found[19:22] = 0.9 * ridge * truth()[60], 0.5 * ridge * truth()[20]       # one line is too faint to be counted
    rows = boundary_rows(pictures, predictor(found))
    assert rows.pictures == 1 and rows.skipped == {"b": "its boundaries are unknown"}
    recall = 60 / 140
    assert rows.scores["modot_nano"]["ods"] == pytest.approx(100 * 2 * recall / (1 + recall), abs=3)
    text = "\n".join(rows.lines())
    assert "| OPNet ResNet50, automatic (DNMMSI, BMVC 2025) | 72.8 | 74.0 | 61.8 | - | - |" in text
    assert "DNMMSI, all parts" in text and "start from 82.4" in text and "`b`: its boundaries are unknown" in text


def test_a_model_of_strokes_is_scored_before_and_after_them(pictures, monkeypatch):
    known = np.zeros((80, 120), bool)
    known[59:62] = truth()[60]
    monkeypatch.setattr(interactive, "run_strokes", lambda loaded, rgb, maps: np.where(
        known | truth() & (maps[0] > 0), 0.95, 0.02).astype(np.float32))
    drawn = SimpleNamespace(name="dnmmsi_small", loaded=SimpleNamespace(network=SimpleNamespace(version=1)))
    rows = boundary_rows(pictures, drawn).scores
    assert rows["dnmmsi_small, automatic"]["ods"] < rows["dnmmsi_small"]["ods"]
    assert rows["dnmmsi_small"]["avg_fn_1e2"] == pytest.approx(100 * 80 / 140) and rows["dnmmsi_small"]["avg_fp_1e4"] == 0


def test_what_cannot_be_scored_is_said(pictures):
    with pytest.raises(ValueError, match="modot_nano predicts no boundaries"):
        boundary_rows(pictures, predictor(None))
    nothing = Pictures("ob_diode", "OB-DIODE", ("b",), lambda _: pictures.read(1), 2)
    with pytest.raises(ValueError, match="none of 1 pictures can be scored"):
        boundary_rows(nothing, predictor(np.zeros((80, 120), np.float32)))
    with pytest.raises(ValueError, match="none of 1 pictures can be scored.*has no orders"):
        order_rows(nothing, "instaordernet_o", None)


def test_the_command_scores_orders_beside_the_supplement(instaorder, tmp_path, capsys, weights):
    save_order_checkpoint(tmp_path / "o.safetensors", build_network("instaordernet_o", **TINY), "instaordernet_o", config=TINY)
    given = ["evaluate", "--protocol", "published", "--weights", str(weights), "--device", "cpu", "-o", str(tmp_path / "out"),
             "--data", f"instaorder={instaorder}"]
    assert cli.main(given) == 2 and "--order-model" in capsys.readouterr().err
    assert cli.main([*given, "--order-model", "instaordernet_o", "--order-weights", str(tmp_path / "o.safetensors")]) == 0
    said = capsys.readouterr().out
    assert "| InstaDepthNet_od, no bidirectional orders (InstaOrder, CVPR 2022) | 79.76 | 89.39 | 78.13 |" in said
    assert "whdr_all" not in json.loads(said.splitlines()[-1])[0]["rows"]["instaordernet_o"]
