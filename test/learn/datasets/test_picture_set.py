# SPDX-License-Identifier: Apache-2.0
"""Corrupt items are skipped, named and counted; the rest comes in order."""
import logging

import pytest
from torch.utils.data import DataLoader

from modot_ros.learn.datasets.picture_set import PictureSet


def read(name, number):
    if number < 0:
        raise ValueError("negative")
    if number == 0:
        raise FileNotFoundError("no such file")
    return name, number


@pytest.fixture
def pictures():
    return PictureSet("set", {"a": 1, "b": -1, "c": 0, "d": 2}, read)


def test_iterating_skips_names_and_counts_what_is_corrupt(pictures, caplog):
    with caplog.at_level(logging.WARNING):
        assert list(pictures) == [("a", 1), ("d", 2)]
    assert pictures.skipped == {"b": "set, b: negative", "c": "set, c: no such file"}
    assert [record.getMessage() for record in caplog.records] == [f"skipped: {r}" for r in pictures.skipped.values()]
    assert list(pictures) and len(pictures.skipped) == 2            # a second time counts nothing twice


def test_indexing_names_what_is_corrupt(pictures):
    assert len(pictures) == 4 and pictures[3] == ("d", 2)
    with pytest.raises(ValueError, match="set, b: negative"):
        pictures[1]


def test_torch_loads_it_with_workers():
    good = PictureSet("set", {"a": 1, "b": 2, "c": 3}, read)
    loader = DataLoader(good, batch_size=2, num_workers=1, collate_fn=list)
    assert list(loader) == [[("a", 1), ("b", 2)], [("c", 3)]]
