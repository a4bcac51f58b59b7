# SPDX-License-Identifier: Apache-2.0
"""What is missing is said with its source and the tree that is expected."""
import pytest

from modot_ros.learn.datasets.layout import Layout, choose

LAYOUT = Layout("Set", "the set from its authors.", "list.txt\nimages/1.png")


def test_a_missing_path_says_what_to_download_and_how_the_folder_must_look(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        LAYOUT.require(tmp_path, "images", "depth")
    assert str(caught.value) == (f"Set: {tmp_path / 'images'} is missing.\n  Download the set from its authors.\n"
                                 f"  The folder {tmp_path} must look like this:\n    list.txt\n    images/1.png")
    (tmp_path / "images").mkdir()
    LAYOUT.require(tmp_path, "images")
    with pytest.raises(FileNotFoundError, match="nowhere is missing"):
        LAYOUT.require(tmp_path / "nowhere", "images")


def test_lists_are_read_without_empty_lines(tmp_path):
    (tmp_path / "list.txt").write_text("a\n\n b \nc\n")
    assert LAYOUT.names(tmp_path, "list.txt") == ["a", "b", "c"]
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ValueError, match="empty.txt lists nothing"):
        LAYOUT.names(tmp_path, "empty.txt")


def test_choices_are_named():
    assert choose("split", "test", ("train", "test")) == "test"
    with pytest.raises(ValueError, match="unknown split 'val'; choices: train, test"):
        choose("split", "val", ("train", "test"))
