# SPDX-License-Identifier: Apache-2.0
"""OB-FUTURE in its published layout."""
import numpy as np
import pytest

from modot_ros.learn.datasets.depth_sets.ob_future import ob_future


@pytest.fixture
def root(writer, line):
    writer.text("19186_occ_9p.txt", "00001\n01219\n")
    writer.text("19186_occ_1p.txt", "00013\n01219\n05695\n11118\n17595\n00018\n")
    grey = np.full((6, 8), 100, np.uint8)
    grey[0, :3] = 255, 26, 27
    for scene in ("00001", "00013", "00018"):
        writer.picture(f"{scene}/rgb_1.png")
        writer.values(f"{scene}/dis_fOB.png", line // 255)          # any value but 0 counts
        writer.values(f"{scene}/bdepth.png", grey)
    return writer.root


def test_four_scenes_are_left_out_of_the_test_only(root):
    assert ob_future(root).names == ("00013", "00018")
    assert ob_future(root, "train").names == ("00001", "01219")


def test_the_splits_of_iobe_are_whole(root, writer):
    writer.text("synocc_train_3.txt", "00001\n")
    writer.text("synocc_fval.txt", "00013\n01219\n")
    assert ob_future(root, "iobe_train").names == ("00001",)
    assert ob_future(root, "iobe_test").names == ("00013", "01219")
    with pytest.raises(ValueError, match="choices: train, test, iobe_train, iobe_test"):
        ob_future(root, "val")


def test_depth_is_decoded_to_metres_along_the_axis(root, line):
    found = ob_future(root)[0]
    assert found.valid[0].tolist() == [False, False, True] + 5 * [True]
    distance, focal = 0.1 + 9.9 * 100 / 255, 1193.151 / 1080 * 8
    assert found.K[0, 0] == pytest.approx(focal) and found.K[:2, 2].tolist() == [3.5, 2.5]
    np.testing.assert_allclose(found.depth_m[1:], found.depth_m[1:, ::-1])          # the axis goes through the middle
    assert found.depth_m[3, 7] == pytest.approx(distance / (1 + (3.5 ** 2 + 0.5 ** 2) / focal ** 2) ** 0.5)
    assert found.boundary.tolist() == (line > 0).tolist()


def test_as_published_depth_is_a_tenth_of_the_grey(root):
    found = ob_future(root, as_published=True)[0]
    assert found.depth_m[3, 7] == pytest.approx(100 / 25.5) and found.depth_m[0, 1] == pytest.approx(26 / 25.5)
    assert found.valid[0].tolist() == [False] + 7 * [True]


def test_what_is_missing_is_said(root, tmp_path):
    with pytest.raises(FileNotFoundError, match="(?s)xul-ops/IOBE.*dis_fOB.png"):
        ob_future(tmp_path / "nowhere")
    (root / "00018" / "bdepth.png").unlink()
    pictures = ob_future(root)
    assert [found.name for found in pictures] == ["00013"] and "bdepth.png is missing" in pictures.skipped["00018"]
