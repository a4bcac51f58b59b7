# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.classes import CLASS_NAMES, NYU13_NAMES, ROBOT_NAMES, UNKNOWN_CLASS, class_id, is_room, merged


def test_tables_have_no_doubles_and_every_class_has_a_place_in_the_coarser_ones():
    every = np.arange(len(CLASS_NAMES), dtype=np.uint8)
    for count, names in ((20, CLASS_NAMES), (13, NYU13_NAMES), (6, ROBOT_NAMES)):
        assert len(set(names)) == len(names) == count
        assert merged(every, count).max() < count
    assert set(merged(every, 6)) == set(range(6))
    assert {NYU13_NAMES[k] for k in merged(every, 13)} == set(NYU13_NAMES) - {"books"}     # rooms have books as storage, object


def test_merges_by_hand():
    picture = np.array([[class_id("rug"), class_id("person")], [class_id("chair"), UNKNOWN_CLASS]], np.uint8)
    assert [[ROBOT_NAMES[k] for k in row if k != UNKNOWN_CLASS] for row in merged(picture, 6)] == [["floor", "person"],
                                                                                                ["furniture"]]
    assert [NYU13_NAMES[k] for k in merged(picture, 13)[0]] == ["floor", "objects"]
    assert merged(picture, 13)[1, 1] == merged(picture, 20)[1, 1] == UNKNOWN_CLASS
    np.testing.assert_array_equal(merged(picture, 20), picture)


def test_what_is_in_no_table_is_refused():
    with pytest.raises(ValueError, match="class id 20 is above the table: ids are 0..19"):
        merged(np.array([0, 20, 255], np.uint8), 6)
    with pytest.raises(ValueError, match="count is 40: choose one of 20, 13, 6"):
        merged(np.zeros(1, np.uint8), 40)
    with pytest.raises(ValueError, match="classes are int64"):
        merged(np.zeros(1, np.int64), 6)
    with pytest.raises(ValueError, match="'television' is unknown: choose one of wall, floor"):
        class_id("television")


def test_walls_floors_and_doors_are_of_the_room_and_what_stands_in_it_is_not():
    assert all(map(is_room, ("wall", "floor", "rug", "curtain", "door", "outside")))
    assert not any(map(is_room, ("chair", "person", "box", "", "bicycle")))
