# SPDX-License-Identifier: Apache-2.0
"""The whole way from rendering to the report, as small as it gets, and what the commands refuse."""
import json

import pytest

from modot_ros import cli
from modot_ros.learn.synthetic import shards
from modot_ros.learn.training import loop as training
from modot_ros.learn.training import smoke


def test_a_complete_tiny_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(smoke, "WIDTH", 64), monkeypatch.setattr(smoke, "HEIGHT", 64)
    small = smoke.smoke
    monkeypatch.setattr(smoke, "smoke", lambda output, threads, progress: small(output, 4, 3, 2, threads, progress))
    assert cli.main(["train", "--smoke", "-o", str(tmp_path), "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["pictures"] == 2 and 0 <= found["delta1"] <= 1 and 0 <= found["doobnet_ods"] <= 1
    for path in ("training/modot_nano.safetensors", "training/log.jsonl", "training/samples/0000003.png",
                 "report/results.md", "report/shards_pictures.csv"):
        assert (tmp_path / path).is_file(), path


@pytest.mark.parametrize("arguments, said", [
    (["evaluate", "--data", "waymo=nowhere"], "kind 'waymo' is unknown: choose one of rooms"),
    (["evaluate", "--data", "pairs=nowhere"], "nowhere"), (["evaluate", "--data", "nowhere", "--views", "0"], "--views is 0"),
    (["train", "-o", "out", "--batch", "1"], "batch=1"), (["train", "-o", "out", "--precision", "int8"], "'int8' is unknown"),
    (["evaluate", "--data", "pairs="], "'pairs=' names no folder"), (["evaluate", "--data", __file__], "names no folder"),
    (["train", "-o", "out", "--mix", "more=-1"], "weight -1.0 of more"),
    (["train", "-o", "out", "--first-view", "3"], "first is 3"), (["train", "-o", "out", "--keep", "0.5"], "keep=0.5"),
    (["train", "-o", "out", "--views", "0"], "--views is 0"), (["train", "-o", "out", "--model", "depth"], "one of modot_nano"),
    (["train", "-o", "out", "--device", "tpu"], "'tpu' is not here"),
    (["train", "-o", "out", "--precision", "fp16"], "'fp16' does not work on cpu"),
    (["train", "-o", "out", "--mix", "more=2"], "more: no .npz shards"),
    (["train", "-o", "out", "--learning-rate", "0"], "learning_rate=0.0"),
    (["train", "-o", "out", "--start", "nowhere.pth"], "nowhere.pth: no such weights file for modot_nano"),
    (["train", "-o", "out", "--start", "--model", "modot"], "the package brings none"),
    (["train", "-o", "out", "--mix", "nyu=more=2"], "'nyu'; choices: nyud_mt"),
    (["train", "-o", "out", "--model", "scribble_nano", "--keep", "0.5"], "--keep is not for a network that takes strokes"),
    (["train", "-o", "out", "--model", "scribble_nano", "--learning-rate", "0"], "learning_rate=0"),
    (["train", "-o", "out", "--model", "dnmmsi_small", "--start"], "the package brings none")])
def test_what_cannot_work_is_said_in_one_line_before_anything_is_rendered(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error and not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments, start, rate", [
    ([], None, 2e-3), (["--start"], "", 1e-3), (["--start", "--learning-rate", "0.1"], "", 0.1)])
def test_trained_weights_are_trained_on_at_a_lower_rate(tmp_path, monkeypatch, arguments, start, rate):
    wanted = []
    monkeypatch.setattr(shards, "write_shards", lambda *_, **__: None)
    monkeypatch.setattr(training, "train", wanted.append)
    assert cli.main(["train", "-o", str(tmp_path), *arguments]) == 0
    assert (wanted[0].start, wanted[0].learning_rate) == (start, rate)


def test_a_share_that_is_none_is_named(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "-o", "out", "--mix", "rooms=much"])
    assert "'rooms=much': expected FOLDER=WEIGHT" in capsys.readouterr().err
