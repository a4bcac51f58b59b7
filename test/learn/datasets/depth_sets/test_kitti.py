# SPDX-License-Identifier: Apache-2.0
"""KITTI in the layout of Eigen's test pictures."""
import numpy as np
import pytest

from modot_ros.learn.datasets.depth_sets.kitti import kitti

DRIVE = "2011_09_26_drive_0002_sync"
DEPTH = f"{DRIVE}/proj_depth/groundtruth/image_02/0000000069.png"


@pytest.fixture
def root(writer):
    lines = [f"2011_09_26/{DRIVE}/image_02/data/0000000069.png {DEPTH} 721.5377",
             f"2011_09_26/{DRIVE}/image_02/data/0000000054.png None 721.5377"]
    writer.text("eigen_test_files_with_gt.txt", "\n".join(lines))
    writer.picture(f"2011_09_26/{DRIVE}/image_02/data/0000000069.png")
    writer.values(f"data_depth_annotated/val/{DEPTH}", np.array([[0, 2560]] * 6, np.uint16).repeat(4, axis=1))
    return writer.root


def test_depth_has_256_steps_a_metre_and_pictures_without_it_are_left_out(root):
    found, = kitti(root)
    assert found.name == f"{DRIVE}_0000000069" and found.K[0, 0] == 721.5377
    assert np.isnan(found.depth_m[:, :4]).all() and (found.depth_m[:, 4:] == 10).all()


@pytest.mark.parametrize("folder", ["", "data_depth_annotated/", "data_depth_annotated/train/"])
def test_depth_may_lie_elsewhere(root, folder):
    new = root / f"{folder}{DEPTH}"
    new.parent.mkdir(parents=True)
    (root / "data_depth_annotated" / "val" / DEPTH).rename(new)
    assert kitti(root)[0].valid.any()


def test_files_that_cannot_be_used_are_named(root, writer):
    writer.values(f"data_depth_annotated/val/{DEPTH}", np.zeros((6, 9), np.uint16))
    with pytest.raises(ValueError, match="0000000069.png is 9x6, expected 8x6 as the picture is"):
        kitti(root)[0]
    (root / "data_depth_annotated" / "val" / DEPTH).unlink()
    with pytest.raises(ValueError, match="data_depth_annotated/val/.*0000000069.png is missing"):
        kitti(root)[0]


@pytest.mark.parametrize("line", ["a.png b.png", "a.png b.png 7", f"2011_09_26/{DRIVE}/image_02/data/1.png {DEPTH} far"])
def test_a_list_that_cannot_be_read_is_named(root, writer, line):
    writer.text("eigen_test_files_with_gt.txt", line)
    with pytest.raises(ValueError, match="eigen_test_files_with_gt.txt: '.*' is not"):
        kitti(root)
