# SPDX-License-Identifier: Apache-2.0
"""A scale that jumps is held, one that stays is reached, real motion passes at once, and a cut begins anew."""
import math

import cv2
import numpy as np
import pytest

from modot_ros.scene.steady_scale import SETTLING_S, SteadyScale, growth, overlap, weighted_median

STEP_S = 1 / 30


@pytest.fixture
def wall():
    """A textured wall as a large picture; windows of it are what a camera before it sees."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    return cv2.resize(noise, (960, 720), interpolation=cv2.INTER_CUBIC)


def seen(wall, distance_m, shift_px=0):
    """Picture 320x240 of the wall from this distance; at 2 m a window of half its size."""
    width, height = round(240 * distance_m), round(180 * distance_m)
    left, top = (960 - width) // 2 + shift_px, (720 - height) // 2
    return cv2.resize(wall[top:top + height, left:left + width], (320, 240), interpolation=cv2.INTER_AREA)


def flat(distance_m):
    return np.full((240, 320), distance_m, np.float32)


def test_a_scale_that_jumps_to_and_fro_is_held(wall):
    steady, rng = SteadyScale(), np.random.default_rng(1)
    depths = []
    for k in range(60):
        raw = flat(2.0 * math.exp(rng.normal(0, 0.05)))
        depths.append(raw[0, 0] * steady.factor(seen(wall, 2.0, k % 5), raw, k * STEP_S))
    steps = np.abs(np.diff(np.log(depths)))
    assert np.median(steps) < 0.005                     # 0.05 times the square root of 2 before
    assert abs(np.log(np.mean(depths) / 2)) < 0.05      # and no drift


def test_a_scale_that_stays_changed_is_reached(wall):
    steady, factors = SteadyScale(), []
    for k in range(round(3 * SETTLING_S / STEP_S)):
        factors.append(steady.factor(seen(wall, 2.0), flat(2.0 if k < 5 else 3.0), k * STEP_S))
    assert factors[4] == pytest.approx(1, abs=1e-3) and factors[5] == pytest.approx(2 / 3, rel=0.03)
    assert 0.94 < factors[-1] < 1


def test_an_approach_passes_without_delay(wall):
    steady = SteadyScale()
    for k in range(30):
        distance_m = 2.4 - 0.02 * k                     # 0.6 m a second
        factor = steady.factor(seen(wall, distance_m), flat(distance_m), k * STEP_S)
        assert factor == pytest.approx(1, abs=0.03), k


def test_a_camera_that_turns_soon_forgets_the_scale_of_what_it_no_longer_sees(wall):
    """Half of the picture is new within seven frames: a network that is right of the new scene is followed."""
    still, turning = SteadyScale(), SteadyScale()
    for k in range(13):
        depth = flat(2.0 if k < 6 else 2.6)
        kept = still.factor(seen(wall, 2.0), depth, k * STEP_S)
        forgotten = turning.factor(seen(wall, 2.0, 35 * (k - 6)), depth, k * STEP_S)
    assert kept < 0.82 and forgotten > 0.95


@pytest.mark.parametrize("stamp_s", [0.2 + 1.5, -5.0, 0.2])
def test_a_gap_a_step_back_and_a_repeated_stamp_begin_anew(wall, stamp_s):
    steady = SteadyScale()
    for k in range(7):
        steady.factor(seen(wall, 2.0), flat(2.0), k * STEP_S)
    assert steady.factor(seen(wall, 2.0), flat(4.0), stamp_s) == 1.0


def test_a_cut_begins_anew(wall):
    steady = SteadyScale()
    for k in range(5):
        steady.factor(seen(wall, 2.0), flat(2.0), k * STEP_S)
    other = np.random.default_rng(7).integers(0, 255, (240, 320, 3), np.uint8)
    assert steady.factor(other, flat(5.0), 5 * STEP_S) == 1.0


def test_pictures_and_depths_that_show_nothing_are_left_alone():
    steady = SteadyScale()
    black = np.zeros((240, 320, 3), np.uint8)
    assert [steady.factor(black, flat(2.0 + k), k * STEP_S) for k in range(3)] == [1.0] * 3
    assert steady.factor(black, np.full((240, 320), np.nan, np.float32), 1.0) == 1.0


def test_growth_knows_neither_shift_nor_roll():
    first = np.random.default_rng(0).uniform(0, 200, (40, 2))
    turn = np.array([[math.cos(0.1), -math.sin(0.1)], [math.sin(0.1), math.cos(0.1)]])
    assert growth(first, first @ turn.T * 1.2 + [5, -3]) == pytest.approx(1.2)
    assert growth(first, first) == pytest.approx(1.0)


def test_overlap_is_what_a_shift_leaves_in_the_picture():
    first = np.array([[10.0, 10.0], [50.0, 30.0], [90.0, 60.0]])
    assert overlap(first, first + [20, -20], 100, 80) == pytest.approx(0.8 * 0.75)
    assert overlap(first, first + [120, 0], 100, 80) == 0.0


def test_the_weighted_median_by_hand():
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])) == 2.0
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([5.0, 1.0, 1.0])) == 3.0
