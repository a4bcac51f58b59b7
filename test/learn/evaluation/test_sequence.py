# SPDX-License-Identifier: Apache-2.0
"""Scores of sequences, by a stand-in for the predictor whose scale jumps, and of the command."""
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from modot_ros import cli
from modot_ros.learn.evaluation.sequence import Frame, evaluate_sequence, sequence_record, sequence_table

PICTURE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
PICTURE = cv2.resize(PICTURE, (160, 120), interpolation=cv2.INTER_NEAREST)


@pytest.fixture
def jumpy():
    """A flat wall 2 m away, whose depth is a fifth too large in every second picture."""
    def predict(rgb, focal_px, parts):
        scale = 1.2 if next(count) % 2 else 1.0
        return SimpleNamespace(depth=np.full((120, 160), 2.0 * scale, np.float32), log_depth_std=None, labels=regions)
    count, regions = iter(range(1000)), np.zeros((120, 160), np.int32)
    regions[20:60, 20:80] = 1
    return SimpleNamespace(predict=predict)


def test_a_scale_that_jumps_is_seen_plain_and_filtered_in_the_steady_row(jumpy):
    found = evaluate_sequence("wall", (Frame(PICTURE, k / 10) for k in range(20)), jumpy)
    assert found.plain.picture_percent == pytest.approx(100 * np.log(1.2), rel=1e-4) and not found.against_truth
    assert found.plain.largest_to_smallest == pytest.approx(1.2, rel=1e-4)
    assert found.steady.picture_percent < 0.25 * found.plain.picture_percent
    assert np.isnan(found.switches) and sequence_record(found)["switches"] is None
    assert len(sequence_table([found])) == 4


def test_with_truth_it_is_the_error_that_counts_and_ids_are_judged(jumpy):
    """The wall really jumps: nothing is wrong."""
    def frames():
        for k in range(6):
            true = np.full((120, 160), 2.0 * (1.2 if k % 2 else 1.0))
            labels = np.zeros((120, 160), int)
            labels[20:60, 20:80] = 3
            yield Frame(PICTURE, k / 10, 150.0, true, labels)
    found = evaluate_sequence("wall", frames(), jumpy)
    assert found.against_truth and found.plain.pixel_percent == pytest.approx(0.0, abs=1e-4)
    assert (found.switches, found.lost) == (0.0, 0.0)


def test_half_a_truth_and_a_single_frame_are_refused(jumpy):
    with pytest.raises(ValueError, match="a sequence has two or more"):
        evaluate_sequence("short", [Frame(PICTURE, 0.0)], jumpy)
    with pytest.raises(ValueError, match="1 of 2 frames have their true depth"):
        evaluate_sequence("half", [Frame(PICTURE, 0.0), Frame(PICTURE, 0.1, None, np.ones((120, 160)))], jumpy)


def test_the_command_scores_a_video(tmp_path, capsys):
    writer = cv2.VideoWriter(str(tmp_path / "still.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 120))
    for _ in range(3):
        writer.write(PICTURE)
    writer.release()
    assert cli.main(["evaluate", "--sequence", "--data", str(tmp_path / "still.avi"), "-o", str(tmp_path / "out")]) == 0
    (record,) = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["title"] == "still.avi" and record["frames"] == 3 and not record["against_truth"]
    assert record["plain"]["pixel_percent"] < 1 and record["switches"] is None


def test_the_command_scores_a_rendered_flight_and_refuses_a_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("modot_ros.cli.measure.evaluate.FLIGHT_SIZE", (64, 48))
    assert cli.main(["evaluate", "--sequence", "--data", "flight=3", "--views", "2", "-o", str(tmp_path / "out")]) == 0
    (record,) = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["frames"] == 2 and record["against_truth"] and record["plain"]["pixel_percent"] >= 0
    assert "flight=3 (2 frames, error)" in (tmp_path / "out" / "sequence.md").read_text()
    cv2.imwrite(str(tmp_path / "one.png"), PICTURE)
    for data, message in ((str(tmp_path / "one.png"), "a video or flight"), ("flight=x", "the seed of a flight")):
        assert cli.main(["evaluate", "--sequence", "--data", data, "-o", str(tmp_path / "out")]) != 0
        assert message in capsys.readouterr().err
