# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.synthetic.rooms.furniture import FLOOR_THINGS, WEIGHTS
from modot_ros.learn.synthetic.rooms.materials import MaterialTable
from modot_ros.learn.synthetic.rooms.tabletop import SMALL, bottle, clutter, desk_set, lying


def check(thing, largest_m):
    materials = MaterialTable()
    for part in thing.parts:
        assert (np.array(part.half_m) > 0).all() and np.isfinite(part.centre_m).all()
        materials.add_random(part.role, np.random.default_rng(0))       # every role is known
    lowest = min(part.centre_m[2] - part.reach_m[2] for part in thing.parts)
    assert lowest > -0.12, "it would stick out below the table top"
    assert thing.height_m < largest_m and thing.half_footprint_m.max() < largest_m


@pytest.mark.parametrize("maker", SMALL, ids=lambda maker: maker.__name__)
def test_small_things_stand_on_their_base_and_fit_a_table(maker):
    for seed in range(12):
        check(maker(np.random.default_rng(seed)), 0.75)


@pytest.mark.parametrize("name", FLOOR_THINGS)
def test_furniture_fits_a_room(name):
    for seed in range(6):
        check(FLOOR_THINGS[name](np.random.default_rng(seed)), 2.6)


def test_every_piece_of_furniture_has_a_weight():
    assert set(WEIGHTS) == set(FLOOR_THINGS)


def test_a_lying_bottle_is_as_long_as_it_was_high():
    upright = bottle(np.random.default_rng(1))
    fallen = lying(upright)
    assert 2 * fallen.half_footprint_m[0] == pytest.approx(upright.height_m, rel=0.6)
    assert min(part.centre_m[2] - part.reach_m[2] for part in fallen.parts) == pytest.approx(0, abs=1e-9)


def test_clutter_and_desks_vary():
    rng = np.random.default_rng(3)
    assert len({len(clutter(rng).parts) for _ in range(30)}) > 5
    assert {len(desk_set(rng)) for _ in range(30)} == {1, 2, 3}
