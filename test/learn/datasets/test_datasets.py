# SPDX-License-Identifier: Apache-2.0
"""Data sets by their names."""
import re
from pathlib import Path

import pytest

from modot_ros.learn.datasets import DATASETS, ORDER_DATASETS, open_dataset, open_order_dataset

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_says_what_it_needs(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="(?s)is missing.*Download.*must look like this"):
        open_dataset(name, str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="unknown split of .* 'validation'; choices: "):
        open_dataset(name, tmp_path, "validation")


@pytest.mark.parametrize("name", ORDER_DATASETS)
def test_every_set_of_orders_says_what_it_needs(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="(?s)is missing.*Download.*must look like this"):
        open_order_dataset(name, str(tmp_path))
    with pytest.raises(ValueError, match="unknown split of .* 'test'; choices: train, val"):
        open_order_dataset(name, tmp_path, "test")


def test_names_are_said_when_one_is_unknown(tmp_path):
    with pytest.raises(ValueError, match="unknown data set 'nyu'; choices: nyud_mt, ob_future"):
        open_dataset("nyu", tmp_path)
    with pytest.raises(ValueError, match="unknown data set of orders 'coco'; choices: instaorder, cocoa, kins"):
        open_order_dataset("coco", tmp_path)


def test_a_plain_folder_opens_by_name(shared_data):
    pictures = open_dataset("pairs", shared_data / "real")
    found = pictures[0]
    assert len(pictures) > 10 and found.depth_m.shape == found.rgb.shape[:2] and found.K.shape == (3, 3)
    assert 0.1 < found.depth_m[found.valid].mean() < 20


def test_the_documentation_names_every_set():
    text = (ROOT / "docs" / "datasets.md").read_text()
    assert tuple(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) == DATASETS + ORDER_DATASETS
