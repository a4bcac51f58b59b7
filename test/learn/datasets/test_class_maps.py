# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS, class_id
from modot_ros.learn.datasets.class_maps import NYU40_NAMES, class_of_word, read_class_map, read_names


def test_words_of_other_tables():
    words = {"desk": "table", "Night Stand": "storage", "floor-mat": "rug", "windowpane, window": "window",
             "swivel chair": "chair", "television receiver, television": "screen", "ottoman, pouf": "chair", "person": "person"}
    assert {word: CLASS_NAMES[class_of_word(word)] for word in words} == words
    assert {class_of_word(word) for word in ("mirror", "other structure", "toilet", "")} == {UNKNOWN_CLASS}
    assert all(class_of_word(name) == k for k, name in enumerate(CLASS_NAMES))


def test_values_count_from_one(writer):
    values = np.array([[0, 1, 2], [5, 19, 31], [40, 255, 38]], np.uint8)
    writer.values("nyu.png", values)
    found = read_class_map(writer.root / "nyu.png", NYU40_NAMES, (3, 3))
    assert len(NYU40_NAMES) == 40 and found.dtype == np.uint8
    expected = [["-", "wall", "floor"], ["chair", "-", "person"], ["object", "-", "-"]]       # 19 is a mirror
    assert found.tolist() == [[UNKNOWN_CLASS if name == "-" else class_id(name) for name in row] for row in expected]


def test_maps_that_do_not_fit_name_their_file(writer):
    writer.values("map.png", np.array([[0, 41]], np.uint8))
    path = writer.root / "map.png"
    with pytest.raises(ValueError, match="map.png has the value 41, its table ends at 40"):
        read_class_map(path, NYU40_NAMES)
    with pytest.raises(ValueError, match="map.png is 2x1, its picture 4x3"):
        read_class_map(path, NYU40_NAMES, (3, 4))
    writer.picture("map.png")
    with pytest.raises(ValueError, match="map.png .*one channel"):
        read_class_map(path, NYU40_NAMES)
    with pytest.raises(ValueError, match="nothing.png is missing"):
        read_class_map(writer.root / "nothing.png", NYU40_NAMES)


def test_names_are_one_a_line_and_none_twice(writer):
    writer.text("names.txt", "wall\n sofa, couch \n\n")
    assert read_names(writer.root / "names.txt") == ("wall", "sofa, couch")
    for text, message in (("wall\ndoor\nwall\n", "names 'wall' more than once"), ("\n", "names no class"),
                          ("wall\n\nsofa\n", "has no name in line 2")):
        writer.text("names.txt", text)
        with pytest.raises(ValueError, match=f"names.txt {message}"):
            read_names(writer.root / "names.txt")
    (writer.root / "names.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("names.txt", "nowhere.txt"):
        with pytest.raises(ValueError, match=f"{name} can't be read"):
            read_names(writer.root / name)
