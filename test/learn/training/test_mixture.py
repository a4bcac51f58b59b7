# SPDX-License-Identifier: Apache-2.0
"""Which views come, and how often."""
import pytest
import torch

from modot_ros.learn.training.mixture import Deck, Mixture
from modot_ros.learn.training.views import Views


def views(count, size, value):
    return Views(torch.full((count, 3, size, size), value, dtype=torch.uint8), torch.ones(count, 1, size, size).half(),
                 torch.zeros(count, 1, size, size, dtype=torch.uint8), torch.arange(count) + float(value),
                 torch.zeros(count, 1, size, size, dtype=torch.uint8))


def test_numbers_run_through_all_sets():
    mixture = Mixture([views(2, 8, 10), views(3, 16, 20)], [1.0, 2.0])
    assert mixture.counts == (2, 3)
    assert [mixture.view(k)[3] for k in range(5)] == [10, 11, 20, 21, 22]
    assert mixture.view(1)[0].shape == (3, 8, 8) and mixture.view(2)[0].shape == (3, 16, 16)
    with pytest.raises(IndexError):
        mixture.view(5)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, float("nan")]])
def test_weights_that_cannot_work_are_named(weights):
    with pytest.raises(ValueError, match="of 2 sets"):
        Mixture([views(1, 8, 1)] * 2, weights)


def test_every_view_comes_once_per_pass():
    deck, generator = Deck((5,), (1.0,)), torch.Generator().manual_seed(0)
    seen = torch.cat([deck.draw(2, generator) for _ in range(5)]).tolist()
    assert sorted(seen[:5]) == sorted(seen[5:]) == [0, 1, 2, 3, 4] and seen[:5] != seen[5:]
    assert sorted(Deck((3,), (1.0,)).draw(7, generator).tolist())[0::3] == [0, 1, 2]


def test_sets_come_by_weight_and_their_views_once_per_pass():
    deck, generator = Deck((10, 1000), (1.0, 3.0)), torch.Generator().manual_seed(0)
    drawn = torch.cat([deck.draw(16, generator) for _ in range(100)])
    assert 0.2 < float((drawn < 10).double().mean()) < 0.3
    few = drawn[drawn < 10].tolist()
    assert sorted(few[:10]) == sorted(few[10:20]) == list(range(10))
    many = drawn[drawn >= 10].tolist()
    assert len(set(many[:1000])) == 1000 and max(many) == 1009


def test_the_same_generator_draws_the_same():
    one, same = (Deck((3, 4), (1.0, 1.0)).draw(9, torch.Generator().manual_seed(5)).tolist() for _ in range(2))
    assert one == same
