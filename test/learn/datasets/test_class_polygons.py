# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from modot_ros.classes import ROBOT_NAMES, UNKNOWN_CLASS, merged
from modot_ros.learn.datasets.class_polygons import UNLABELLED, drawn_classes

LABELS = Path(__file__).resolve().parents[3] / "benchmarks" / "real_classes.json"


def square(name, low, high):
    return {"class": name, "polygon": [[low, low], [high, low], [high, high], [low, high]]}


def test_later_squares_cover_earlier_ones():
    classes = drawn_classes([square("floor", 0.25, 0.95), square("person", 0.45, 0.75), square(UNLABELLED, 0.75, 0.95)], 10, 10)
    rows = ["".join("." if k == UNKNOWN_CLASS else ROBOT_NAMES[k][0] for k in row) for row in merged(classes, 6)]
    assert rows == ["..........",
                    "..........",
                    "..ffffffff",
                    "..ffffffff",
                    "..ffppppff",
                    "..ffppppff",
                    "..ffppppff",
                    "..ffppp...",
                    "..fffff...",
                    "..fffff..."]


@pytest.mark.parametrize("name", ROBOT_NAMES)
def test_a_drawn_class_merges_into_itself(name):
    assert (merged(drawn_classes([square(name, 0, 1)], 3, 4), 6) == ROBOT_NAMES.index(name)).all()


def test_polygons_that_are_none_are_named():
    with pytest.raises(ValueError, match="polygon 1 is of class 'wall': choose one of structure, floor"):
        drawn_classes([square("floor", 0, 1), square("wall", 0, 1)], 4, 4)
    with pytest.raises(ValueError, match=r"polygon 0 \(floor\) must have three corners"):
        drawn_classes([{"class": "floor", "polygon": [[0, 0], [1, 1]]}], 4, 4)
    with pytest.raises(ValueError, match=r"polygon 0 \(floor\) has a corner outside 0..1"):
        drawn_classes([square("floor", 0, 1.5)], 4, 4)


def test_every_class_is_in_the_labelled_photographs():
    pictures = json.loads(LABELS.read_text())["pictures"]
    maps = {name: merged(drawn_classes(one["polygons"], 96, 128), 6) for name, one in pictures.items()}
    assert len(maps) == 10 and all((classes != UNKNOWN_CLASS).mean() > 0.8 for classes in maps.values())
    assert {int(k) for classes in maps.values() for k in set(classes.flat)} - {UNKNOWN_CLASS} == set(range(len(ROBOT_NAMES)))
