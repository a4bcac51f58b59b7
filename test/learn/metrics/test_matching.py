# SPDX-License-Identifier: Apache-2.0
"""Pairs of pixels, counted by hand and by brute force."""
import numpy as np
import pytest

from modot_ros.learn.metrics.matching import largest_matching, matches_by_rank, tolerance_px


def mask(*rows: str) -> np.ndarray:
    return np.array([[character == "#" for character in row] for row in rows])


def by_rank(pixels, truth, tolerance):
    return int(matches_by_rank(np.flatnonzero(pixels), truth, tolerance).sum())


@pytest.mark.parametrize("count", [largest_matching, by_rank])
def test_pairs_by_hand(count):
    line = mask("..#..", "..#..", "..#..")
    assert count(line, line, 0.0) == 3
    assert count(np.roll(line, 1, 1), line, 0.5) == 0
    assert count(np.roll(line, 1, 1), line, 1.0) == 3
    thick = mask(".###.", ".###.", ".###.")
    assert count(thick, line, 1.0) == 3                     # one each, however many are near
    assert count(line, thick, 1.0) == 3
    assert count(mask("#....", ".....", "#...."), line, 2.0) == 2
    assert count(np.zeros_like(line), line, 2.0) == count(line, np.zeros_like(line), 2.0) == 0


@pytest.mark.parametrize("count", [largest_matching, by_rank])
def test_a_partner_is_given_up_for_a_better_whole(count):
    """The middle one is near both, the left one near one only: taking the nearest first would leave one over."""
    predicted = mask("#.#....")
    truth = mask(".#..#..")
    assert count(predicted, truth, 2.0) == 2
    chain = mask("#.#.#.#"), mask(".#.#.#.")
    assert count(*chain, 1.0) == 3 and count(*chain[::-1], 1.0) == 3


@pytest.mark.parametrize("seed", range(6))
def test_both_ways_agree_at_every_threshold(seed):
    numbers = np.random.default_rng(seed)
    truth = numbers.random((30, 40)) < 0.12
    probability = numbers.random((30, 40)) * (numbers.random((30, 40)) < 0.25)
    pixels = np.flatnonzero(probability)
    pixels = pixels[np.argsort(-probability.ravel()[pixels])]
    pairs = np.concatenate([[0], np.cumsum(matches_by_rank(pixels, truth, 2.5))])
    for threshold in (0.95, 0.7, 0.4, 0.01):
        above = probability >= threshold
        assert pairs[above.sum()] == largest_matching(above, truth, 2.5)


def test_the_tolerance_grows_with_the_diagonal():
    assert tolerance_px((768, 1024)) == pytest.approx(9.6)
