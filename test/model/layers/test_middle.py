# SPDX-License-Identifier: Apache-2.0
"""Middles of maps, drawn by hand."""
import numpy as np
import pytest
import torch

from modot_ros.model.layers.middle import centre_crop, fit


def test_the_odd_pixel_is_lost_at_the_bottom_and_right():
    x = torch.arange(20.0).view(1, 1, 4, 5)
    assert centre_crop(x, 3, 2).tolist() == [[[[1.0, 2.0], [6.0, 7.0], [11.0, 12.0]]]]


def test_a_map_that_lacks_a_row_moves_down():
    x = torch.arange(1.0, 7.0).view(1, 1, 2, 3)
    assert torch.equal(fit(x, 2, 3), x)
    assert fit(x, 3, 3).tolist() == [[[[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]
    assert fit(x, 1, 2).tolist() == [[[[1.0, 2.0]]]]


def test_sizes_are_fitted_as_the_official_code_does(shared_golden):
    path = shared_golden / "dnmmsi" / "small.npz"
    if not path.is_file():
        pytest.skip("no folder ../shared/golden/dnmmsi beside the checkout")
    stored = np.load(path)
    names = [name for name in stored.files if name.startswith("crop/")]
    for name in names:
        (height, width), target = (map(int, size.split("x")) for size in name.removeprefix("crop/").split("_to_"))
        x = torch.arange(1, height * width + 1).view(1, 1, height, width)
        np.testing.assert_array_equal(fit(x, *target)[0, 0], stored[name], err_msg=name)
    assert names
