# SPDX-License-Identifier: Apache-2.0
"""PIOD in the layouts of its authors and of IOBE."""
import numpy as np
import pytest
from scipy.io import savemat

from modot_ros.learn.datasets.boundary_sets.piod import piod


def annotate(path, *edges, size=(6, 8)):
    """As the authors' files are: of every edge its pixels, counted from 1 down the columns."""
    indices = np.empty((len(edges), 1), object)
    for k, pixels in enumerate(edges):
        indices[k, 0] = np.array(pixels, np.uint32)[:, None]
    savemat(path, {"bndinfo_pascal": {"ne": len(edges), "imsize": np.array(size, float), "edges": {"indices": indices},
                                      "OrientMap": np.zeros(size)}})


@pytest.fixture
def root(writer):
    """Of two test pictures the second has no edge; two more are for training."""
    writer.text("val_doc_2010.txt", "2008_000008\n2008_000015\n")
    for name in ("2008_000008", "2008_000015", "2008_000019", "2008_000023"):
        writer.picture(f"JPEGImages/{name}.jpg")
        annotate(writer.path(f"Data/{name}.mat"), *([] if name.endswith("15") else [[13, 14, 15], [48, 48]]))
    return writer.root


def test_boundaries_are_lists_of_pixels(root):
    pictures = piod(root)
    assert pictures.names == ("2008_000008", "2008_000015")
    found = pictures[0].boundary
    assert sorted(zip(*(side.tolist() for side in np.nonzero(found)))) == [(0, 2), (1, 2), (2, 2), (5, 7)]
    assert not pictures[1].boundary.any() and pictures[0].depth_m is None
    assert piod(root, "train").names == ("2008_000019", "2008_000023")


def test_drawings_are_read_where_the_authors_files_are_not(writer, line):
    writer.text("val_doc_2010.txt", "2008_000008\n")
    writer.text("train_ids.lst", "2008_000019\n2008_000019_flip\n")
    writer.picture("Aug_JPEGImages/2008_000008.jpg")
    writer.values("Aug_PngEdgeLabel/2008_000008.png", line)
    assert piod(writer.root)[0].boundary.tolist() == (line > 0).tolist()
    assert piod(writer.root, "train").names == ("2008_000019", "2008_000019_flip")


@pytest.mark.parametrize("spoil, message", [
    (lambda path: path.unlink(), "2008_000008.mat is missing"),
    (lambda path: path.write_bytes(b"half a file"), "2008_000008.mat is no MATLAB file"),
    (lambda path: savemat(path, {"other": 1}), "2008_000008.mat is no annotation of PIOD: expected bndinfo_pascal"),
    (lambda path: annotate(path, [13, 49]), "2008_000008.mat is no annotation of PIOD.*out of bounds"),
    (lambda path: annotate(path, [0]), "2008_000008.mat is no annotation of PIOD.*number 0, expected 1 or more"),
    (lambda path: annotate(path, [1], size=(6, 9)), "2008_000008.mat is 9x6, expected 8x6 as the picture is")])
def test_a_file_that_cannot_be_used_is_named(root, spoil, message):
    spoil(root / "Data" / "2008_000008.mat")
    with pytest.raises(ValueError, match=f"PIOD test, 2008_000008: .*{message}"):
        piod(root)[0]


def test_what_is_missing_is_said(root, tmp_path_factory):
    (root / "val_doc_2010.txt").unlink()
    with pytest.raises(FileNotFoundError, match="(?s)val_doc_2010.txt is missing.*VOCtrainval.*JPEGImages"):
        piod(root)
