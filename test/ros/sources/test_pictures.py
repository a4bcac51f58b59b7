# SPDX-License-Identifier: Apache-2.0
import json

import cv2
import numpy as np
import pytest

from modot_ros.ros.sources.media import open_source
from modot_ros.ros.sources.pictures import read_picture


def picture(width=8, height=6) -> np.ndarray:
    return np.full((height, width, 3), (255, 0, 0), np.uint8)


def sizes(source) -> list[tuple[int, int]]:
    return [(frame.width, frame.height) for frame in source]


def test_one_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    frames = list(open_source(str(tmp_path / "a.png")))
    assert len(frames) == 1
    assert frames[0].encoding == "bgr8"
    np.testing.assert_array_equal(frames[0].rows.reshape(6, 8, 3), picture())
    assert frames[0].calibration is None


def test_folder_in_order_of_names_with_mixed_sizes_and_without_what_is_no_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "b.jpg"), picture(20, 10))
    cv2.imwrite(str(tmp_path / "a.png"), picture(8, 6))
    cv2.imwrite(str(tmp_path / "a_depth_mm.png"), np.full((6, 8), 1500, np.uint16))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-20])
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    source = open_source(str(tmp_path))
    assert sizes(source) == [(8, 6), (20, 10)]
    assert [path.name for path in source.passed_over] == ["a_depth_mm.png", "broken.jpg", "cut.jpg"]
    assert sizes(source) == [(8, 6), (20, 10)], "a source can be played again"
    assert [frame.due_s for frame in source] == pytest.approx([0.0, 0.1])


def test_index_of_a_folder_gives_the_pictures_and_their_calibration(tmp_path):
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture(8, 6))
    index = [{"image": "c.png", "K": [5, 6, 3, 2]}, {"image": "a.png"}]
    (tmp_path / "index.json").write_text(json.dumps(index))
    first, second = open_source(str(tmp_path), width=16)
    assert first.calibration.k == (10.0, 0.0, 6.0, 0.0, 12.0, 4.0, 0.0, 0.0, 1.0)
    assert second.calibration is None


@pytest.mark.parametrize("index", ["{}x", '{"image": "a.png"}', '[{"K": [1, 1, 1, 1]}]',
                                   '[{"image": "a.png", "K": [1]}]'])
def test_bad_index_is_named(tmp_path, index):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(ValueError, match="index.json"):
        open_source(str(tmp_path))


def test_reasons_are_kept_and_named(tmp_path):
    cv2.imwrite(str(tmp_path / "b.jpg"), np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-900])
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((6, 8), 1500, np.uint16))
    source = open_source(str(tmp_path))
    assert len(list(source)) == 1
    assert list(source.passed_over.values()) == ["is cut off", "has one channel of 16 bits, a depth map beside pictures"]
    with pytest.raises(ValueError, match="cut.jpg' is cut off"):
        open_source(str(tmp_path / "cut.jpg"))
    (tmp_path / "b.jpg").unlink(), (tmp_path / "deep.png").unlink()
    with pytest.raises(ValueError, match=r"holds no picture that can be read \(1 tried.*: cut.jpg \(is cut off\)"):
        open_source(str(tmp_path))


@pytest.mark.parametrize("ending", (".png", ".tif"))
def test_pictures_of_twelve_bits_are_not_black(tmp_path, ending):
    ramp = np.linspace(0, 4095, 60 * 80).reshape(60, 80).astype(np.uint16)
    for name, values in (("grey", ramp), ("colour", np.dstack([ramp, ramp // 2, ramp // 4]))):
        cv2.imwrite(str(tmp_path / f"{name}{ending}"), values)
        read = read_picture(tmp_path / f"{name}{ending}")
        assert read.dtype == np.uint8 and read.shape == (60, 80, 3)
        np.testing.assert_allclose(read[..., 0], ramp / 4095 * 255, atol=2.5)
        assert abs(int(read[-1, -1, 2]) - (255 if name == "grey" else 64)) <= 1
    frames = list(open_source(str(tmp_path)))
    assert [frame.name for frame in frames] == ["colour", "grey"], "beside others of 16 bits they are no depth maps"


def test_a_depth_map_that_is_named_alone_is_played(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    cv2.imwrite(str(tmp_path / "thermal.png"), np.linspace(29000, 31000, 48).reshape(6, 8).astype(np.uint16))
    assert next(iter(open_source(str(tmp_path / "thermal.png")))).rows.max() == 255


def test_colours_of_floats_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tiff"), np.ones((6, 8, 3), np.float32))
    with pytest.raises(ValueError, match="a.tiff' has values of float32"):
        open_source(str(tmp_path / "a.tiff"))
