# SPDX-License-Identifier: Apache-2.0
import os

import numpy as np
import pytest

from modot_ros.learn.synthetic.footage import Footage, cache_folder, generator_version, main


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    footage = Footage(seed=3, width=32, height=24, frames=3, folder=tmp_path_factory.mktemp("footage"))
    footage.render()
    return footage


def test_views_as_rendered_come_back(footage):
    from modot_ros.learn.synthetic import fly_through, random_scene, render
    scene = random_scene(3)
    view, stored = render(scene, fly_through(scene, 3, 3, 32, 24)[1], 3), footage.read(1)
    for name in ("rgb", "depth_m", "labels", "boundary", "K"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(view, name))


def test_ready_counts_up_to_the_first_gap(footage, tmp_path):
    assert footage.ready() == 3
    other = Footage(3, 32, 24, 3, tmp_path)
    assert other.ready() == 0
    other.folder.mkdir()
    for number in (0, 2):
        other.path(number).write_bytes(footage.path(number).read_bytes())
    assert other.ready() == 1
    with pytest.raises(FileNotFoundError):
        other.read(1)


def test_command_makes_only_what_is_missing(footage, tmp_path, monkeypatch):
    other = Footage(3, 32, 24, 3, tmp_path)
    other.folder.mkdir()
    for number in (0, 2):
        other.path(number).write_bytes(footage.path(number).read_bytes())
    before = other.path(0).stat().st_mtime_ns
    monkeypatch.setattr(os, "nice", lambda _: None)
    main(["3", "32", "24", "3", str(tmp_path)])
    assert other.ready() == 3 and other.path(0).stat().st_mtime_ns == before
    np.testing.assert_array_equal(other.read(1).rgb, footage.read(1).rgb)
    assert not list(other.folder.glob("*.partial"))


def test_damaged_file_is_named(footage, tmp_path):
    other = Footage(3, 32, 24, 3, tmp_path)
    other.folder.mkdir()
    other.path(0).write_bytes(footage.path(0).read_bytes()[:300])
    with pytest.raises(ValueError, match="00000.npz is damaged"):
        other.read(0)


@pytest.mark.parametrize("bad", [dict(seed=-1), dict(width=0), dict(frames=0)])
def test_bad_values_are_named(bad):
    values = dict(seed=1, width=32, height=24, frames=2) | bad
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        Footage(**values)


def test_cache_follows_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "modot_ros" / "footage"
    assert Footage(1, 2, 2, 1).folder.is_relative_to(cache_folder() / generator_version())


def test_footage_is_rendered_where_files_have_no_locks_and_processes_no_priority(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr("modot_ros.learn.synthetic.footage.fcntl", None)
    monkeypatch.delattr(os, "nice")
    main(["3", "32", "24", "1", str(tmp_path)])
    assert Footage(seed=3, width=32, height=24, frames=1, folder=tmp_path).ready() == 1
