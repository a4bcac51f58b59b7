# SPDX-License-Identifier: Apache-2.0
"""Faults of pictures drawn by hand, and of real pictures distorted on purpose; none in the real pictures as they are."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from modot_ros.scene.picture_faults import FROZEN_S, LIVE_FRAMES, TEXTS, PictureWatch, blur_effect, fault_of

SHAPE = (120, 160)


def boards(square=10):
    """A chequered picture, sharp."""
    v, u = np.mgrid[:SHAPE[0], :SHAPE[1]] // square
    return np.repeat(np.where((u + v) % 2, 200, 60).astype(np.uint8)[..., None], 3, 2)


def noisy(level, seed=0):
    return np.clip(np.random.default_rng(seed).normal(level, 2, (*SHAPE, 3)), 0, 255).astype(np.uint8)


def motion(rgb, share, angle_deg=0.0):
    """Blurred along a line of this share of the width."""
    length = round(share * rgb.shape[1]) | 1
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), angle_deg, 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return cv2.filter2D(rgb, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


@pytest.mark.parametrize("picture, expected", [
    (boards(), ""), (noisy(3), "black"), (np.zeros((*SHAPE, 3), np.uint8), "black"), (noisy(90), "covered"),
    (np.full((*SHAPE, 3), 255, np.uint8), "overexposed"), (motion(boards(), 0.08), "blurred"),
    (np.full((*SHAPE, 3), 128, np.uint8), "")])         # drawn, without even noise
def test_faults_by_hand(picture, expected):
    assert fault_of(picture) == expected


def test_what_is_lit_in_the_night_is_not_black_and_a_window_not_overexposed():
    night = noisy(3)
    night[40:80, 50:100] = boards()[40:80, 50:100] // 2
    window = boards()
    window[20:80, 30:130] = 255
    assert fault_of(night) == fault_of(window) == ""


def test_the_effect_of_blur_is_that_of_the_blurred_direction():
    grey = boards(20)[..., 0].astype(np.float32)
    blurred = cv2.blur(grey, (13, 1))
    assert blur_effect(blurred, 1) > blur_effect(grey, 1) + 0.3
    assert blur_effect(blurred, 0) == pytest.approx(blur_effect(grey, 0), abs=0.05)
    assert blur_effect(np.zeros((4, 4), np.float32), 0) == 0


def test_a_fault_counts_when_it_lasts_and_goes_at_once():
    watch = PictureWatch()
    found = [watch.fault(noisy(3, i), 0.1 * i) for i in range(7)]
    assert found == [""] * 5 + ["black"] * 2
    assert watch.fault(boards(), 0.7) == "" and watch.fault(noisy(3), 0.8) == ""
    slow = PictureWatch()                               # one picture in two seconds: five of them all the same
    assert [slow.fault(noisy(3, i), 2.0 * i) for i in range(5)] == [""] * 4 + ["black"]


def test_not_every_picture_of_a_fast_camera_is_judged(monkeypatch):
    judged = []
    monkeypatch.setattr("modot_ros.scene.picture_faults.fault_of", lambda rgb: judged.append(rgb) or "black")
    watch = PictureWatch()
    found = [watch.fault(noisy(3, i), i / 30) for i in range(30)]
    assert len(judged) == 10 and found[0] == "" and found[-1] == "black"


def live(watch, count=LIVE_FRAMES + 2):
    for i in range(count):
        picture = boards()
        picture[0, 0] = i
        assert watch.fault(picture, 0.1 * i) == ""
    return picture, 0.1 * (count - 1)


def test_a_live_camera_that_stops_changing_is_frozen():
    watch = PictureWatch()
    picture, start_s = live(watch)
    found = [watch.fault(picture, start_s + 0.1 * i) for i in range(1, 12)]
    assert found[:9] == [""] * 9 and found[-1] == "frozen" and start_s + 1.1 >= start_s + FROZEN_S
    assert watch.fault(boards(), start_s + 1.2) == ""


def test_a_picture_from_a_file_is_not_frozen_and_doubled_frames_neither():
    watch = PictureWatch()
    assert not any(watch.fault(boards(), 0.1 * i) for i in range(100))
    watch = PictureWatch()
    for i in range(120):                                # every picture twice
        picture = boards()
        picture[0, 0] = i // 2
        assert watch.fault(picture, 0.05 * i) == ""


def test_time_that_runs_backwards_begins_anew():
    watch = PictureWatch()
    picture, start_s = live(watch)
    watch.fault(picture, start_s + 0.1)
    assert [watch.fault(picture, 0.1 * i) for i in range(20)] == [""] * 20


@pytest.fixture(scope="module")
def real_pictures(request):
    shared = request.getfixturevalue("shared_data")
    paths = [*sorted((shared / "real").glob("*.jpg")), *sorted((shared / "rgbd_mixed").glob("*.jpg"))]
    if not paths:
        pytest.skip("no pictures in ../shared/data")
    return {path.stem: cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2 if path.parent.name == "real" else cv2.IMREAD_COLOR)
            for path in paths}


def test_no_real_picture_is_called_faulty(real_pictures):
    alarms = {name: fault for name, picture in real_pictures.items() if (fault := fault_of(picture))}
    assert len(real_pictures) >= 100 and not alarms


def covered(rgb):
    """A finger on the lens: what shines through, without detail, and the sensor's noise."""
    light = cv2.resize(cv2.resize(rgb, (4, 3), interpolation=cv2.INTER_AREA), rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 2, rgb.shape)
    return np.clip(0.3 * light.astype(np.float32) + (15, 20, 40) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("expected, distorted, share", [
    ("black", lambda rgb: (rgb * 0.02).astype(np.uint8), 1.0), ("covered", covered, 1.0),
    ("overexposed", lambda rgb: np.clip(rgb * 4.0 + 120, 0, 255).astype(np.uint8), 0.85),
    ("blurred", lambda rgb: motion(rgb, 0.08, 0), 0.95), ("blurred", lambda rgb: motion(rgb, 0.08, 90), 0.95),
    ("blurred", lambda rgb: motion(rgb, 0.08, -35), 0.7)])
def test_real_pictures_distorted_on_purpose_are_found(expected, distorted, share, real_pictures):
    some = list(real_pictures.values())[::5]
    found = [fault_of(distorted(picture)) for picture in some]
    assert np.mean([fault == expected for fault in found]) >= share and expected in TEXTS
