# SPDX-License-Identifier: Apache-2.0
"""DIODE in its published layout."""
import numpy as np
import pytest

from modot_ros.learn.datasets.depth_sets.diode import diode

SCANS = {"indoors": "val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010",
         "outdoor": "val/outdoor/scene_00022/scan_00193/00022_00193_outdoor_000_010"}


@pytest.fixture
def root(writer):
    for k, scan in enumerate(SCANS.values()):
        writer.picture(f"{scan}.png")
        writer.array(f"{scan}_depth.npy", np.full((6, 8, 1), 4.0 + k, np.float32))
        mask = np.ones((6, 8), np.float32)
        mask[2] = 0
        writer.array(f"{scan}_depth_mask.npy", mask)
    return writer.root


def test_the_validation_set_is_the_test_set(root):
    assert diode(root).names == ("00019_00183_indoors_000_010", "00022_00193_outdoor_000_010")
    assert diode(root, "test_outdoor").names == ("00022_00193_outdoor_000_010",)


def test_depth_is_valid_where_the_mask_says_so(root):
    found = diode(root, "test_indoors")[0]
    assert found.boundary is None and found.valid.sum() == 40 and not found.valid[2].any()
    assert found.depth_m[0, 0] == 4 and found.K is None


def test_corrupt_depth_is_skipped(root, writer):
    writer.corrupt(f"{SCANS['indoors']}_depth.npy")
    pictures = diode(root)
    assert [found.name for found in pictures] == ["00022_00193_outdoor_000_010"] and len(pictures.skipped) == 1


def test_what_is_missing_is_said(root):
    with pytest.raises(FileNotFoundError, match="(?s)diode-dataset.org.*_depth_mask.npy"):
        diode(root, "train")
    for path in root.rglob("*.png"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="indoors/scene_"):
        diode(root)
