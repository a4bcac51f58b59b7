# SPDX-License-Identifier: Apache-2.0
"""Steps and ridges drawn by hand; sides by the definition."""
import cv2
import numpy as np
import pytest

from modot_ros.prediction import SIDE_STEPS
from modot_ros.scene.boundaries import from_pairs, thin

NAN, INF = np.nan, np.inf


def step_at(column: int, left: float, right: float, shape=(24, 32)) -> np.ndarray:
    """Depth `left` in the columns below `column`, `right` from there on."""
    depth = np.full(shape, left, np.float32)
    depth[:, column:] = right
    return depth


def ridge_at(column: float, shape=(24, 32), width: float = 2.0) -> np.ndarray:
    """Probability 1 at `column`, falling to 0.5 at `width` pixels from it."""
    across = np.exp2(-((np.arange(shape[1]) - column) / width) ** 2)
    return np.tile(across, (shape[0], 1)).astype(np.float32)


@pytest.mark.parametrize("ridge", [14, 15, 15.5, 16, 17])
@pytest.mark.parametrize("left, right, column, code",
                         [(1.0, 2.0, 15, 1), (2.0, 1.0, 16, 5), (1.0, INF, 15, 1)])
def test_line_moves_to_the_nearer_side_of_the_step(ridge, left, right, column, code):
    mask, side = thin(ridge_at(ridge), step_at(16, left, right))
    expected = np.zeros((24, 32), bool)
    expected[:, column] = True
    np.testing.assert_array_equal(mask, expected)
    assert set(side[mask]) == {code}
    assert not side[~mask].any()


@pytest.mark.parametrize("quarter_turns, code", [(0, 1), (1, 7), (2, 5), (3, 3)])
def test_side_turns_with_the_picture(quarter_turns, code):
    mask, side = thin(np.rot90(ridge_at(15), quarter_turns), np.rot90(step_at(16, 1.0, 2.0), quarter_turns))
    assert mask.sum() == 24
    assert set(side[mask]) == {code}


def test_without_a_step_the_ridge_stays_and_the_side_is_the_best_guess():
    mask, side = thin(ridge_at(15), step_at(16, 1.0, 1.0))
    assert set(np.nonzero(mask)[1]) == {15}
    ramp = np.tile(np.linspace(2.0, 1.99, 32, dtype=np.float32), (24, 1))
    assert set(thin(ridge_at(15), ramp)[1][:, 15]) == {5}          # the left is farther, if only by a little
    assert set(thin(ridge_at(15), step_at(16, 1.0, NAN))[1][:, 15]) == {1}     # nothing is known on the right
    _, side = thin(ridge_at(15).T.copy(), np.full((32, 24), NAN, np.float32))
    assert set(side[15]) == {7}                                     # things stand before what is above them


@pytest.mark.parametrize("ridge", [14, 15, 17, 18])
def test_on_a_ramp_of_depth_the_ridge_stays(ridge):
    ramp = np.tile(np.interp(np.arange(32), [14, 18], [1.0, 2.0]).astype(np.float32), (24, 1))
    mask, side = thin(ridge_at(ridge), ramp)
    assert set(np.nonzero(mask)[1]) == {ridge} and set(side[mask]) == {1}
    for near_far in ((1.0, 1.04), (1.0, 1.18)):                     # sharp, but such as a network makes beside the edge
        mask, side = thin(ridge_at(ridge), step_at(16, *near_far))
        assert set(np.nonzero(mask)[1]) == {ridge} and set(side[mask]) == {1}
    assert set(np.nonzero(thin(ridge_at(ridge), step_at(16, 1.0, 1.3))[0])[1]) == {15}


def test_pixels_without_depth_make_no_step_less_sharp():
    depth = step_at(16, 1.0, 2.0)
    depth[:, 18:] = NAN
    assert set(np.nonzero(thin(ridge_at(17), depth)[0])[1]) == {15}


