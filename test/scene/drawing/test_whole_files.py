# SPDX-License-Identifier: Apache-2.0
"""All files or none."""
import resource
import signal

import pytest

from modot_ros.scene.drawing.whole_files import write_whole


def test_files_are_written_and_replaced(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for content in (b"first", b"second"):
        assert write_whole(dict.fromkeys(paths, content)) == paths
        assert sorted(tmp_path.iterdir()) == paths and {path.read_bytes() for path in paths} == {content}


@pytest.fixture
def little_space():
    """A write beyond 1000 bytes of a file fails, as on a full disk after a part of it was written."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_where_one_does_not_fit_nothing_is_written(tmp_path, little_space):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(OSError, match=r"/b can't be written: File too large; 2\.0 MB are needed, .* MB are free$"):
        write_whole({tmp_path / "a": b"new", tmp_path / "b": bytes(2_000_000)})
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OSError, match="nowhere/a can't be written: No such file or directory$"):
        write_whole({tmp_path / "nowhere" / "a": b""})
