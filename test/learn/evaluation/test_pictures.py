# SPDX-License-Identifier: Apache-2.0
"""Sets of pictures, however they lie on disk."""
import json

import cv2
import numpy as np
import pytest

from modot_ros.learn.datasets.order_sample import DepthRelation
from modot_ros.learn.evaluation import pictures
from modot_ros.learn.evaluation.pictures import open_pictures


@pytest.fixture(autouse=True)
def no_rendering(monkeypatch):
    """What is on disk is enough."""
    asked = []
    monkeypatch.setattr(pictures, "write_shards", lambda folder, split, views, **_: asked.append((folder.name, split, views)))
    return asked


def test_rooms_are_samples_with_a_camera(rooms, no_rendering):
    opened = open_pictures(str(rooms))
    assert no_rendering == [("test", "test", 200)]
    assert (opened.kind, len(opened), opened.tolerance_px) == ("rooms", 3, 1)
    one = opened.read(2)
    assert one.name == opened.names[2] == "room_00002" and one.rgb.shape == (48, 64, 3) and one.valid.all()
    assert one.K[0, 0] == pytest.approx(51.2) and one.boundary.any() and one.boundary.dtype == bool
    assert len(open_pictures(f"rooms={rooms}", limit=2)) == 2 and no_rendering[-1][2] == 2
    shards = open_pictures(f"shards={rooms / 'test'}")
    assert shards.kind == "shards" and len(shards) == 3 and len(no_rendering) == 2      # taken as they are


def test_exact_pairs_get_boundaries_from_their_depth_and_others_none(pairs):
    opened = open_pictures(str(pairs))
    assert (opened.kind, len(opened), opened.tolerance_px) == ("pairs", 4, 2)
    exact, sensor = opened.read(0), opened.read(2)
    assert sensor.boundary is None and sensor.valid.all()
    near = exact.depth_m < 2
    assert exact.boundary.any() and not (exact.boundary & ~near).any()
    v, u = np.nonzero(near)
    assert exact.boundary.sum() == 2 * (np.ptp(v) + np.ptp(u))          # the outline of the box


def test_rooms_that_say_who_is_in_them_have_orders(rooms):
    path = next((rooms / "test").iterdir())
    with np.load(path) as shard:
        arrays = dict(shard)
    labels = np.where(arrays["depth_m"] < 2, 4, 0).astype(np.uint16)
    labels[1:, :, 60:] = 7                                              # the first view has one instance: no orders
    np.savez(path, **arrays, labels=labels, occlusions=np.array([[1, 4, 7, 9], [2, 4, 7, 2]]),
             depth_orders=np.array([[1, 4, 7, 0, 1]]))
    none, found, short = (open_pictures(f"shards={path.parent}").read(k).orders for k in range(3))
    assert none is None and found.occlusion.tolist() == [[0, 1], [0, 0]] and short.occlusion.tolist() == [[0, -1], [-1, 0]]
    assert found.depths == (DepthRelation(0, 1, False, True, 2),) and short.depths == ()
    assert found.modal[0].sum() == 20 * 24


def test_exact_pairs_get_occlusions_from_their_depth_as_well(pairs):
    box = np.where(cv2.imread(str(pairs / "exact_0_mm.png"), -1) < 2000, 9, 0).astype(np.uint8)
    for name in ("exact_0", "sensor"):
        cv2.imwrite(str(pairs / f"{name}_labels.png"), box + 3 * (box == 0) * (np.arange(64) < 30).astype(np.uint8))
    index = json.loads((pairs / "index.json").read_text())
    (pairs / "index.json").write_text(json.dumps(
        [{**one, "labels": f"{one['name']}_labels.png"} if one["name"] in ("exact_0", "sensor") else one for one in index]))
    exact, without, sensor = (open_pictures(str(pairs)).read(k).orders for k in range(3))
    assert exact.occlusion.tolist() == [[0, 0], [1, 0]] and without is None
    assert sensor.occlusion.tolist() == [[-1, -1], [-1, -1]] and len(sensor.depths) == 1


def test_what_cannot_be_read_is_skipped_and_named(pairs):
    skipped = {}
    assert [one.name for one in open_pictures(str(pairs)).samples(skipped)] == ["exact_0", "exact_1", "sensor"]
    assert list(skipped) == ["broken"] and "broken.jpg" in skipped["broken"]


def test_a_folder_of_pictures_is_not_taken_for_rooms(pairs, no_rendering):
    (pairs / "index.json").unlink()
    (pairs / "exact_0_mm.png").rename(pairs / "exact_0_depth_mm.png")
    assert open_pictures(str(pairs)).names == ("exact_0",) and not no_rendering


def test_unknown_kinds_and_missing_sets_are_explained(tmp_path):
    with pytest.raises(ValueError, match="'sintel' is unknown: choose one of rooms, shards, nyud_mt"):
        open_pictures(f"sintel={tmp_path}")
    with pytest.raises(FileNotFoundError):
        open_pictures(f"ibims={tmp_path / 'nowhere'}")
