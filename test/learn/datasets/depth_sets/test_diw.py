# SPDX-License-Identifier: Apache-2.0
"""DIW in its published layout."""
import pytest

from modot_ros.learn.datasets.depth_sets.diw import diw
from modot_ros.learn.datasets.sample import PointPair


@pytest.fixture
def root(writer):
    writer.text("DIW_test.csv", "./DIW_test/aa.thumb\n1,2,6,8,<,8,6\n./DIW_test/bb.thumb\n3,3,4,4,>,8,6\n")
    for name in ("aa", "bb"):
        writer.picture(f"DIW_test/{name}.png")
        (writer.root / f"DIW_test/{name}.png").rename(writer.root / f"DIW_test/{name}.thumb")
    return writer.root


def test_two_points_and_which_is_closer(root):
    pictures = diw(root)
    assert pictures.names == ("aa", "bb") and pictures[0].points == PointPair((1, 2), (6, 8), "<")
    assert pictures[1].points.relation == ">" and pictures[0].rgb.shape == (6, 8, 3) and pictures[0].depth_m is None


@pytest.mark.parametrize("text, message", [
    ("./DIW_test/aa.thumb\n", "DIW_test.csv has 1 lines, expected two for each picture"),
    ("./DIW_test/aa.thumb\n1,2,6\n", "DIW_test.csv, line 2: '1,2,6' is not row, column"),
    ("./DIW_test/aa.thumb\n1,2,6,x,<\n", "DIW_test.csv, line 2: invalid literal"),
    ("./DIW_test/aa.thumb\n1,2,6,8,closer\n", "DIW_test.csv, line 2: relation 'c' is unknown: choose one of < > =")])
def test_a_list_that_cannot_be_read_is_named(root, writer, text, message):
    writer.text("DIW_test.csv", text)
    with pytest.raises(ValueError, match=message):
        diw(root)


def test_pictures_that_cannot_be_used_are_named(root, writer):
    writer.text("DIW_test.csv", "./DIW_test/aa.thumb\n1,2,7,8,<,8,7\n./DIW_test/cc.thumb\n1,1,2,2,=,8,6\n")
    pictures = diw(root)
    with pytest.raises(ValueError, match=r"aa.thumb is 8x6, expected a picture with the point \(7, 8\), counted from 1"):
        pictures[0]
    with pytest.raises(ValueError, match="cc.thumb is missing"):
        pictures[1]
    with pytest.raises(FileNotFoundError, match="DIW_train_val.csv is missing"):
        diw(root, "train")
