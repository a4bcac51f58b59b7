# SPDX-License-Identifier: Apache-2.0
"""NYUv2-OC++ as IOBE reads it."""
import numpy as np
import pytest

from modot_ros.learn.datasets.boundary_sets.nyuv2_oc import nyuv2_oc


@pytest.fixture
def root(writer, line):
    writer.text("test.txt", "0001.png\n0002.png\n")
    writer.text("train.txt", "0003.png\n")
    for name in ("0001", "0002"):
        writer.picture(f"imgs/{name}.png")
        writer.values(f"ob/{name}.png", line)
    return writer.root


def test_drawings_are_read(root, line):
    pictures = nyuv2_oc(root)
    assert pictures.names == ("0001", "0002") and pictures[0].boundary.tolist() == (line > 0).tolist()
    assert nyuv2_oc(root, "train").names == ("0003",)


def test_files_that_cannot_be_used_are_named(root, writer):
    writer.values("ob/0001.png", np.zeros((6, 9), np.uint8))
    writer.corrupt("ob/0002.png")
    pictures = nyuv2_oc(root)
    with pytest.raises(ValueError, match="0001.png is 9x6, expected 8x6 as the picture is"):
        pictures[0]
    assert list(pictures) == [] and "ob/0002.png" in pictures.skipped["0002"]


def test_what_is_missing_is_said(root):
    (root / "test.txt").unlink()
    with pytest.raises(FileNotFoundError, match="(?s)test.txt is missing.*Sharp and Accurate.*ob/0001.png"):
        nyuv2_oc(root)
