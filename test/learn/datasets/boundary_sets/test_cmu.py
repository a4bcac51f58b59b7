# SPDX-License-Identifier: Apache-2.0
"""CMU as IOBE reads it."""
import numpy as np
import pytest

from modot_ros.learn.datasets.boundary_sets.cmu import cmu


@pytest.fixture
def root(writer, line):
    for name in ("bench", "car"):
        writer.picture(f"imgs_r/{name}.png")
        writer.values(f"gt/{name}_fragmentgroundtruth.png", np.stack([0 * line, line, 0 * line], axis=2))
        writer.values(f"gt/{name}_objectgroundtruth.png", np.full((6, 8, 3), 255, np.uint8))
    return writer.root


def test_boundaries_are_those_of_fragments(root, line):
    assert cmu(root).names == ("bench", "car")
    assert cmu(root)[0].boundary.tolist() == (line > 0).tolist()


def test_a_list_chooses_the_pictures(root, writer):
    writer.text("cmu_val30.txt", "car.png\n")
    assert cmu(root).names == ("car",)


def test_files_that_cannot_be_used_are_named(root, writer):
    writer.values("gt/bench_fragmentgroundtruth.png", np.zeros((8, 6, 3), np.uint8))
    (root / "gt" / "car_fragmentgroundtruth.png").unlink()
    pictures = cmu(root)
    with pytest.raises(ValueError, match="CMU, bench: .*bench_fragmentgroundtruth.png is 6x8, expected 8x6"):
        pictures[0]
    assert list(pictures) == [] and "car_fragmentgroundtruth.png is missing" in pictures.skipped["car"]


def test_what_is_missing_is_said(root):
    for path in (root / "imgs_r").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="(?s)imgs_r/NAME.png is missing.*fragmentgroundtruth"):
        cmu(root)
