# SPDX-License-Identifier: Apache-2.0
"""Sizes of drawings."""
from pathlib import Path

import numpy as np
import pytest

from modot_ros.learn.datasets.boundary_sets.drawing import of_size


def test_a_drawing_of_another_size_is_named_with_both():
    rgb, drawn = np.zeros((6, 8, 3), np.uint8), np.zeros((2, 6, 8), bool)
    assert of_size(Path("a.png"), drawn, rgb) is drawn
    with pytest.raises(ValueError, match="a.png is 7x6, expected 8x6 as the picture is"):
        of_size(Path("a.png"), drawn[..., 1:], rgb)
