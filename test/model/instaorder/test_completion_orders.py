# SPDX-License-Identifier: Apache-2.0
"""Orders from completed masks: a stand-in network completes every mask by what is in front of it, or a part of that."""
import numpy as np
import pytest
import torch
from torch import nn

from modot_ros.model import build_network, order_pairs
from modot_ros.model.instaorder.completion_orders import hidden_areas, occlusion_orders


class Completion(nn.Module):
    """Says that a mask goes on in the left columns of the patch; keeps its inputs."""

    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.columns, self.seen = columns, []

    def forward(self, x):
        self.seen.append(x)
        there = torch.zeros_like(x[:, 0])
        there[:, :, :self.columns] = 10.0
        return torch.stack([-there, there - 5.0], dim=1)


@pytest.fixture
def masks():
    found = np.zeros((2, 40, 40), np.uint8)
    found[0, 10:30, 4:20] = found[1, 10:30, 20:36] = 1
    return found


PAIRS = np.array([[0, 1]])
BOXES = np.array([[4.0, 10.0, 16.0, 20.0], [20.0, 10.0, 16.0, 20.0]])


def test_what_is_counted_is_completed_and_behind_the_other_in_pixels_of_the_picture(masks):
    # Squares: side sqrt(16 * 20 * 3) = 30.98, so 30, at (-3, 4) and (12, 4); at 60 px everything is twice as large.
    found = hidden_areas(Completion(60), masks, BOXES, PAIRS, 60, 10 ** 6)
    assert found[0, 1] == pytest.approx((27 - 20) * 20) and found[1, 0] == pytest.approx((20 - 12) * 20)
    half = hidden_areas(Completion(8), masks, BOXES, PAIRS, 60, 10 ** 6)      # four columns of the picture, from 12 on
    assert half[0, 1] == 0 and half[1, 0] == pytest.approx(4 * 20)
    np.testing.assert_array_equal(occlusion_orders(half), [[0, 1], [0, 0]])   # 1 goes on behind 0


def test_the_network_sees_the_mask_without_what_hides_it_and_then_that(masks):
    masks[0, 10:30, 18:24] = 1                                                # masks may overlap
    network = Completion(0)
    hidden_areas(network, masks, BOXES, PAIRS, 32, 1, categories=np.array([7, 9]))
    (first, second) = network.seen                                            # one at a time
    assert first.shape == (1, 2, 32, 32) and set(first[0, 0].unique().tolist()) == {0.0, 7.0}
    assert set(second[0, 0].unique().tolist()) == {0.0, 9.0} and first[0, 1].max() == 1
    assert not (first[:, 0] * first[:, 1]).any()


def test_categories_reach_the_network_only_when_they_are_given(lively, masks):
    network, seen = lively(build_network("pcnet_m", planes=4)), []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0][:, 0].amax(dim=(1, 2)).tolist()))
    for categories in (None, [7, 9]):
        order_pairs(network, np.zeros((40, 40, 3), np.uint8), masks, BOXES, size=32, categories=categories)
    assert seen == [[1, 1], [7, 9]]


def test_equal_areas_are_no_occlusion():
    np.testing.assert_array_equal(occlusion_orders(np.float32([[0, 3, 5], [3, 0, 1], [4, 2, 0]])),
                                  [[0, 0, 0], [0, 0, 1], [1, 0, 0]])


def test_a_network_by_its_name_gives_orders_without_probabilities(lively, masks):
    rgb = np.zeros((40, 40, 3), np.uint8)
    found = order_pairs(lively(build_network("pcnet_m", planes=4)), rgb, masks, BOXES, size=32)
    assert found.occlusion.shape == (2, 2) and not (found.occlusion & found.occlusion.T).any()
    assert found.depth is found.occlusion_probability is found.depth_probability is None
