# SPDX-License-Identifier: Apache-2.0
"""What a run writes down, and what it forgets when it is continued."""
import json

import cv2
import numpy as np
import pytest

from modot_ros.learn.training.journal import Journal, progress_line


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_numbers_are_written_and_what_is_none_is_null(tmp_path):
    with Journal(tmp_path, 0) as journal:
        journal.record(1, {"loss": 0.5, "norm": float("nan")})
        journal.record(2, {"delta1": 0.7}, "validation")
    assert lines(tmp_path) == [{"step": 1, "loss": 0.5, "norm": None}, {"step": 2, "validation": {"delta1": 0.7}}]


def test_a_continued_run_forgets_what_came_after_its_checkpoint(tmp_path):
    with Journal(tmp_path, 0) as journal:
        for step in (1, 2, 3):
            journal.record(step, {"loss": 1.0})
    with open(tmp_path / "log.jsonl", "a") as log:
        log.write('{"step": 1, "lo')
    with Journal(tmp_path, 2) as journal:
        journal.record(3, {"loss": 2.0})
    assert [(line["step"], line["loss"]) for line in lines(tmp_path)] == [(1, 1.0), (2, 1.0), (3, 2.0)]


def test_samples_are_pictures_by_step(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[..., 0] = 200
    with Journal(tmp_path, 0) as journal:
        journal.show(12, picture)
    assert cv2.imread(str(tmp_path / "samples" / "0000012.png"))[0, 0].tolist() == [0, 0, 200]


def test_a_full_disk_ends_nothing(tmp_path, capsys):
    journal = Journal(tmp_path, 0)

    class Full:
        def write(self, text):
            raise OSError("no room")

        def close(self):
            pass
    journal._log = Full()
    journal.record(1, {"loss": 1.0})
    (tmp_path / "samples").write_text("a file where the folder must be")
    journal.show(1, np.zeros((2, 2, 3), np.uint8))
    assert capsys.readouterr().out.count("could not be written down") == 2


def test_the_line_says_rate_and_time_left():
    parts = {"width": 128, "loss": 1.5, "log": 0.5, "rate": 2e-3}
    line = progress_line(100, 0.25, 50.0, 16, parts)
    assert "step 100   25.0 %" in line and "loss 1.5000" in line and "jump" not in line
    assert "0.50 s/step  32.0 views/s  2 min left" in line              # 150 s
    assert progress_line(1, 0.001, 10.0, 2, parts).endswith("2 h 46 min left")


def test_tensorboard_is_named_when_it_is_missing(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        Journal(tmp_path, 0, tensorboard=True)


def test_tensorboard_has_the_same_numbers(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator",
                                      reason="tensorboard is not installed")
    with Journal(tmp_path, 0, tensorboard=True) as journal:
        journal.record(7, {"loss": 0.5, "none": None})
        journal.record(7, {"delta1": 0.7}, "validation")
        journal.show(7, np.zeros((4, 6, 3), np.uint8))
    found = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in found.Scalars("training/loss")] == [(7, 0.5)]
    assert found.Scalars("validation/delta1")[0].value == pytest.approx(0.7)
    assert found.Tags()["images"] == ["samples"] and found.Tags()["scalars"] == ["training/loss", "validation/delta1"]