def test_saturated_disc_gives_one_closed_line_on_the_disc():
    v, u = np.mgrid[:100, :100]
    radius = np.hypot(u - 50, v - 50)
    depth = np.where(radius < 30, 1.0, 3.0).astype(np.float32)
    probability = (np.abs(radius - 30) < 3).astype(np.float32)
    mask, side = thin(probability, depth)
    assert (radius[mask] < 30).all() and (radius[mask] > 28.5).all()
    count, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    assert count == 2
    outside, _ = cv2.connectedComponents((~mask).astype(np.uint8), connectivity=4)
    assert outside == 3  # background, the disc's inside, and what is around
    block = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:]
    assert not block.any()
    v, u = np.nonzero(mask)
    step = np.array(SIDE_STEPS)[side[v, u] - 1]
    outward = np.stack([u - 50, v - 50], 1) / radius[v, u][:, None]
    cosine = (step * outward).sum(1) / np.linalg.norm(step, axis=1)
    assert cosine.min() > np.cos(np.deg2rad(45))


@pytest.mark.parametrize("turns, code", [(0, 2), (1, 8), (2, 6), (3, 4)])
def test_diagonal_step_gives_one_straight_line_on_the_nearer_side(turns, code):
    v, u = np.mgrid[:40, :40]
    depth = np.where(u + v < 40, 1.0, 2.0).astype(np.float32)
    probability = np.exp2(-((u + v - 39.5) / 3) ** 2).astype(np.float32)
    mask, side = thin(np.rot90(probability, turns), np.rot90(depth, turns))
    mask, side = np.rot90(mask, -turns), np.rot90(side, -turns)
    middle = np.s_[6:34, 6:34]                          # the ends feel the picture's border
    # All on one diagonal: the last of the nearer surface, or the one behind it.
    diagonal = np.unique((u + v)[middle][mask[middle]])
    assert len(diagonal) == 1 and diagonal[0] in (38, 39)
    np.testing.assert_array_equal(mask[middle], (u + v == diagonal[0])[middle])
    assert set(side[middle][mask[middle]]) == {code}


def test_threshold_decides_and_nan_is_no_boundary():
    probability = ridge_at(15) * 0.6
    assert thin(probability, step_at(16, 1.0, 2.0), threshold=0.7)[0].sum() == 0
    probability[5] = NAN
    mask, _ = thin(probability, step_at(16, 1.0, 2.0), threshold=0.5)
    assert not mask[5].any() and mask[10].sum() == 1


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"\(4, 5\).*\(5, 4\)"):
        thin(np.zeros((4, 5), np.float32), np.zeros((5, 4), np.float32))
    with pytest.raises(ValueError, match="threshold is 0"):
        thin(np.zeros((4, 5), np.float32), np.zeros((4, 5), np.float32), threshold=0)


def test_pairs_mark_the_occluder_and_its_mean_direction():
    right = np.array([[0, 0], [-1, 1], [0, 0]], np.int8)            # the middle pixel hides left and right
    down = np.array([[0, 0, 0], [0, 1, 0]], np.int8)                # and what is below
    mask, side = from_pairs(right, down)
    np.testing.assert_array_equal(mask, [[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert side[1, 1] == 3                                          # left and right cancel, down is left
    right, down = np.array([[1], [0]], np.int8), np.array([[1, 0]], np.int8)
    assert from_pairs(right, down)[1][0, 0] == 2                    # right and down: the diagonal
    right, down = np.array([[-1, 1]], np.int8), np.zeros((0, 3), np.int8)
    assert from_pairs(right, down)[1].tolist() == [[0, 1, 0]]       # hides both sides: right comes first


def test_pairs_of_different_pictures_are_refused():
    with pytest.raises(ValueError, match=r"down \(2, 4\)"):
        from_pairs(np.zeros((3, 3), np.int8), np.zeros((3, 4), np.int8))
