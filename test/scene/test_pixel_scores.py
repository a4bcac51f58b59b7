# SPDX-License-Identifier: Apache-2.0
"""Small maps drawn by hand, scores worked out by hand."""
import numpy as np
import pytest

from modot_ros.scene.pixel_scores import boundary_f, depth_scores


def mask(*rows: str) -> np.ndarray:
    return np.array([[character == "#" for character in row] for row in rows])


LINE = mask("..#....", "..#....", "..#....")


def test_equal_masks_agree():
    scores = boundary_f(LINE, LINE)
    assert (scores.precision, scores.recall, scores.f) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("shift_px, tolerance_px, f", [(1, 1, 1.0), (1, 0, 0.0), (2, 1, 0.0), (2, 2, 1.0)])
def test_shift_is_forgiven_up_to_the_tolerance(shift_px, tolerance_px, f):
    assert boundary_f(np.roll(LINE, shift_px, axis=1), LINE, tolerance_px).f == f


def test_precision_and_recall_by_hand():
    predicted = mask("..#...#", "..#....", ".......")   # 2 of 3 right; all 3 true pixels have one within 1 px
    scores = boundary_f(predicted, LINE)
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == 1.0
    assert scores.f == pytest.approx(0.8)
    scores = boundary_f(predicted, LINE, tolerance_px=0)
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx(2 / 3)


def test_empty_masks():
    empty = np.zeros_like(LINE)
    assert boundary_f(empty, empty).f == 1.0
    assert boundary_f(empty, LINE).f == 0.0
    assert boundary_f(LINE, empty).f == 0.0


def test_mono8_masks_do_as_well():
    assert boundary_f(LINE.astype(np.uint8) * 255, LINE).f == 1.0


def test_unequal_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(3, 7\) and \(2, 7\)"):
        boundary_f(LINE, LINE[:2])
    with pytest.raises(ValueError, match="-1"):
        boundary_f(LINE, LINE, tolerance_px=-1)
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(3, 2\)"):
        depth_scores(np.ones((2, 2)), np.ones((3, 2)))


def test_depth_scores_by_hand():
    true_m = np.array([[1.0, 2.0], [4.0, 0.0]], np.float32)          # the last pixel has no truth
    depth_m = np.array([[1.1, 3.0], [np.nan, 5.0]], np.float32)      # and the third no estimate
    scores = depth_scores(depth_m, true_m)
    assert scores.abs_rel == pytest.approx((0.1 + 0.5) / 2, rel=1e-5)
    assert scores.delta1 == 0.5
    assert scores.coverage == pytest.approx(2 / 3)


def test_depth_of_exactly_a_quarter_more_is_outside_delta():
    assert depth_scores(np.array([[1.25]]), np.array([[1.0]])).delta1 == 0.0
    assert depth_scores(np.array([[1.0]]), np.array([[1.25]])).delta1 == 0.0


def test_infinity_and_zero_are_no_estimates():
    scores = depth_scores(np.array([[np.inf, 0.0, -1.0]]), np.ones((1, 3)))
    assert np.isnan(scores.abs_rel) and np.isnan(scores.delta1) and scores.coverage == 0.0
    assert np.isnan(depth_scores(np.ones((1, 1)), np.zeros((1, 1))).coverage)
