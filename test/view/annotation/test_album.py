# SPDX-License-Identifier: Apache-2.0
"""What is kept of a correction, and what becomes of folders and pictures that change or can't be used."""
import json
import shutil

import cv2
import numpy as np
import pytest

from modot_ros.learn.datasets import open_dataset
from modot_ros.learn.training.dataset_views import open_sample_views
from modot_ros.scene.strokes import Stroke, strokes_from_json
from modot_ros.view.annotation import album as albums
from modot_ros.view.annotation.album import Album, Outdated

LINE = Stroke("missing", [[20, 20], [80, 60]], 4)


@pytest.fixture
def album(folder, scribbler) -> Album:
    return Album(folder, scribbler)


def test_pictures_come_by_name_without_those_that_belong_to_others(album, folder):
    assert [path.name for path in album.pictures] == ["a.jpg", "b.png", "c.png"]
    album.correct(0, (), 0.5, 1.0, 0)
    assert len(Album(folder, album.predictor)) == 3
    assert [one["done"] for one in album.listing()] == [True, False, False]


def test_a_correction_is_written_whole_and_read_again(album, folder):
    first = album.sheet(1).probability
    sheet = album.correct(1, [LINE], 0.6, 12.3, 0)
    assert (sheet.revision, sheet.saved, sheet.message) == (1, True, "") and not np.array_equal(first, sheet.probability)
    assert not list(folder.glob("*.tmp"))
    content = (folder / "b_strokes.json").read_text()
    stroke, = strokes_from_json(content, 160, 120)
    assert stroke.kind == "missing" and stroke.radius_px == 4
    stored = json.loads(content)
    assert (stored["seconds"], stored["threshold"], stored["model"], stored["revision"]) == (12.3, 0.6, "scribble_nano", 1)
    again = Album(folder, album.predictor).sheet(1)
    np.testing.assert_array_equal(again.probability, sheet.probability)
    assert (again.revision, again.threshold, again.seconds, again.past) == (1, 0.6, 12.3, [])
    np.testing.assert_array_equal(cv2.imread(str(folder / "b_boundary.png"), 0) > 0, sheet.mask(0.6))
    assert Album(folder, album.predictor).listing()[1] == {"name": "b.png", "done": True, "seconds": 12.3}


def test_strokes_add_up_and_are_taken_back(album):
    before = album.sheet(0).probability
    one = album.correct(0, [LINE], 0.7, 1, 0).probability
    both = album.correct(0, [Stroke("false", [[90, 90], [120, 90]], 6)], 0.7, 1, 1)
    assert [stroke.kind for stroke in both.strokes] == ["missing", "false"] and both.seconds == 2
    back = album.undo(0, 2)
    np.testing.assert_array_equal(back.probability, one)
    assert len(back.strokes) == 1 and back.revision == 3
    np.testing.assert_array_equal(album.undo(0, 3).probability, before)
    with pytest.raises(ValueError, match="no correction left"):
        album.undo(0, 4)


def test_what_was_exported_is_trained_and_evaluated_on(album, folder):
    album.correct(0, [LINE], 0.5, 1, 0)
    album.correct(2, (), 0.5, 1, 0)
    for names in (open_dataset("pairs", folder).names, open_sample_views("pairs", folder, 0.8).samples.names):
        assert list(names) == ["a", "c"]
    sample = open_dataset("pairs", folder)[0]
    np.testing.assert_array_equal(sample.boundary, album.sheet(0).mask(0.5))


def test_a_second_page_or_program_does_not_overwrite(album, folder):
    other = Album(folder, album.predictor)
    assert album.sheet(0).revision == other.sheet(0).revision == 0
    album.correct(0, [LINE], 0.7, 1, 0)
    for one, what in ((album, "same"), (other, "other program")):
        with pytest.raises(Outdated, match="a.jpg has been corrected in another page"):
            one.correct(0, [LINE], 0.7, 1, 0)
        assert one.sheet(0).revision == 1, what
    assert other.correct(0, [LINE], 0.7, 1, 1).revision == 2
    assert len(json.loads((folder / "a_strokes.json").read_text())["strokes"]) == 2


