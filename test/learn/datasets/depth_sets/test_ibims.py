# SPDX-License-Identifier: Apache-2.0
"""iBims-1 in its published layout."""
import numpy as np
import pytest
from scipy.io import savemat

from modot_ros.learn.datasets.depth_sets.ibims import ibims


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


@pytest.fixture
def root(writer, line, rgb):
    depth_m = np.full((6, 8), 3.0)
    depth_m[0, 0] = 0
    invalid, transparent = np.ones((6, 8), np.uint8), np.ones((6, 8), np.uint8)
    invalid[0, 1] = transparent[0, 2] = 0                           # 0 marks what is invalid, whatever the name says
    calib = np.array([[550.0, 0, 0], [0, 560.0, 0], [321.0, 241.0, 1]])
    data = {"rgb": rgb, "depth": depth_m, "edges": line // 255, "calib": calib, "mask_invalid": invalid,
            "mask_transp": transparent}
    savemat(writer.path("ibims1_core_mat/corridor_01.mat"), {"data": data})
    writer.text("imagelist.txt", "corridor_01\ncorridor_02\n")
    return writer.root


def test_picture_masks_edges_and_camera(root, rgb, line):
    found = ibims(root)[0]
    assert found.rgb.tolist() == rgb.tolist() and found.boundary.tolist() == (line > 0).tolist()
    assert found.valid.sum() == 45 and not found.valid[0, :3].any()
    assert found.K.tolist() == [[550, 0, 320], [0, 560, 240], [0, 0, 1]]


def test_drawn_boundaries_win_over_depth_edges(root, writer, line):
    writer.values("ob/corridor_01.png", np.roll(line, 1, axis=1))
    assert ibims(root)[0].boundary.any(axis=0).argmax() == 3


def test_the_folder_may_be_as_modots_loader_has_it(writer, line):
    depth_m = np.full((6, 8), 3.0)
    depth_m[0, 0] = 0
    masks = {"mask_invalid": np.ones((6, 8), np.uint8), "mask_transp": np.ones((6, 8), np.uint8)}
    savemat(writer.path("gt_depth/office_01.mat"), {"data": {"depth": depth_m, **masks}})
    rgb = writer.picture("imgs/office_01.png")
    writer.values("ob/office_01.png", line)
    writer.text("imagelist.txt", "office_01\n")
    found = ibims(writer.root)[0]
    assert found.rgb.tolist() == rgb.tolist() and found.boundary.tolist() == (line > 0).tolist()
    assert found.valid.sum() == 47 and found.depth_m[1, 1] == 3 and found.K is None


def test_missing_and_corrupt_files_are_skipped(root, writer):
    pictures = ibims(root)
    assert [found.name for found in pictures] == ["corridor_01"]
    assert "corridor_02.mat is missing" in pictures.skipped["corridor_02"]
    writer.corrupt("ibims1_core_mat/corridor_02.mat")
    with pytest.raises(ValueError, match="corridor_02.mat is no picture of iBims-1"):
        pictures[1]


def test_what_is_missing_is_said(root):
    with pytest.raises(FileNotFoundError, match="(?s)TU Munich.*imagelist.txt"):
        ibims(root / "nowhere")
    with pytest.raises(ValueError, match="choices: test"):
        ibims(root, "train")
