# SPDX-License-Identifier: Apache-2.0
"""InteriorNet-OR as P2ORM publishes it."""
import numpy as np
import pytest

from modot_ros.learn.datasets.boundary_sets.interiornet_or import interiornet_or

SCENE = "3FO4IDP1HR4R_Balcony_raycastingV2"


@pytest.fixture
def root(writer, line):
    head, path = "#image_path,edge_label_path,ori_label_path,order_label_path\n", f"data/dataset_syn/InteriorNet/data/{SCENE}"
    for split, frame in (("train", "0001"), ("val", "0000")):
        rows = ",".join(f"{path}/{frame}-{what}" for what in ("rgb.png", "edge_fg.png", "ori.png", "order-pix.npz"))
        writer.text(f"image_sets/occ_order_raycastingV2_{split}.txt", head + rows)
        writer.picture(f"data/{SCENE}/{frame}-rgb.png")
        writer.values(f"data/{SCENE}/{frame}-edge_fg.png", line)
        writer.values(f"data/{SCENE}/{frame}-depth-plane.png", np.array([[0, 1500]] * 6, np.uint16).repeat(4, axis=1))
    return writer.root


def test_boundaries_and_depth_of_the_lists(root, line):
    found, = interiornet_or(root)
    assert found.name == f"{SCENE}_0000" and found.boundary.tolist() == (line > 0).tolist()
    assert np.isnan(found.depth_m[:, :4]).all() and (found.depth_m[:, 4:] == 1.5).all()
    assert found.K.tolist() == [[7.5, 0, 4], [0, 7.5, 3], [0, 0, 1]]            # 600, 320, 240 at 640x480
    assert interiornet_or(root, "train").names == (f"{SCENE}_0001",)


def test_all_scenes_need_no_list_and_depth_is_optional(root):
    for path in (*(root / "image_sets").iterdir(), *root.rglob("*-depth-plane.png")):
        path.unlink()
    assert len(interiornet_or(root, "all")) == 2 and interiornet_or(root, "all")[0].depth_m is None
    with pytest.raises(FileNotFoundError, match=r"(?s)image_sets/occ_order_..._val.txt is missing.*split \"all\""):
        interiornet_or(root)


def test_files_that_cannot_be_used_are_named(root, writer):
    writer.values(f"data/{SCENE}/0000-depth-plane.png", np.zeros((5, 8), np.uint16))
    with pytest.raises(ValueError, match="0000-depth-plane.png is 8x5, expected 8x6 as the picture is"):
        interiornet_or(root)[0]
    writer.values(f"data/{SCENE}/0000-edge_fg.png", np.zeros((6, 4), np.uint8))
    with pytest.raises(ValueError, match="0000-edge_fg.png is 4x6, expected 8x6"):
        interiornet_or(root)[0]
    (root / "data" / SCENE / "0000-edge_fg.png").unlink()
    with pytest.raises(ValueError, match="0000-edge_fg.png is missing"):
        interiornet_or(root)[0]
    writer.text("image_sets/occ_order_raycastingV2_val.txt", "what,is,this\n")
    with pytest.raises(ValueError, match="_val.txt: 'what,is,this' does not begin with"):
        interiornet_or(root)


def test_what_is_missing_is_said(root):
    for path in root.rglob("*-rgb.png"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="(?s)data/SCENE/0000-rgb.png is missing.*P2ORM"):
        interiornet_or(root, "all")
