# SPDX-License-Identifier: Apache-2.0
from modot_ros.ros.node.pacing import Pacing


def accepted(times_s, rate_hz):
    pacing = Pacing()
    return [time_s for time_s in times_s if pacing.due(time_s, rate_hz)]


def test_zero_means_no_limit():
    assert accepted([0.0, 0.0, 0.001], 0.0) == [0.0, 0.0, 0.001]


def test_the_mean_rate_is_kept_although_frames_come_in_another_rhythm():
    camera = [frame / 30 for frame in range(3000)]      # 100 s
    for rate_hz in (7.0, 14.9, 15.0, 20.0):
        assert abs(len(accepted(camera, rate_hz)) - 100 * rate_hz) <= 2, rate_hz


def test_a_jitter_of_the_camera_does_not_halve_the_rate():
    camera = [frame / 30 + (0.002 if frame % 2 else -0.002) for frame in range(3000)]
    assert abs(len(accepted(camera, 15.0)) - 1500) <= 2


def test_a_pause_is_not_made_up_for_by_a_burst():
    assert accepted([0.0, 10.0, 10.01, 10.02, 10.03, 11.0], 1.0) == [0.0, 10.0, 11.0]


def test_a_clock_that_jumps_back_does_not_block():
    assert accepted([100.0, 100.5, 3.0, 3.5, 4.0], 1.0) == [100.0, 3.0, 4.0]


def test_a_clock_that_stands_still_allows_one_event():
    assert accepted([8.1, 8.1, 8.1], 30.0) == [8.1]


def test_a_new_rate_holds_at_once():
    pacing = Pacing()
    assert pacing.due(0.0, 0.1)
    assert not pacing.due(1.0, 0.1)
    assert pacing.due(1.0, 100.0)
