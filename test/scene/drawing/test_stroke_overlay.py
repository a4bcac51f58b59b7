# SPDX-License-Identifier: Apache-2.0
"""Colours of strokes and boundaries."""
import numpy as np
import pytest

from modot_ros.scene.drawing.stroke_overlay import stroke_overlay
from modot_ros.scene.strokes import Stroke


def test_missing_is_green_false_red_and_boundaries_lie_above():
    rgb = np.full((40, 60, 3), 100, np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[10] = True
    picture = stroke_overlay(rgb, mask, [Stroke("missing", [[10, 10], [12, 10]], 2), Stroke("false", [[40, 30], [45, 30]], 2)])
    red, green, blue = picture[9, 11].astype(int)
    assert green > red == blue
    red, green, blue = picture[30, 42].astype(int)
    assert red > green == blue
    assert (picture[10] == 255).all() and (picture[20] == 100).all() and (rgb == 100).all()


def test_boundaries_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 6\).*\(40, 60\)"):
        stroke_overlay(np.zeros((40, 60, 3), np.uint8), np.zeros((4, 6), bool))
