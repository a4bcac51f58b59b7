# SPDX-License-Identifier: Apache-2.0
"""Masks from polygons and run lengths."""
import sys

import numpy as np
import pytest

from modot_ros.learn.datasets.order_sets.coco_masks import drawn

pytest.importorskip("pycocotools")
SQUARE = [1, 0, 3, 0, 3, 2, 1, 2]


def test_polygons_are_merged():
    expected = np.zeros((3, 6), np.uint8)
    expected[:2, 1:3] = 1
    assert drawn(SQUARE, 3, 6).tolist() == drawn([SQUARE], 3, 6).tolist() == expected.tolist()
    expected[:2, 4:6] = 1
    assert drawn([SQUARE, [4, 0, 6, 0, 6, 2, 4, 2]], 3, 6).tolist() == expected.tolist()


def test_run_lengths_go_down_the_columns():
    runs = {"size": [2, 3], "counts": [1, 2, 3]}
    assert drawn(runs, 2, 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert drawn({"size": [2, 3], "counts": "123"}, 2, 3).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_what_is_no_mask_is_said():
    with pytest.raises(ValueError, match=r"size \[2, 3\], the picture of \[3, 3\]"):
        drawn({"size": [2, 3], "counts": [6]}, 3, 3)
    with pytest.raises(ValueError, match="without polygon"):
        drawn([], 3, 3)
    for broken in ({"size": [3, 3]}, {"size": [3, 3], "counts": 5}, [["a", "b"]], [3]):
        with pytest.raises(ValueError, match="neither polygons nor run lengths"):
            drawn(broken, 3, 3)


def test_the_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pycocotools"):
        drawn(SQUARE, 3, 6)
