# SPDX-License-Identifier: Apache-2.0
"""Boxes that move, meet, hide and come back, drawn by hand."""
import numpy as np
import pytest

from modot_ros.scene import tracking
from modot_ros.scene.order.graph import order_graph
from modot_ros.scene.tracking import Tracker

SIZE = (120, 160)
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
NOISE = np.random.default_rng(0).integers(60, 120, (240, 320, 1), np.uint8)     # a wall with something to see


class Box:
    """A box of one colour, `x`, `y` its top left pixel, `w` wide and 40 high."""

    def __init__(self, colour: str, x: int, depth_m: float, y: int = 40, w: int = 40) -> None:
        self.colour, self.x, self.depth_m, self.y, self.w = COLOURS[colour], x, depth_m, y, w


def draw(*boxes: Box, order=None, size=SIZE):
    """rgb, depth_m and labels of boxes before a wall at 5 m, far ones first; labels count in the order given."""
    height, width = size
    rgb = np.repeat(NOISE[:height, :width], 3, axis=2)
    depth_m, labels = np.full(size, 5.0, np.float32), np.zeros(size, np.int32)
    for box in sorted(boxes, key=lambda box: -box.depth_m):
        place = np.s_[box.y:box.y + 40, max(box.x, 0):max(box.x + box.w, 0)]
        rgb[place], depth_m[place], labels[place] = box.colour, box.depth_m, 1 + boxes.index(box)
    if order is not None:                               # other labels for the same regions
        labels = np.array([0, *order], np.int32)[labels]
    return rgb, depth_m, labels


class Camera:
    """A tracker, and a clock that goes on by 0.1 s per frame."""

    def __init__(self, **options) -> None:
        self.tracker, self.now_s = Tracker(**options), 100.0

    def see(self, *boxes: Box, given=False, **options):
        """Ids of the boxes (0 = not in the picture) and the graph."""
        rgb, depth_m, labels = draw(*boxes, **options)
        self.now_s += 0.1
        lasting, name = self.tracker.recognise(labels, rgb, depth_m, self.now_s, given)
        assert all(set(np.unique(lasting[labels == label])) == {number} for label, number in name.items())
        graph = self.tracker.remember(order_graph(lasting, depth_m))
        assert set(np.unique(lasting)) - {0} == {one.id for one in graph.instances if not one.hidden_by}
        ids = []
        for label in options.get("order") or range(1, len(boxes) + 1):
            found = np.unique(lasting[labels == label])
            assert len(found) <= 1, "a region has one id"
            ids.append(int(found[0]) if len(found) else 0)
        return ids, {one.id: one for one in graph.instances}


def test_ids_stay_when_the_labels_change_their_order():
    camera = Camera()
    first, _ = camera.see(Box("red", 10, 2), Box("green", 90, 3))
    assert first == [1, 2]
    second, instances = camera.see(Box("red", 14, 2), Box("green", 92, 3), order=(7, 4))
    assert second == first
    assert [instances[number].age for number in first] == [2, 2]
    assert instances[1].bbox_px == (14, 40, 40, 40) and instances[1].depth_m == pytest.approx(2, rel=1e-3)


def test_two_that_cross_keep_their_ids():
    camera = Camera()
    for step in range(13):
        order = (1, 2) if step % 2 else (2, 1)
        ids, _ = camera.see(Box("red", 10 + 8 * step, 2, y=30), Box("green", 106 - 8 * step, 3, y=45), order=order)
        assert ids == [2, 1]


def test_alike_boxes_that_cross_are_told_apart_by_depth_and_place():
    camera = Camera()
    for step in range(13):
        ids, _ = camera.see(Box("red", 10 + 8 * step, 2, y=20), Box("red", 106 - 8 * step, 4, y=55))
        assert ids == [1, 2]


def test_what_goes_behind_another_is_hidden_by_it_and_comes_back_with_its_id():
    camera = Camera(hidden_timeout_s=2.0)
    post = Box("blue", 60, 1, w=50)
    for x in (10, 20, 30, 40, 50):
        ids, _ = camera.see(post, Box("red", x, 3))
        assert ids == [1, 2]
    for _ in range(5):
        ids, instances = camera.see(post, Box("red", 65, 3))
        assert ids == [1, 0]
        hidden = instances[2]
        assert (hidden.hidden_by, hidden.area_px, hidden.age) == (1, 0, 5)
        assert hidden.bbox_px == (50, 40, 10, 40) and hidden.depth_m == pytest.approx(3, rel=1e-3)
    for x in (80, 90, 100):
        ids, instances = camera.see(post, Box("red", x, 3))
        assert ids == [1, 2]
    assert (instances[2].hidden_by, instances[2].age) == (0, 8)
    assert len(instances) == 2


def test_after_the_timeout_a_hidden_instance_is_forgotten():
    camera = Camera(hidden_timeout_s=0.35)
    post = Box("blue", 60, 1, w=50)
    for x in (30, 40, 50):
        camera.see(post, Box("red", x, 3))
    seen = [2 in camera.see(post, Box("red", 65, 3))[1] for _ in range(5)]
    assert seen == [True, True, True, False, False]
    assert camera.see(post, Box("red", 90, 3))[0] == [1, 3]


def test_what_flickers_behind_something_is_not_said_to_be_hidden():
    camera = Camera()
    post = Box("blue", 60, 1, w=50)
    for x in (40, 50):
        camera.see(post, Box("red", x, 3))
    assert list(camera.see(post)[1]) == [1]


def test_with_no_time_to_remember_nothing_is_hidden():
    camera = Camera(hidden_timeout_s=0.0)
    post = Box("blue", 60, 1, w=50)
    camera.see(post, Box("red", 50, 3))
    assert list(camera.see(post)[1]) == [1]


