# SPDX-License-Identifier: Apache-2.0
"""NYUD-MT in its published layout."""
import numpy as np
import pytest

from modot_ros.learn.datasets.depth_sets.nyud_mt import K, nyud_mt


@pytest.fixture
def root(writer, line):
    writer.text("train_list.txt", "00002\n")
    writer.text("val_list.txt", "00000\n00001\n")
    for name in ("0001", "0002", "0003"):
        writer.picture(f"NYUDv2/images/{name}.png")
        writer.values(f"NYUDv2/edge/{name}.png", line)
        depth_m = np.full((6, 8), 2.5)
        depth_m[0, :4] = 255, 0, 10, 9.9
        writer.array(f"NYUDv2/depth/{name}.npy", depth_m)
    return writer.root


def test_lists_count_from_zero_and_files_from_one(root):
    assert nyud_mt(root).names == ("0001", "0002") and nyud_mt(root, "train").names == ("0003",)


def test_depth_is_valid_below_ten_metres(root, line):
    found = nyud_mt(root)[0]
    assert found.valid[0].tolist() == [False, False, False, True, True, True, True, True] and found.valid[1:].all()
    assert found.depth_m[0, 3] == np.float32(9.9) and np.isnan(found.depth_m[0, 0])
    assert found.boundary.tolist() == (line > 0).tolist()


def test_only_the_published_size_has_a_known_camera(root, writer):
    assert nyud_mt(root)[0].K is None
    writer.picture("NYUDv2/images/0001.png", 425, 560)
    writer.values("NYUDv2/edge/0001.png", np.zeros((425, 560), np.uint8))
    writer.array("NYUDv2/depth/0001.npy", np.ones((425, 560, 1), np.float32))
    found = nyud_mt(root)[0]
    assert found.K is K and K[0, 2] == pytest.approx(285.582449) and K[1, 2] == pytest.approx(208.736166)
    assert found.valid.all()


def test_a_corrupt_picture_is_skipped_and_named(root, writer):
    writer.corrupt("NYUDv2/images/0001.png")
    pictures = nyud_mt(root)
    assert [found.name for found in pictures] == ["0002"]
    assert "images/0001.png is cut off" in pictures.skipped["0001"]


def test_what_is_missing_and_what_is_unknown_is_said(root, tmp_path):
    with pytest.raises(ValueError, match="unknown split of NYUD-MT 'val'; choices: train, test"):
        nyud_mt(root, "val")
    with pytest.raises(FileNotFoundError, match="(?s)nowhere.*xul-ops/MoDOT.*val_list.txt"):
        nyud_mt(tmp_path / "nowhere")
