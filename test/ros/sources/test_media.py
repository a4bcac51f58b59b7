# SPDX-License-Identifier: Apache-2.0
import pytest

from modot_ros.ros.sources.media import open_source


@pytest.mark.parametrize("name", ["text.txt", "broken.png", "broken.mp4", "broken.mcap", "broken.mcap.zstd",
                                  "broken.bag"])
def test_what_can_not_be_read_is_named(tmp_path, name):
    if name.endswith(("mcap", "zstd", "bag")):
        pytest.importorskip("rosbags", reason="rosbags is not installed")
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=name):
        open_source(str(tmp_path / name))


def test_folder_without_a_picture_and_missing_things_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no picture"):
        open_source(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nowhere.mp4"):
        open_source(str(tmp_path / "nowhere.mp4"))
    with pytest.raises(ValueError, match="source is empty: expected a picture"):
        open_source("")
    with pytest.raises(ValueError, match="-1"):
        open_source("0", width=-1)
