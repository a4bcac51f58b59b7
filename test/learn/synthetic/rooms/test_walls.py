# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.synthetic.rooms.walls import THICK_M, Opening, beyond, curtain, frame, random_opening, room_size, slabs

ROOM_M = np.array([4.0, 3.0, 2.5])


def holds(pieces, point):
    return [role for centre, half, role in pieces if np.all(np.abs(np.array(point) - centre) < half)]


@pytest.mark.parametrize("axis, far, wall", [(0, False, 0), (0, True, 1), (1, False, 2), (1, True, 3)])
def test_there_is_a_hole_in_one_wall_alone(axis, far, wall):
    opening = Opening(axis, far, 0.8, 1.8, 0.5, 2.0, "window")
    assert opening.wall == wall
    pieces = slabs(ROOM_M, opening)
    for number in range(4):
        other = Opening(number // 2, bool(number % 2), 0, 0, 0, 0, "window")
        found = holds(pieces, other.point(ROOM_M, 1.3, THICK_M / 2, 1.2))
        assert found == ([] if number == wall else [f"wall{number}"])
    for along, height in ((0.7, 1.2), (1.9, 1.2), (1.3, 0.4), (1.3, 2.1)):
        assert holds(pieces, opening.point(ROOM_M, along, THICK_M / 2, height)) == [f"wall{wall}"]


@pytest.mark.parametrize("kind", ["door", "window"])
def test_the_space_behind_is_closed(kind):
    opening = Opening(1, True, 0.8, 1.8, 0.0 if kind == "door" else 0.8, 2.0, kind)
    rng = np.random.default_rng(0)
    more, deep_m = beyond(rng, ROOM_M, opening)
    pieces = slabs(ROOM_M, opening) + more
    start = opening.point(ROOM_M, 1.3, 0.5 * THICK_M, 1.5)
    for _ in range(100):                                # rays out of the hole end before they leave
        way = rng.normal(size=3) * [1, 0, 1] + [0, 1, 0]
        path = start + np.arange(0, 30, 0.05)[:, None] * way / np.linalg.norm(way)
        assert any(np.all(np.abs(path - centre) < half, axis=1).any() for centre, half, _ in pieces)


def test_rooms_and_openings_are_of_all_sorts():
    rng = np.random.default_rng(0)
    sizes = [room_size(rng) for _ in range(200)]
    openings = [random_opening(rng, size) for size in sizes]
    assert min(size[:2].min() for size in sizes) < 2 and max(size[:2].max() for size in sizes) > 8
    assert {opening and opening.kind for opening in openings} == {None, "door", "window"}
    for size, opening in zip(sizes, openings):
        if opening:
            assert 0 < opening.first_m < opening.last_m < size[1 - opening.axis] and opening.high_m < size[2]
            assert frame(rng, opening)


def test_a_curtain_hangs_between_its_heights():
    parts = curtain(np.random.default_rng(0), 0.6, 0.1, 2.2)
    folds = [part for part in parts if part.role == "curtain"]
    assert len(folds) > 5
    assert all(part.centre_m[2] == pytest.approx(1.15) and part.half_m[2] == pytest.approx(1.05) for part in folds)
