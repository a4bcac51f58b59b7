# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.classes import UNKNOWN_CLASS, class_id
from modot_ros.learn.metrics.class_scores import ClassByRow, class_scores, confusion

WALL, FLOOR, RUG, CHAIR, SOFA = map(class_id, ("wall", "floor", "rug", "chair", "sofa"))


def picture(rows):
    return np.array(rows, np.uint8)


def test_scores_by_hand():
    true = picture([[WALL, WALL, WALL, WALL], [FLOOR, FLOOR, CHAIR, UNKNOWN_CLASS]])
    found = picture([[WALL, WALL, WALL, FLOOR], [FLOOR, FLOOR, SOFA, WALL]])
    scores = class_scores(confusion(found, true))
    assert scores.pixel_accuracy == pytest.approx(5 / 7)
    assert scores.mean_accuracy == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert scores.iou == pytest.approx({"wall": 3 / 4, "floor": 2 / 3, "chair": 0.0})     # no sofa in the truth: not asked for
    assert scores.mean_iou == pytest.approx((3 / 4 + 2 / 3) / 3)


def test_coarser_tables_forgive_what_they_merge():
    pixels = confusion(picture([[FLOOR, SOFA, WALL]]), picture([[RUG, CHAIR, WALL]]))
    assert class_scores(pixels).pixel_accuracy == pytest.approx(1 / 3)
    assert class_scores(pixels, 13).pixel_accuracy == pytest.approx(2 / 3)              # a rug is floor there
    assert class_scores(pixels, 6).pixel_accuracy == 1.0
    assert class_scores(pixels, 6).iou == {"structure": 1.0, "floor": 1.0, "furniture": 1.0}


def test_a_predicted_unknown_is_wrong_and_matrices_add_up():
    one = confusion(picture([[UNKNOWN_CLASS, WALL]]), picture([[WALL, WALL]]))
    assert class_scores(one, 6).pixel_accuracy == 0.5
    other = confusion(picture([[WALL, WALL]]), picture([[WALL, WALL]]))
    assert class_scores(one + other).pixel_accuracy == 0.75
    nothing = class_scores(confusion(picture([[WALL]]), picture([[UNKNOWN_CLASS]])))
    assert np.isnan(nothing.pixel_accuracy) and np.isnan(nothing.mean_iou) and nothing.iou == {}


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"classes \[1, 2\] and truth \[2, 1\] must be of one size"):
        confusion(picture([[0, 0]]), picture([[0], [0]]))
    for found, true in ((20, 0), (0, 20)):
        with pytest.raises(ValueError, match="class id 20 is above the table"):
            confusion(picture([[found]]), picture([[true]]))
    with pytest.raises(ValueError, match="count is 7"):
        class_scores(np.zeros((20, 21), np.int64), 7)


def test_class_by_row_learns_that_floors_are_below():
    view = np.full((96, 4), WALL, np.uint8)
    view[60:] = FLOOR
    view[:10] = UNKNOWN_CLASS                            # a band without a known pixel gets the commonest class
    by_row = ClassByRow([view, view])
    assert by_row.commonest == WALL
    predicted = by_row.predict(192, 3)
    assert predicted.shape == (192, 3) and predicted.dtype == np.uint8
    assert (predicted[:120] == WALL).all() and (predicted[120:] == FLOOR).all()
    with pytest.raises(ValueError, match="no pixel of these views"):
        ClassByRow([np.full((2, 2), UNKNOWN_CLASS, np.uint8)])
