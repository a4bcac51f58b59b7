# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.metrics.steadiness import Switches, found_by, movement


def test_one_factor_moves_the_picture_and_each_pixel_alike():
    flat = np.zeros((4, 6))
    found = movement([flat, flat + 0.02, flat - 0.01])
    assert found.pixel_percent == pytest.approx(2.5) and found.picture_percent == pytest.approx(2.5)     # of 2 and 3 %
    assert found.largest_to_smallest == pytest.approx(np.exp(0.03))


def test_pixels_move_where_the_picture_as_a_whole_does_not():
    chess = np.indices((4, 6)).sum(0) % 2 * 0.1 - 0.05
    found = movement([np.zeros((4, 6)), chess])
    assert found.pixel_percent == pytest.approx(5.0) and found.picture_percent == pytest.approx(0.0, abs=1e-9)


def test_unknown_pixels_do_not_count_and_one_frame_is_no_movement():
    holed = np.zeros((4, 6))
    holed[0] = np.nan
    assert movement([holed, holed + 0.01]).pixel_percent == pytest.approx(1.0)
    assert np.isnan(movement([holed]).pixel_percent)


def block(*blocks):
    labels = np.zeros((20, 40), int)
    for number, left in blocks:
        labels[2:18, left:left + 10] = number
    return labels


def test_an_instance_is_found_by_the_region_over_half_of_both():
    assert found_by(block((1, 0), (2, 20)), block((7, 3), (8, 28))) == {1: 7}


def test_another_id_is_a_switch_also_after_frames_without_one():
    switches = Switches(memory_s=1.0)
    for stamp_s, labels in ((0.0, block((5, 0))), (0.1, block((6, 0))), (0.2, block()), (0.3, block((6, 0))),
                            (2.0, block((9, 0)))):
        switches.add(block((1, 0)), labels, stamp_s)
    assert (switches.switches, switches.forgotten, switches.lost, switches.found, switches.true) == (2, 1, 1, 4, 5)
    assert switches.per_100_frames(switches.switches) == 40.0
