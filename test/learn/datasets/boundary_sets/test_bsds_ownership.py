# SPDX-License-Identifier: Apache-2.0
"""BSDS ownership in the layouts of DOOBNet and of IOBE."""
import sys

import numpy as np
import pytest
from scipy.io import savemat

from modot_ros.learn.datasets.boundary_sets.bsds_ownership import bsds_ownership


def annotate(path, *people):
    """As the authors' files are: edge and direction of each person in a cell of gt_theta."""
    cells = np.empty((1, len(people)), object)
    for k, drawn in enumerate(people):
        cells[0, k] = np.dstack([drawn.astype(float), np.zeros(drawn.shape)])
    savemat(path, {"gtStruct": {"gt_theta": cells}})


@pytest.fixture
def root(writer, line):
    for folder, name in (("testfg", "101085"), ("trainfg", "100075")):
        writer.picture(f"BSDS300/images/train/{name}.jpg")
        annotate(writer.path(f"{folder}/{name}.mat"), line > 0, line.T[:6, :6].repeat(2, axis=1)[:, :8] > 0)
    return writer.root


def test_every_person_s_drawing_is_kept(root, line):
    found, = bsds_ownership(root)
    assert found.name == "101085" and found.drawings.shape == (2, 6, 8)
    assert found.drawings[0].tolist() == (line > 0).tolist() != found.drawings[1].tolist()
    assert (found.boundary == found.drawings.any(0)).all() and not found.valid.any()
    assert bsds_ownership(root, "train").names == ("100075",)


def test_lists_of_pictures_and_labels(writer, line):
    h5py = pytest.importorskip("h5py")
    writer.text("test.lst", "jpg/101085_idx0.jpg h5/101085_idx0.h5\n")
    writer.picture("jpg/101085_idx0.jpg")
    path = writer.path("h5/101085_idx0.h5")
    for label, message in ((np.stack([line > 0, line])[None], None), (line, r"101085_idx0.h5: label is \(6, 8\), expected"),
                           (np.zeros((1, 2, 6, 9)), "101085_idx0.h5 is 9x6, expected 8x6")):
        with h5py.File(path, "w") as file:
            file["label"] = label.astype(np.float32)
        if message is None:
            assert bsds_ownership(writer.root)[0].boundary.tolist() == (line > 0).tolist()
        else:
            with pytest.raises(ValueError, match=message):
                bsds_ownership(writer.root)[0]
    path.write_bytes(b"half a file")
    with pytest.raises(ValueError, match="101085_idx0.h5 is no HDF5 file with a data set called label"):
        bsds_ownership(writer.root)[0]
    path.unlink()
    with pytest.raises(ValueError, match="101085_idx0.h5 is missing"):
        bsds_ownership(writer.root)[0]
    writer.text("test.lst", "jpg/101085_idx0.jpg\n")
    with pytest.raises(ValueError, match="test.lst: 'jpg/101085_idx0.jpg' is not a picture and its label"):
        bsds_ownership(writer.root)


def test_lists_need_h5py(writer, monkeypatch):
    writer.text("test.lst", "a.jpg a.h5\n")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModuleNotFoundError, match="pip install h5py"):
        bsds_ownership(writer.root)


@pytest.mark.parametrize("spoil, message", [
    (lambda path: path.write_bytes(b"half a file"), "101085.mat is no MATLAB file"),
    (lambda path: savemat(path, {"other": 1}), "101085.mat is no annotation of BSDS ownership: expected gtStruct"),
    (lambda path: annotate(path, np.zeros((6, 8)), np.zeros((5, 8))), "101085.mat is no annotation of BSDS ownership"),
    (lambda path: annotate(path, np.zeros((8, 6))), "101085.mat is 6x8, expected 8x6 as the picture is")])
def test_a_file_that_cannot_be_used_is_named(root, spoil, message):
    spoil(root / "testfg" / "101085.mat")
    with pytest.raises(ValueError, match=f"BSDS ownership test, 101085: .*{message}"):
        bsds_ownership(root)[0]


def test_what_is_missing_is_said(root):
    (root / "testfg" / "101085.mat").unlink()
    with pytest.raises(FileNotFoundError, match="testfg is missing its .mat files"):
        bsds_ownership(root)
    (root / "BSDS300" / "images" / "train").rename(root / "elsewhere")
    with pytest.raises(FileNotFoundError, match="(?s)BSDS300/images/train is missing.*DOOBNet.*testfg"):
        bsds_ownership(root)