def test_what_leaves_the_picture_is_not_hidden():
    camera = Camera()
    wall = Box("blue", 0, 1, w=20)
    camera.see(Box("green", 100, 2), Box("red", 130, 3))
    camera.see(Box("green", 100, 2), Box("red", 155, 3))
    ids, instances = camera.see(Box("green", 100, 2), wall)
    assert ids == [1, 3] and list(instances) == [1, 3]


def test_what_disappears_in_plain_sight_is_not_hidden_but_remembered():
    camera = Camera()
    camera.see(Box("red", 20, 2), Box("green", 100, 3))
    ids, instances = camera.see(Box("red", 20, 2))
    assert ids == [1] and list(instances) == [1]
    assert camera.see(Box("red", 20, 2), Box("green", 100, 3))[0] == [1, 2]


def test_who_hides_is_always_in_the_graph_itself():
    camera = Camera()
    post = Box("blue", 60, 1, w=50)
    for x in (30, 40, 50):
        camera.see(post, Box("red", x, 3))
    assert camera.see(post)[1][2].hidden_by == 1
    _, instances = camera.see()
    assert not instances, "the post is gone, nobody knows what is behind it"
    assert camera.see(post)[1][2].hidden_by == 1


def test_the_larger_part_of_what_splits_keeps_the_id_and_merging_gives_it_back():
    camera = Camera()
    whole = Box("red", 40, 2, w=80)
    parts = Box("red", 40, 2, w=50), Box("red", 92, 2, w=28)
    assert camera.see(whole)[0] == [1]
    assert camera.see(*parts)[0] == [1, 2]
    ids, instances = camera.see(whole)
    assert ids == [1] and instances[1].age == 3
    assert 2 not in instances, "what was merged is not hidden"
    assert camera.see(*parts)[0] == [1, 2]


def test_empty_frames():
    camera = Camera()
    assert camera.see() == ([], {})
    assert camera.see(Box("red", 20, 2))[0] == [1]
    assert camera.see() == ([], {})
    assert camera.see(Box("red", 20, 2))[0] == [1]


def test_new_ids_go_round_and_pass_over_the_living(monkeypatch):
    camera = Camera()
    camera.see(Box("red", 5, 2))
    camera.tracker._next_id = 65535
    assert camera.see(Box("red", 5, 2), Box("green", 60, 2))[0] == [1, 65535]
    assert camera.see(Box("red", 5, 2), Box("green", 60, 2), Box("blue", 115, 2))[0] == [1, 65535, 2]


def test_when_all_ids_are_taken_the_one_lost_longest_ago_is_given_away(monkeypatch):
    monkeypatch.setattr(tracking, "MAX_ID", 2)
    camera = Camera()
    camera.see(Box("red", 5, 2), Box("green", 60, 2))
    camera.see(Box("green", 60, 2))
    assert camera.see(Box("green", 60, 2), Box("blue", 115, 4))[0] == [2, 1]


def test_another_resolution_changes_no_id():
    camera = Camera()
    camera.see(Box("red", 10, 2), Box("green", 90, 3))
    rgb, depth_m, labels = (np.repeat(np.repeat(a, 2, 0), 2, 1) for a in draw(Box("red", 12, 2), Box("green", 90, 3)))
    lasting, _ = camera.tracker.recognise(labels, rgb, depth_m, 200.0)
    np.testing.assert_array_equal(lasting, labels)


def test_a_clock_that_goes_back_starts_anew():
    camera = Camera()
    for _ in range(2):
        camera.see(Box("red", 10, 2), Box("green", 90, 3), order=(2, 1))
    camera.now_s = 5.0
    ids, instances = camera.see(Box("red", 10, 2), Box("green", 90, 3))
    assert ids == [1, 2] and {one.age for one in instances.values()} == {1}


def test_given_ids_are_kept_as_they_are():
    camera = Camera()
    post = Box("blue", 60, 1, w=50)
    for count, x in enumerate((30, 40, 50), 1):
        ids, instances = camera.see(post, Box("red", x, 3), order=(40000, 7), given=True)
        assert ids == [40000, 7] and instances[7].age == count
    ids, instances = camera.see(post, Box("red", 65, 3), order=(40000, 7), given=True)
    assert ids == [40000, 0] and instances[7].hidden_by == 40000
    ids, instances = camera.see(post, Box("red", 90, 3), order=(40000, 9), given=True)
    assert ids == [40000, 9] and instances[9].age == 1, "who gives ids says who is new"


def test_a_picture_that_moves_on_takes_what_is_remembered_along():
    camera = Camera()
    view, labels = NOISE[:120], np.zeros((120, 320), np.int32)
    labels[40:70, 200:230] = 1
    depth_m = np.full(labels.shape, 3.0, np.float32)
    for turn in range(6):                               # a camera that turns by 25 pixels per frame
        rgb = np.repeat(np.roll(view, -25 * turn, axis=1), 3, axis=2)
        now = np.roll(labels, -25 * turn, axis=1) * (turn not in (2, 3))
        lasting, _ = camera.tracker.recognise(now, rgb, depth_m, 0.1 * turn)
        assert set(np.unique(lasting)) <= {0, 1}


def test_unknown_depth_is_no_obstacle():
    camera = Camera()
    rgb, depth_m, labels = draw(Box("red", 10, 2), Box("green", 90, 3))
    for depth in (np.full_like(depth_m, np.nan), None, np.full_like(depth_m, np.inf)):
        np.testing.assert_array_equal(camera.tracker.recognise(labels, rgb, depth, 1.0)[0], labels)
