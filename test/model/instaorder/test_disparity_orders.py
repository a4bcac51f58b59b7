# SPDX-License-Identifier: Apache-2.0
"""Depth orders from disparity, worked out by hand, and the official map that they start from."""
import numpy as np
import pytest
import torch

from modot_ros.model.instaorder.disparity_orders import TRIMMED, depth_orders, instance_depths
from modot_ros.model.instaorder.pair_input import whole_input


@pytest.mark.parametrize("statistic, expected", [("median", [2.0, 0.5]), ("mean", [3.0, 0.5])])
def test_an_instances_depth_is_a_statistic_of_its_pixels(statistic, expected):
    disparity = torch.tensor([[1.0, 0.5, 0.5, 1 / 8], [2.0, 2.0, 2.0, 2.0]])
    masks = torch.tensor([[[1, 1, 1, 1], [0, 0, 0, 0]], [[0, 0, 0, 0], [1, 1, 0, 0]]])
    # Depths 1, 2, 2, 8 are moved into [1.15, 7.1], the 5 % and 95 % quantiles: mean 3.0625.
    found = instance_depths(disparity, masks, statistic)
    np.testing.assert_allclose(found, expected, atol=0.07)
    if statistic == "mean":
        assert found[0] == pytest.approx((1.15 + 2 + 2 + 7.1) / 4, abs=1e-4)


def test_of_an_even_number_the_lower_one_is_the_median():
    depth = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert instance_depths(1 / depth, torch.ones(1, 1, 4), "median")[0] == pytest.approx(2.0, abs=1e-4)


def test_the_smaller_depth_is_closer_and_only_the_same_one_equal():
    np.testing.assert_array_equal(depth_orders(np.float32([1, 2, 2, np.nan])),
                                  [[0, 1, 1, 0], [0, 0, 2, 0], [0, 2, 0, 0], [0, 0, 0, 0]])


def test_an_instance_without_a_pixel_has_no_depth():
    found = instance_depths(torch.ones(2, 2), torch.tensor([[[1, 0], [0, 0]], [[0, 0], [0, 0]]]), "median")
    assert np.isfinite(found[0]) and np.isnan(found[1])


@torch.inference_mode()
def test_disparity_is_the_official_one(order_golden, order_network):
    with np.load(order_golden.folder / "pipe_scene.npz") as scene:
        picture, _ = whole_input(scene["image"], scene["masks"], "resize", 192)
    disparity = order_network("instadepthnet_d").disparity(picture)[0]
    with np.load(order_golden.folder / "pipe_disp_select192.npz") as golden:
        expected = torch.from_numpy(golden["disp_clipped"])
    clipped = disparity.clamp(*torch.quantile(disparity, torch.tensor(TRIMMED)))
    torch.testing.assert_close(clipped, expected, rtol=0, atol=1e-3)
