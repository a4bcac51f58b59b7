# SPDX-License-Identifier: Apache-2.0
"""Pictures are read as they were written, and what can't be read is named."""
import cv2
import numpy as np
import pytest

from modot_ros.learn.datasets.picture_file import read_array, read_grey, read_json, read_marked, read_rgb, read_values


@pytest.fixture
def colours(tmp_path):
    rgb = np.array([[[255, 0, 0], [0, 3, 0], [0, 0, 0]]], np.uint8)
    cv2.imwrite(str(tmp_path / "colours.png"), rgb[..., ::-1])
    return tmp_path / "colours.png", rgb


def test_colours_greys_and_marks(colours):
    path, rgb = colours
    assert read_rgb(path).tolist() == rgb.tolist()
    assert read_grey(path).tolist() == [[76, 2, 0]]                 # 0.299 red, 0.587 green
    assert read_marked(path).tolist() == [[True, True, False]]
    with pytest.raises(ValueError, match=r"colours.png is uint8 \(1, 3, 3\), needs one channel of 16 bits"):
        read_values(path)


def test_sixteen_bits_stay(tmp_path):
    cv2.imwrite(str(tmp_path / "depth.png"), np.array([[65535, 1]], np.uint16))
    assert read_values(tmp_path / "depth.png").tolist() == [[65535, 1]]


def test_arrays_lose_axes_of_one(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 1)))
    assert read_array(tmp_path / "a.npy").shape == (2, 3)


@pytest.mark.parametrize("read", [read_rgb, read_grey, read_marked, read_values, read_array])
@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_what_cannot_be_read_is_named(tmp_path, read, content):
    path = tmp_path / "broken.file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="broken.file"):
        read(path)


def test_a_picture_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / "cut.png"
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match="cut.png is cut off"):
        read_rgb(path)


def test_broken_json_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match="broken.json is no JSON"):
        read_json(tmp_path / "broken.json")