def test_a_picture_that_changed_on_disk_is_not_corrected(album, folder):
    album.correct(0, [LINE], 0.7, 1, 0)
    shutil.copy(folder / "b.png", folder / "a.jpg")
    with pytest.raises(Outdated, match="a.jpg has changed on disk"):
        album.correct(0, [LINE], 0.7, 1, 1)
    kept = (folder / "a_strokes.json").read_bytes()
    sheet = album.sheet(0)
    assert "a_strokes.json is left alone until the next correction: the picture has changed since" in sheet.message
    assert not sheet.strokes and (folder / "a_strokes.json").read_bytes() == kept
    assert album.correct(0, (), 0.7, 1, sheet.revision).message == ""


def test_strokes_of_another_picture_or_none_are_said(album, folder):
    (folder / "a_strokes.json").write_text('{"width": 3, "height": 4, "strokes": []}')
    assert "strokes of a picture of 3x4, this one is 160x120" in album.sheet(0).message
    (folder / "b_strokes.json").write_text("no JSON")
    assert album.sheet(1).message == "" and album.sheet(1).revision == 0
    (folder / "c_strokes.json").write_text(json.dumps(
        {"width": 160, "height": 120, "strokes": [{"kind": "missing", "points": [[2, 2], [50, 50]]}]}))
    assert len(album.sheet(2).strokes) == 1             # as `modot refine` takes them


def test_a_folder_that_can_not_be_written_loses_nothing(album, folder, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(albums, "write_whole", full)
    sheet = album.correct(0, [LINE], 0.7, 1, 0)
    assert not sheet.saved and "NOT SAVED, kept in memory" in sheet.message and "No space left" in sheet.message
    monkeypatch.setattr(albums, "MOST_SHEETS", 1)
    album.sheet(1), album.sheet(2)
    assert album.sheet(0).strokes and album.listing()[0]["done"]
    monkeypatch.undo()
    assert album.correct(0, (), 0.7, 0, 1).saved
    assert len(json.loads((folder / "a_strokes.json").read_text())["strokes"]) == 1


@pytest.mark.parametrize("strokes, threshold, seconds, said", [
    ([Stroke("missing", [[5, 5], [5, 5]])], 0.7, 0, "its length is 0 px"),
    ([Stroke("false", [[5, 5]])], 0.7, 0, "its length is 0"),
    ([Stroke("missing", [[-3, 5], [9, 9]])], 0.7, 0, "outside the picture of 160x120"),
    ([Stroke("missing", [[np.nan, 5], [9, 9]])], 0.7, 0, "must be finite"),
    ([Stroke("missing", [[k % 100, 5] for k in range(5000)])], 0.7, 0, "it has 5000 points"),
    ([Stroke("wrong", [[1, 5], [9, 9]])], 0.7, 0, "wrong"), ((), 0.0, 0, "threshold is 0.0"), ((), 0.5, np.nan, "seconds nan")])
def test_what_can_not_be_applied_changes_nothing(album, folder, strokes, threshold, seconds, said):
    with pytest.raises(ValueError, match=said):
        album.correct(0, strokes, threshold, seconds, 0)
    assert album.sheet(0).revision == 0 and not (folder / "a_strokes.json").exists()


def test_pictures_and_folders_that_can_not_be_used_are_named(folder, scribbler, monkeypatch):
    (folder / "d.png").write_bytes(b"\x89PNG nothing")
    big = cv2.imencode(".png", np.zeros((10, 10), np.uint8))[1].tobytes()
    (folder / "e.png").write_bytes(big[:16] + (9000).to_bytes(4, "big") + (6000).to_bytes(4, "big") + big[24:])
    album = Album(folder, scribbler)
    for number, said in ((3, "d.png is cut off"), (4, "e.png is 9000x6000: more than 4 million"), (5, "there are 0 to 4")):
        with pytest.raises(ValueError, match=said):
            album.sheet(number)
    (folder / "a.png").write_bytes(big)
    with pytest.raises(ValueError, match="a.jpg and a.png would have the same files"):
        Album(folder, scribbler)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Album(folder / "nowhere", scribbler)
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="no picture in it"):
        Album(folder / "empty", scribbler)
