# SPDX-License-Identifier: Apache-2.0
"""Single rays at single solids, with hand numbers."""
import numpy as np
import pytest
import torch

from modot_ros.learn.synthetic.caster import NO_HIT, Caster, Grid
from modot_ros.learn.synthetic.rooms.parts import block, bowl, cup, prism
from modot_ros.learn.synthetic.rooms.shapes import BOX, ELLIPSOID, FRUSTUM, HULL, Solid, Solids, hull_planes


def solids_of(parts):
    return Solids([Solid(part.kind, np.array(part.centre_m, float), part.rotation, np.array(part.half_m, float), 0, 1,
                         part.taper, part.cut, part.hole, part.inside, part.planes) for part in parts])


def shoot(solids, origin, direction):
    """t, index and normal [3] of the first hit of one ray; direction of any length."""
    origin, direction = torch.tensor([origin], dtype=torch.float64), torch.tensor([direction], dtype=torch.float64)
    t, index = Caster(solids, origin, Grid.cube(4, "cpu")).cast(direction)
    if index.item() == NO_HIT:
        return None
    return t.item(), index.item(), solids.normals(index, origin + t[:, None] * direction)[0].numpy()


def test_one_looks_into_a_cup_through_its_top():
    cup_ = solids_of(cup(0, 0, 0, 0.04, 0.05, "paint", taper=1.0, wall=0.004))
    t, index, normal = shoot(cup_, (0, 0, 1), (0, 0, -1))
    assert (t, index) == (pytest.approx(1 - 0.004), 1)  # the hollow's floor
    np.testing.assert_allclose(normal, [0, 0, 1], atol=1e-9)
    t, index, normal = shoot(cup_, (0.038, 0, 1), (0, 0, -1))
    assert (t, index) == (pytest.approx(0.9), 0)        # the rim
    np.testing.assert_allclose(normal, [0, 0, 1], atol=1e-9)
    t, index, normal = shoot(cup_, (1, 0, 0.06), (-1, 0, 0))
    assert (t, index) == (pytest.approx(0.96), 0)       # the outside
    np.testing.assert_allclose(normal, [1, 0, 0], atol=1e-9)
    # down at 45 degrees over the near rim onto the far wall
    t, index, normal = shoot(cup_, (0.1, 0, 0.17), (-1, 0, -1))
    assert (t, index) == (pytest.approx(0.136), 1)
    np.testing.assert_allclose(normal, [1, 0, 0], atol=1e-9)


def test_a_bowl_is_half_an_ellipsoid():
    bowl_ = solids_of(bowl(0, 0, 0, 0.1, 0.05, "paint", wall=0.01))
    assert shoot(bowl_, (0, 0, 1), (0, 0, -1))[:2] == (pytest.approx(1 - 0.005), 1)
    assert shoot(bowl_, (0.095, 0, 1), (0, 0, -1))[:2] == (pytest.approx(0.95), 0)
    assert shoot(bowl_, (0, 0, -1), (0, 0, 1))[:2] == (pytest.approx(1.0), 0)
    assert shoot(bowl_, (0.3, 0, 0.06), (-1, 0, 0)) is None     # above the rim there is nothing
    np.testing.assert_allclose(shoot(bowl_, (0.095, 0, 1), (0, 0, -1))[2], [0, 0, 1], atol=1e-9)


def test_a_block_narrows_to_its_top():
    tub = solids_of([block(0, 0, 1, 1, 1, 1, "paint", top=(0.5, 1.0))])
    t, _, normal = shoot(tub, (5, 0, 1), (-1, 0, 0))
    assert t == pytest.approx(5 - 0.75)
    np.testing.assert_allclose(normal, np.array([2, 0, 0.5]) / np.hypot(2, 0.5), atol=1e-9)
    assert shoot(tub, (0.6, 0, 5), (0, 0, -1))[0] == pytest.approx(5 - 1.6)
    wide = solids_of([block(0, 0, 1, 1, 1, 1, "paint", top=(2.0, 1.0))])
    assert shoot(wide, (5, 0, 1.999999), (-1, 0, 0))[0] == pytest.approx(3, abs=1e-4)


def test_a_prism_has_flat_sides():
    hexagon = solids_of([prism(0, 0, 0, 1, 1, "paint", 6)])
    assert shoot(hexagon, (5, 0, 0), (-1, 0, 0))[0] == pytest.approx(5 - np.cos(np.pi / 6))


def test_hulls_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="2.000"):
        hull_planes(((0, 0, 0), (2.0, 0, 0), (0, 1, 0), (0, 0, 1)))
    points = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ValueError, match="at most 10"):
        hull_planes(tuple(map(tuple, points / np.linalg.norm(points, axis=1, keepdims=True))))


def random_solids(rng, count):
    planes = hull_planes(((-1, -1, -1), (1, -1, -1), (0, 1, -1), (0, 0, 1)))
    return [Solid(int(kind), rng.uniform(-1.5, 1.5, 3) + [0, 4, 0], np.linalg.qr(rng.normal(size=(3, 3)))[0],
                  np.exp(rng.uniform(-4, 0, 3)) if kind != FRUSTUM else np.exp(rng.uniform(-3, 0, 3))[[0, 0, 1]],
                  0, taper=rng.uniform(0, 1.5), cut=rng.choice([1.0, 0.2]), hole=rng.choice([0, 0.8]),
                  inside=bool(rng.random() < 0.2 and kind in (ELLIPSOID, FRUSTUM)),
                  planes=planes if kind == HULL else None)
            for kind in rng.choice([BOX, ELLIPSOID, FRUSTUM, HULL], count)]


@pytest.mark.parametrize("seed", range(4))
def test_the_grid_loses_no_solid(seed):
    rng = np.random.default_rng(seed)
    solids = Solids(random_solids(rng, 60))
    origins = torch.tensor(rng.normal(0, 0.1, (3, 3)))
    directions = torch.tensor(rng.normal([0, 1, 0], 0.5, (1500, 3)))
    origin = torch.tensor(rng.integers(0, 3, 1500))
    fine, whole = (Caster(solids, origins, Grid.cube(side, "cpu")) for side in (16, 1))
    for caster in (fine, whole):
        assert (caster.cast(directions, origin)[1] != NO_HIT).sum() > 300
    for a, b in zip(fine.cast(directions, origin), whole.cast(directions, origin)):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    # and what one cell of a face sees, a test against everything sees, too
    everything = Caster(solids, origins, Grid.cube(1, "cpu"))
    everything.count = [torch.full((6,), int((solids.kind == kind).sum())) for kind in (BOX, ELLIPSOID, FRUSTUM, HULL)]
    everything.solids = [(solids.kind == kind).nonzero()[:, 0] for kind in (BOX, ELLIPSOID, FRUSTUM, HULL)]
    everything.first = [torch.zeros(6, dtype=torch.int64)] * 4
    for a, b in zip(fine.cast(directions, origin), everything.cast(directions, origin)):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
