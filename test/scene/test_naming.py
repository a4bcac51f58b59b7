# SPDX-License-Identifier: Apache-2.0
"""Names by majority, on arrays drawn by hand."""
import numpy as np
import pytest

from modot_ros.classes import UNKNOWN_CLASS, class_id
from modot_ros.scene.naming import completed, names_of

CHAIR, WALL, PERSON, UNKNOWN = class_id("chair"), class_id("wall"), class_id("person"), UNKNOWN_CLASS


def test_the_commonest_class_names_an_instance_and_its_share_is_the_score():
    labels = np.array([[0, 7, 7, 7], [0, 7, 3, 3]])
    classes = np.array([[WALL, CHAIR, CHAIR, WALL], [WALL, UNKNOWN, PERSON, PERSON]], np.uint8)
    probability = np.array([[1.0, 0.5, 0.9, 1.0], [1.0, 1.0, 0.6, 0.8]], np.float32)
    names, scores = names_of(labels, classes, probability)
    assert names == {7: "chair", 3: "person"}
    assert scores == {7: pytest.approx((0.5 + 0.9) / 4), 3: pytest.approx(0.7)}


def test_what_nothing_is_known_of_has_no_name():
    labels = np.array([[0, 1], [2, 2]])
    classes = np.array([[WALL, UNKNOWN], [CHAIR, UNKNOWN]], np.uint8)
    assert names_of(labels, classes, np.ones((2, 2), np.float32)) == ({2: "chair"}, {2: 0.5})
    assert names_of(np.zeros((2, 2), int), classes, np.ones((2, 2), np.float32)) == ({}, {})


@pytest.mark.parametrize("classes, match", [(np.zeros((2, 3), np.uint8), "must be .* of one size"),
                                            (np.full((2, 2), 20, np.uint8), "class id 20 is above the table")])
def test_classes_that_cannot_be_are_refused(classes, match):
    with pytest.raises(ValueError, match=match):
        names_of(np.ones((2, 2), int), classes, np.ones((2, 2), np.float32))


def test_a_given_name_wins_and_an_empty_one_does_not():
    labels, classes = np.array([[1, 2, 3]]), np.array([[CHAIR, CHAIR, CHAIR]], np.uint8)
    names, scores = completed(labels, classes, np.full((1, 3), 0.5, np.float32), {1: "stool", 2: ""}, {1: 0.9, 2: 0.8})
    assert names == {1: "stool", 2: "chair", 3: "chair"} and scores == {1: 0.9, 2: 0.5, 3: 0.5}
    assert completed(labels, None, None, {1: "stool"}, {1: 0.9}) == ({1: "stool"}, {1: 0.9})
