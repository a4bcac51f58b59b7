# SPDX-License-Identifier: Apache-2.0
"""The network on numbers drawn at random, in NumPy and in PyTorch, and what its weights of the package say."""
import numpy as np
import pytest
import torch

from modot_ros.scene.order.nearness import nearness, shipped_weights
from modot_ros.scene.order.pair_features import INSTANCE_FEATURES, PAIR_FEATURES


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    return rng.normal(size=(5, INSTANCE_FEATURES)).astype(np.float32), rng.normal(size=(5, 5, PAIR_FEATURES)).astype(np.float32)


def test_odds_turn_with_the_pair_and_levels_do_not(drawn):
    odds, level, depth = nearness(shipped_weights(), *drawn)
    assert odds.shape == level.shape == (5, 5) and depth.shape == (5,)
    np.testing.assert_allclose(odds, -odds.T, atol=1e-5)
    np.testing.assert_allclose(level, level.T, atol=1e-5)
    assert np.abs(odds).max() > 0.1 and np.ptp(level) > 0.1


def test_the_order_of_instances_does_not_matter(drawn):
    features, pairs = drawn
    turn = np.array([3, 0, 4, 1, 2])
    odds, level, depth = nearness(shipped_weights(), features, pairs)
    turned = nearness(shipped_weights(), features[turn], pairs[np.ix_(turn, turn)])
    for found, expected in zip(turned, (odds[np.ix_(turn, turn)], level[np.ix_(turn, turn)], depth[turn])):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_all_others_count(drawn):
    features, pairs = drawn
    odds, *_ = nearness(shipped_weights(), features, pairs)
    without, *_ = nearness(shipped_weights(), features[:4], pairs[:4, :4])
    assert np.abs(odds[:4, :4] - without).max() > 1e-3


def test_torch_says_the_same_and_hides_what_is_not_there(drawn):
    features, pairs = drawn
    weights = {name: torch.from_numpy(value) for name, value in shipped_weights().items()}
    hide = torch.tensor([0.0, 0.0, 0.0, 0.0, -1e4])[None, None, None]
    batch = torch.from_numpy(features)[None], torch.from_numpy(pairs)[None]
    for n, found in ((5, nearness(weights, *batch, xp=torch)), (4, nearness(weights, *batch, hide, torch))):
        expected = nearness(shipped_weights(), features[:n], pairs[:n, :n])
        for array, value in zip(expected, found):
            value = value[0].numpy()
            np.testing.assert_allclose(value[:n] if value.ndim == 1 else value[:n, :n], array, atol=1e-4)


def test_what_lies_far_off_is_cut(drawn):
    features, pairs = drawn
    for factor in (1e6, np.inf):
        large = np.where(np.arange(INSTANCE_FEATURES) == 5, np.float32(factor), features)
        assert all(np.isfinite(array).all() for array in nearness(shipped_weights(), large, pairs))
