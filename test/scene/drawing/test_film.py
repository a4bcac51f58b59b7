# SPDX-License-Identifier: Apache-2.0
"""A video of predictions, whole or not there."""
import json
import subprocess
from dataclasses import replace

import cv2
import numpy as np
import pytest

from modot_ros.prediction import Instance, OrderGraph, Prediction
from modot_ros.scene.drawing.film import Film
from modot_ros.scene.drawing.panel import panel

SHAPE = (49, 65)                                        # odd: the codec takes even ones
RGB = np.full((*SHAPE, 3), 90, np.uint8)
GRAPH = OrderGraph("geometric", (Instance(3, 4, (0, 1, 2, 2), 1.0, 0.9, float("inf")),))
SEEN = Prediction("metric", 50.0, np.full(SHAPE, 2.0, np.float32), np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool),
                  np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.int32), GRAPH)


def test_a_video_and_a_line_per_frame(tmp_path):
    with Film(tmp_path, "v", 10.0) as film:
        for number in range(5):
            film.add(RGB, SEEN, number / 10)
        assert not any(path.exists() for path in film.paths), "until they are whole"
    assert sorted(tmp_path.iterdir()) == sorted(film.paths)
    capture = cv2.VideoCapture(str(film.paths[0]))
    assert (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)) == (5, 10)
    assert capture.read()[1].shape == (48, 64, 3)
    lines = [json.loads(line) for line in film.paths[1].read_text().splitlines()]
    assert [(line["frame"], line["time_s"]) for line in lines] == [(n, n / 10) for n in range(5)]
    assert lines[0]["instances"][0]["id"] == 3 and lines[0]["instances"][0]["depth_far_m"] is None


def test_the_colour_scale_is_steady(tmp_path):
    with Film(tmp_path, "v", 10.0) as film:
        film.add(RGB, SEEN, 0.0)
        before = film._limits.copy()
        film.add(RGB, replace(SEEN, depth=4 * SEEN.depth), 0.1)
        np.testing.assert_allclose(film._limits, before * 1.3)


def test_the_video_of_a_slow_camera_runs_as_time_does(tmp_path):
    with Film(tmp_path, "v", 10.0) as film:
        for time_s in (0.0, 0.3, 0.31, 0.7):            # one stands for three, the third lasts no frame
            film.add(RGB, SEEN, time_s)
    assert cv2.VideoCapture(str(film.paths[0])).get(cv2.CAP_PROP_FRAME_COUNT) == 8
    assert len(film.paths[1].read_text().splitlines()) == 4


@pytest.mark.parametrize("error, left", [(ValueError, 0), (KeyboardInterrupt, 2)])
def test_an_error_leaves_nothing_and_an_interrupt_what_is_there(tmp_path, error, left):
    with pytest.raises(error), Film(tmp_path, "v", 10.0) as film:
        film.add(RGB, SEEN, 0.0)
        raise error
    assert len(list(tmp_path.iterdir())) == left


def test_without_a_frame_there_is_no_file(tmp_path):
    with Film(tmp_path, "v", 10.0):
        pass
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OSError, match="nowhere/v_graph.jsonl can't be written: No such file"):
        Film(tmp_path / "nowhere", "v", 10.0)


@pytest.fixture
def small_disk(tmp_path):
    """A folder with 200 kB of space."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", folder], capture_output=True)
    if made.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("noise", (False, True))
def test_a_full_disk_is_named_and_left_clean(small_disk, noise):
    random = np.random.default_rng(0)
    with pytest.raises(OSError, match="v_(overlay.mp4|graph.jsonl) can't be written: .*MB are free"), \
            Film(small_disk, "v", 10.0) as film:
        for number in range(2000):
            film.add(random.integers(0, 255, RGB.shape, np.uint8) if noise else RGB, SEEN, number / 10)
    assert 0 < film.frames < 2000 and not list(small_disk.iterdir())


def test_a_video_of_slides(tmp_path):
    with Film(tmp_path, "v", 10.0, "panel") as film:
        film.add(RGB, SEEN, 0.0)
    assert film.paths[0] == tmp_path / "v_panel.mp4"
    height, width = panel(RGB, SEEN).shape[:2]
    assert cv2.VideoCapture(str(film.paths[0])).read()[1].shape == (height & ~1, width & ~1, 3)
