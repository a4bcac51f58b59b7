# SPDX-License-Identifier: Apache-2.0
"""Scribbles: as the official code draws them, and where it errs."""
import random

import cv2
import numpy as np
import pytest

from modot_ros.learn.interaction.scribbles import axes_of, brushed, scribble


class Replay:
    """Hands out recorded draws, and refuses one that is asked for with another range."""

    def __init__(self, draws, reach=None):
        self.left, self.reach = [int(draw) for draw in draws], reach

    def randint(self, low, high):
        assert self.reach is None or [low, high] == self.reach
        return self.left.pop(0)


def line(dr, dc, points=40):
    return np.array([[50, 60]]) + np.arange(points)[:, None] * np.array([dr, dc])


def test_scribbles_are_those_of_the_official_code(interaction_golden):
    stored, facts = interaction_golden.arrays("scribbles"), interaction_golden.facts("scribbles")
    names = [name for name in facts if not name.startswith("scene_")]
    for name in names:
        radius = int(name.rpartition("_r")[2])
        draws = Replay(stored[f"{name}/draws"], facts[name]["range"])
        points = scribble(stored[f"{name}/segment"], draws, radius, as_published=True)
        np.testing.assert_array_equal(points, stored[f"{name}/points"], err_msg=name)
        assert not draws.left
        shape = facts[name]["mask_shape"]
        np.testing.assert_array_equal(brushed([points], *shape, radius), interaction_golden.mask(stored[f"{name}/mask"], shape))
    assert len(names) == 18


@pytest.mark.parametrize("radius", [1, 3, 12, 20])
def test_a_disk_is_that_of_opencv(radius):
    expected = cv2.circle(np.zeros((50, 50), np.uint8), (25, 24), radius, 1, -1)
    np.testing.assert_array_equal(brushed([np.array([[24, 25]])], 50, 50, radius), expected)


def test_a_middle_outside_leaves_what_reaches_in():
    drawn = brushed([np.array([[-3, 5], [30, 5], [-13, 5]])], 10, 12, 4)
    assert drawn.sum() == cv2.circle(np.zeros((30, 30), np.uint8), (10, 10), 4, 1, -1)[13:].sum()
    assert not brushed([], 4, 5).any()


def test_level_lines_move_in_columns_upright_ones_in_rows_and_steep_ones_in_both():
    assert axes_of(line(0, 1)) == (False, True) and axes_of(line(1, 0)) == (True, False)
    assert axes_of(line(1, 1)) == axes_of(line(1, -1)) == (True, True)


def test_a_line_to_the_left_goes_on_to_the_left_but_not_in_the_official_code():
    segment = line(0, -1, 30)                               # from column 60 to 31
    still = [-2, -3] + [0] * 30
    assert scribble(segment, Replay(still))[:, 1].tolist() == [61, 62, *range(60, 30, -1), 30, 29, 28]
    published = scribble(segment, Replay(still), as_published=True)[:, 1].tolist()
    assert published == [59, 58, *range(60, 30, -1), 32, 33, 34]


def test_a_seed_repeats_and_points_stay_within_reach():
    segment = line(1, 1)
    first, second = (scribble(segment, random.Random(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    distance = np.abs(first[:, None] - segment[None]).max(-1).min(1)
    assert 0 < distance.max() <= 10
