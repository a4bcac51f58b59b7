# SPDX-License-Identifier: Apache-2.0
"""Holes of a depth camera filled: drawn surfaces, and holes cut into the sensors' depth of real pictures."""
import cv2
import numpy as np
import pytest

from modot_ros.scene.navigation.depth_fusion import LEAST_PIXELS, depth_of_points, fused_depth, resized_sensor

NAN = np.nan


def scene(height=120, width=160):
    """A box at 1 m before a wall at 3 m whose far side recedes to 4 m; float32."""
    depth = np.repeat(np.linspace(3, 4, width, dtype=np.float32)[None], height, 0)
    depth[30:90, 50:110] = 1
    return depth


def test_predicted_depth_is_scaled_where_it_fills():
    true = scene()
    sensor = true.copy()
    sensor[40:80, 60:100] = NAN                         # a hole in the box
    sensor[10:25, 20:140] = 0                           # and one in the wall
    fused = fused_depth(sensor, true / np.float32(1.3))
    np.testing.assert_allclose(fused, true, rtol=0.01)
    measured = sensor > 0
    np.testing.assert_array_equal(fused[measured], sensor[measured])


def test_each_surface_has_a_factor_of_its_own():
    """The wall is predicted a fifth too far and the box a fifth too near: one factor would leave a seam around every hole."""
    true = scene()
    predicted = np.where(true < 2, true / np.float32(1.2), true * np.float32(1.2))
    sensor = true.copy()
    sensor[50:70, 70:90] = NAN
    sensor[:, 40:50] = NAN                              # the shadow that a stereo camera has beside an object: of the wall
    fused = fused_depth(sensor, predicted)
    np.testing.assert_allclose(fused[50:70, 70:90], 1, rtol=0.02)
    np.testing.assert_allclose(fused[:, 40:50], true[:, 40:50], rtol=0.03)


def test_there_is_no_seam_where_the_factor_drifts():
    true = np.full((120, 160), 3, np.float32)
    drift = np.exp(np.linspace(0, 0.5, 160))[None].astype(np.float32)
    sensor = true.copy()
    sensor[40:80, 60:100] = NAN
    fused = fused_depth(sensor, true / drift)
    inner, outer = fused[40:80, [60, 99]], sensor[40:80, [59, 100]]
    assert np.abs(np.log(inner / outer)).max() < 0.02
    assert np.abs(np.log(fused / true)).max() < 0.05
    one_factor = true / drift * np.median(drift)
    assert np.abs(np.log(one_factor[40:80, [60, 99]] / outer)).max() > 0.04


def test_what_nothing_is_known_of_stays_unknown():
    true = scene()
    predicted, sensor = true.copy(), true.copy()
    predicted[:5], sensor[:5] = NAN, NAN
    predicted[5:10], sensor[5:10] = np.inf, NAN
    fused = fused_depth(sensor, predicted)
    assert np.isnan(fused[:5]).all() and np.isposinf(fused[5:10]).all() and fused.dtype == np.float32


def test_without_depth_in_common_there_is_nothing_to_fuse():
    few = np.full((60, 60), NAN, np.float32)
    few.ravel()[:LEAST_PIXELS - 1] = 1
    assert fused_depth(few, np.ones((60, 60), np.float32)) is None
    with pytest.raises(ValueError, match=r"\(60, 60\)"):
        fused_depth(few, np.ones((30, 30), np.float32))


def test_points_of_another_camera_and_other_sizes():
    points = np.array([[0, 0, 3.0], [0, 0, 2], [0, 0, -1], [9, 9, 1]])
    depth = depth_of_points(points, np.array([[1.0, 1], [1.2, 0.9], [0, 0], [99, 99]]), (3, 4))
    assert depth[1, 1] == 2 and np.isfinite(depth).sum() == 1
    assert resized_sensor(np.array([[1, 3]], np.float32), (2, 4)).tolist() == [[1, 1, 3, 3]] * 2


def test_holes_cut_into_real_depth_are_filled_better_than_by_one_factor(shared_data):
    """Kinect and RealSense; the prediction is blurred and bent truth, so that the test needs no network."""
    better, errors = 0, []
    folder = shared_data / "real"
    names = [*sorted(folder.glob("realsense_*_depth_mm.png")), *sorted(folder.glob("tum_*_depth_mm.png"))]
    if not names:
        pytest.skip("no pictures in ../shared/data/real")
    for path in names:
        sensor = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32) / 1000
        height, width = sensor.shape
        filled = sensor.copy()
        filled[sensor == 0] = NAN
        bend = np.exp(0.1 + 0.15 * np.sin(np.linspace(0, 4, width))[None] * np.cos(np.linspace(0, 3, height))[:, None])
        predicted = np.where(sensor > 0, sensor / bend, NAN).astype(np.float32)
        cut = np.zeros(sensor.shape, bool)
        cut[height // 3:height // 2, width // 4:width // 2] = cut[-height // 4:, -width // 3:] = True
        fused = fused_depth(np.where(cut, NAN, filled).astype(np.float32), predicted)
        asked = cut & (sensor > 0)
        if asked.sum() < 500:
            continue
        local = np.abs(np.log(fused[asked] / sensor[asked])).mean()
        whole = np.abs(np.log(predicted[asked] * np.median(bend) / sensor[asked])).mean()
        errors.append(local)
        better += local < whole
    assert better >= 0.9 * len(errors) >= 5 and np.median(errors) < 0.05
