# SPDX-License-Identifier: Apache-2.0
"""Classes come with the rooms, and the rooms stay those that they were before there were classes."""
import numpy as np
import pytest

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS
from modot_ros.learn.synthetic import random_scene, shards
from modot_ros.learn.synthetic.rooms.furniture import FLOOR_THINGS
from modot_ros.learn.synthetic.rooms.names import class_of
from modot_ros.learn.synthetic.rooms.tabletop import SMALL
from modot_ros.learn.synthetic.shards import read_classes, training_view, write_shard

# Of f806fa3, which knew no classes: solids, instances, sums of all centres, mean of the picture, the last numbers drawn.
BEFORE = {7: (211, 26, (761.3486, 332.4865, 179.9219), 107.547092, (0.446737, 0.430269, 0.441888)),
          1_000_000_000: (71, 11, (101.2046, 111.7026, 79.0658), 84.226780, (0.361858, 0.343238, 0.314533)),
          5_000_000_003: (70, 10, (71.211, 175.1857, 54.1049), 185.484592, (0.134918, 0.123577, 0.113044))}


@pytest.mark.parametrize("seed", BEFORE)
def test_rooms_are_the_same_rooms_as_before_there_were_classes(seed):
    solids, instances, centres_m, mean, ambient = BEFORE[seed]
    scene, view = random_scene(seed), training_view(seed, 64, 48)
    assert (len(scene.solids), len(scene.names)) == (solids, instances)
    np.testing.assert_allclose(np.sum([solid.centre_m for solid in scene.solids], 0), centres_m, atol=1e-3)
    np.testing.assert_allclose(scene.ambient, ambient, atol=1e-6)      # drawn last: no number more, none less
    assert abs(view.rgb.mean() - mean) < 0.05                           # rounding may differ between machines


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_pixel_has_the_class_of_its_instance_and_the_shell_that_of_its_piece(seed):
    scene = random_scene(seed)
    assert all(solid.class_id < len(CLASS_NAMES) for solid in scene.solids)
    for solid in scene.solids:
        if solid.instance:
            assert solid.class_id == class_of(scene.names[solid.instance])
        else:
            assert CLASS_NAMES[solid.class_id] in ("wall", "floor", "ceiling", "outside")
    floor, ceiling = scene.solids[:2]
    assert (CLASS_NAMES[floor.class_id], CLASS_NAMES[ceiling.class_id]) == ("floor", "ceiling")
    view = training_view(seed, 48, 36)
    assert view.classes.shape == view.labels.shape and view.classes.dtype == np.uint8 and view.classes.max() < 20


def test_classes_of_a_view_are_those_of_its_instances():
    scene, view = random_scene(1_000_000_001), training_view(1_000_000_001, 64, 48)
    ids = [k for k in np.unique(view.labels) if k]
    assert ids
    for k in ids:
        assert set(view.classes[view.labels == k]) == {class_of(scene.names[k])}


def test_every_class_is_made_by_somebody():
    made = {class_of(name) for name in (*FLOOR_THINGS, *(maker.__name__.rstrip("_") for maker in SMALL), "monitor", "laptop",
                                        "picture", "window", "door", "board", "curtain", "carpet", "wall0", "floor", "ceiling",
                                        "sky")}
    assert made == set(range(len(CLASS_NAMES)))
    assert [CLASS_NAMES[class_of(name)] for name in ("stool", "shelf", "television", "pot", "vase", "mouse", "carton")] == [
        "chair", "storage", "screen", "plant", "object", "object", "box"]
    with pytest.raises(ValueError, match="class 'chiar' is unknown"):
        class_of("chiar")


def test_clutter_has_the_name_of_its_maker():
    names = {name for seed in range(4) for name in random_scene(seed).names}
    assert "clutter" not in names and "" not in names
    assert len(names & {maker.__name__.rstrip("_") for maker in SMALL}) > 8


def test_shards_hold_classes_and_older_ones_are_read_as_unknown(tmp_path):
    write_shard(tmp_path / "b.npz", shards.FIRST_SEED["train"], 1, 32, 32)
    with np.load(tmp_path / "b.npz") as shard:
        arrays = dict(shard)
    assert arrays["classes"].dtype == np.uint8 and arrays["classes"].shape == (1, 32, 32)
    np.savez(tmp_path / "a.npz", **{name: array for name, array in arrays.items() if name != "classes"})
    old, new = read_classes(tmp_path)
    assert (old == UNKNOWN_CLASS).all()
    np.testing.assert_array_equal(new, arrays["classes"][0])
    for wrong, message in ((arrays["classes"][:, :16], "must be uint8 .1, 32, 32."), (np.full((1, 32, 32), 20, np.uint8),
                                                                                    "class id 20 is above the table of 20")):
        np.savez(tmp_path / "b.npz", **{**arrays, "classes": wrong})
        with pytest.raises(ValueError, match=f"b.npz: .*{message}"):
            read_classes(tmp_path)
    (tmp_path / "b.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="b.npz: its classes can't be read"):
        read_classes(tmp_path)
