# SPDX-License-Identifier: Apache-2.0
"""OB-Hypersim in its published layout."""
import sys

import numpy as np
import pytest

from modot_ros.learn.datasets.depth_sets.ob_hypersim import ob_hypersim

h5py = pytest.importorskip("h5py")
CAMERA = "hypersim/ai_001_010/cam_00"


@pytest.fixture
def root(writer, line):
    writer.text("hypersim_filtered_train.txt", f"{CAMERA}/tonemap/0004\n")
    writer.text("hypersim_filtered_test.txt", f"{CAMERA}/tonemap/0003\n")
    for frame in ("0003", "0004"):
        writer.picture(f"{CAMERA}/tonemap/{frame}.jpg")
        writer.values(f"{CAMERA}/instance_contour/{frame}.png", line)
        writer.values(f"{CAMERA}/ob/{frame}.png", np.roll(line // 255, 3, axis=1))
        distance = np.full((6, 8), 6.1, np.float16)
        distance[0, 0] = np.nan
        with h5py.File(writer.path(f"{CAMERA}/depth_hdf5/{frame}.hdf5"), "w") as file:
            file["dataset"] = distance
    return writer.root


def test_boundaries_are_both_drawings_and_depth_is_along_the_axis(root):
    found = ob_hypersim(root)[0]
    assert found.name == "ai_001_010_cam_00_0003"
    assert found.boundary.any(axis=0).tolist() == [False, False, True, False, False, True, False, False]
    focal = 886.81 / 1024 * 8
    assert found.depth_m[0, 7] == pytest.approx(6.1 / (1 + (3.5 ** 2 + 2.5 ** 2) / focal ** 2) ** 0.5, rel=1e-3)
    assert not found.valid[0, 0] and found.valid.sum() == 47


def test_as_published_depth_is_distance_by_a_constant(root):
    found = ob_hypersim(root, "train", as_published=True)[0]
    assert np.nanmin(found.depth_m) == np.nanmax(found.depth_m) == pytest.approx(6.1 / 3.05, rel=1e-3)


def test_corrupt_depth_is_skipped(root, writer):
    writer.corrupt(f"{CAMERA}/depth_hdf5/0003.hdf5")
    pictures = ob_hypersim(root)
    assert list(pictures) == [] and "no depth of Hypersim" in pictures.skipped["ai_001_010_cam_00_0003"]


def test_what_is_missing_is_said(root, writer, monkeypatch):
    writer.text("hypersim_filtered_test.txt", "0003\n")
    with pytest.raises(ValueError, match="'0003' is not hypersim/SCENE"):
        ob_hypersim(root)
    with pytest.raises(FileNotFoundError, match="(?s)xul-ops/MoDOT.*depth_hdf5"):
        ob_hypersim(root / "nowhere")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModuleNotFoundError, match="pip install h5py"):
        ob_hypersim(root)
