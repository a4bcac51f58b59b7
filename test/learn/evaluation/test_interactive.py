# SPDX-License-Identifier: Apache-2.0
"""Scores with strokes: of a stand-in for the network that does what strokes say, and of the command."""
import json
from types import SimpleNamespace

import numpy as np
import pytest

from modot_ros import cli
from modot_ros.learn.datasets.sample import sample
from modot_ros.learn.evaluation import interactive
from modot_ros.learn.evaluation.interactive import evaluate_interactive, interactive_table
from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.model import build_network, save_checkpoint


def boundary(k):
    truth = np.zeros((80, 120), bool)
    truth[20 + k, 20:100] = truth[60, 30:90] = True
    return truth


@pytest.fixture
def pictures():
    samples = [sample(f"p{k}", np.full((80, 120, 3), k, np.uint8), boundary=boundary(k) if k < 2 else None) for k in range(3)]
    return Pictures("pairs", "lines", ("p0", "p1", "p2"), samples.__getitem__, 2)


@pytest.fixture
def obedient(monkeypatch):
    """Finds one of the two lines at first, and then the truth wherever a stroke says that something is missing."""
    calls = []

    def run_strokes(loaded, rgb, maps):
        truth = boundary(int(rgb[0, 0, 0]))
        known = np.zeros(truth.shape, bool)
        known[59:62] = truth[60]                            # thick enough to be kept by the suppression
        calls.append(maps)
        return np.where(known | truth & (maps[0] > 0), 0.95, 0.02).astype(np.float32)
    monkeypatch.setattr(interactive, "run_strokes", run_strokes)
    return SimpleNamespace(name="dnmmsi_small", loaded=SimpleNamespace(network=SimpleNamespace(version=1))), calls


def test_strokes_raise_the_score_and_pictures_without_boundaries_are_skipped(pictures, obedient):
    predictor, calls = obedient
    found = evaluate_interactive(pictures, predictor, draws=2)
    assert found.pictures == 2 and found.skipped == {"p2": "its boundaries are unknown"}
    assert len(calls) == 2 * (1 + 2)                        # the first look is shared by the draws
    first, second = ([curve.ods for curve in look.curves] for look in found.looks)
    assert first[0] == first[1] < min(second)
    assert found.looks[0].avg_fn is None and found.looks[1].avg_fn == (80 / 140,) * 2
    lines = interactive_table(found)
    assert lines[0] == "lines: 2 pictures" and lines[4].startswith("| first | ") and lines[5].startswith("| after round 1 | ")
    assert "+-" in lines[5] and "p2" in lines[7]


def test_no_stroke_leaves_the_score(pictures, obedient):
    looks = evaluate_interactive(pictures, obedient[0], most=0).looks
    assert looks[0].curves[0].ods == looks[1].curves[0].ods and looks[1].avg_fn == (0.0,)


def test_unusable_numbers_and_models_are_named(pictures, obedient):
    for numbers in ({"count": 0}, {"draws": 0}, {"most": -1}):
        with pytest.raises(ValueError, match="must be 1 or more, 1 or more, 0 or more"):
            evaluate_interactive(pictures, obedient[0], **numbers)
    with pytest.raises(ValueError, match="modot_nano takes no strokes"):
        evaluate_interactive(pictures, SimpleNamespace(name="modot_nano"))


def test_the_command_writes_a_table(tmp_path, capsys):
    config = {"channels": 32, "depths": [1, 1, 2, 1], "window": 4}
    save_checkpoint(tmp_path / "s.safetensors", build_network("dnmmsi_small", **config), "dnmmsi_small", config=config,
                    depth_kind="none", canonical_focal=None, working_size=None)
    (tmp_path / "rooms" / "test").mkdir(parents=True)
    np.savez(tmp_path / "rooms" / "test" / "test_256x192_00000.npz", rgb=np.zeros((1, 80, 120, 3), np.uint8),
             depth_m=np.ones((1, 80, 120), np.float16), boundary=boundary(0)[None].astype(np.uint8),
             focal=np.full(1, 0.8, np.float32))
    options = ["--data", f"shards={tmp_path / 'rooms' / 'test'}", "--model", "dnmmsi_small", "--weights",
               str(tmp_path / "s.safetensors"), "--device", "cpu", "-o", str(tmp_path / "out"), "--rounds", "2", "--most", "1"]
    assert cli.main(["evaluate", "--interactive", *options]) == 0
    scores = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert len(scores) == 1 and len(scores[0]["ods"]) == 3
    assert "| after round 2 |" in (tmp_path / "out" / "interactive.md").read_text()
    assert cli.main(["evaluate", *options]) == 2            # without --interactive it predicts no depth
    assert "dnmmsi_small predicts no depth" in capsys.readouterr().err
