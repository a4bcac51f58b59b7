# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from modot_ros.learn.synthetic import fly_through, random_camera, random_scene, render, shards
from modot_ros.learn.synthetic.shards import FIRST_SEED, read_instances, training_view, write_shard, write_shards


def test_the_same_seed_gives_the_same_picture_and_another_seed_another():
    first, again, other = training_view(5, 48, 36), training_view(5, 48, 36), training_view(6, 48, 36)
    np.testing.assert_array_equal(first.rgb, again.rgb)
    np.testing.assert_array_equal(first.depth_m, again.depth_m)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_ray_ends_on_a_surface_that_looks_back(seed):
    scene = random_scene(seed)
    camera = random_camera(scene, np.random.default_rng(seed), 48, 36)
    view = render(scene, camera, seed)
    v, u = np.mgrid[:36, :48].astype(float)
    points_m = camera.pose[:3, 3] + view.depth_m.reshape(-1, 1) * camera.rays(u.ravel(), v.ravel())
    assert (points_m > -12).all() and (points_m < scene.size_m + 12).all()      # what windows show is part of it
    assert view.rgb.std() > 5
    lengths = np.linalg.norm(view.normals, axis=2)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    # surfaces that are seen look at the camera
    rays = np.dstack([(u - camera.K[0, 2]) / camera.K[0, 0], (v - camera.K[1, 2]) / camera.K[1, 1], np.ones_like(u)])
    assert ((view.normals * rays).sum(2) < 1e-3).all()


def test_the_fly_through_is_smooth_free_of_collisions_and_closed():
    scene = random_scene(11)
    cameras = fly_through(scene, 11, 120, 64, 48)
    eyes = np.stack([camera.pose[:3, 3] for camera in cameras])
    assert scene.clearance_m(eyes).min() > 0.1
    steps = np.linalg.norm(np.diff(np.vstack([eyes, eyes[:1]]), axis=0), axis=1)
    assert steps.max() < 0.25
    turns = [np.degrees(np.arccos(np.clip((np.trace(a.pose[:3, :3].T @ b.pose[:3, :3]) - 1) / 2, -1, 1)))
             for a, b in zip(cameras, cameras[1:] + cameras[:1])]
    assert max(turns) < 10
    assert (np.abs(eyes[:, 2] - eyes[:, 2].mean()) < 0.1).all()


def test_no_frames_is_refused():
    with pytest.raises(ValueError, match="frames is 0"):
        fly_through(random_scene(1), 1, 0)


def test_shards_are_made_once_and_can_be_continued(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 5)
    paths = write_shards(tmp_path, "validation", 1, 32, 32)
    assert len(paths) == 1
    stamp = paths[0].stat().st_mtime_ns
    with np.load(paths[0]) as shard:
        assert shard["rgb"].shape == (5, 32, 32, 3) and shard["rgb"].dtype == np.uint8
        assert shard["depth_m"].dtype == np.float16 and shard["boundary"].max() == 1
        assert ((shard["focal"] >= 0.6) & (shard["focal"] <= 1.2)).all()
    assert write_shards(tmp_path, "validation", 5, 32, 32)[0].stat().st_mtime_ns == stamp


def test_rooms_may_begin_with_any_shard(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 2)
    later, = write_shards(tmp_path, "train", 2, 32, 32, first=4, instances=True)
    one = write_shard(tmp_path / "same.npz", FIRST_SEED["train"] + 4, 2, 32, 32)
    with np.load(later) as found, np.load(one) as expected:
        np.testing.assert_array_equal(found["depth_m"], expected["depth_m"])
        assert found["labels"].any() and "labels" not in expected       # they are said where that is asked for
    for first in (3, -2):
        with pytest.raises(ValueError, match=f"first is {first}: .* multiple of 2"):
            write_shards(tmp_path, "train", 2, 32, 32, first=first)


def test_another_executor_renders_the_same_files(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 2)
    processes = write_shards(tmp_path / "a", "train", 4, 32, 32)
    with ThreadPoolExecutor(1) as executor:
        threads = write_shards(tmp_path / "b", "train", 4, 32, 32, executor=executor)
        assert executor.submit(int, "1").result() == 1, "it stays open"
    assert [path.read_bytes() for path in threads] == [path.read_bytes() for path in processes]


def test_shards_to_test_on_say_who_is_in_their_views(tmp_path):
    write_shard(tmp_path / "a.npz", 3_000_000_000, 1, 32, 32)
    write_shard(tmp_path / "b.npz", 3_000_000_000, 2, 32, 32, instances=True)
    nobody, *found = read_instances(tmp_path)
    assert nobody is None and len(found) == 2
    for seed, one in enumerate(found, 3_000_000_000):
        view = training_view(seed, 32, 32)
        np.testing.assert_array_equal(one.labels, view.labels)
        assert one.occlusions == [tuple(order) for order in view.occlusions.tolist()] != []
        assert one.depth_orders == view.depth_orders != []
    (tmp_path / "b.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="b.npz: its instances"):
        read_instances(tmp_path)


def test_an_unknown_split_is_named(tmp_path):
    with pytest.raises(ValueError, match="'dev'.*'test', 'train', 'validation'"):
        write_shards(tmp_path, "dev", 1)
