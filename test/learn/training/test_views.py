# SPDX-License-Identifier: Apache-2.0
"""Shards from disk, and views at other sizes with their truth still true."""
import weakref

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.training import views as dataset
from modot_ros.learn.training.views import UNKNOWN, Views, load_views, plain_batch, resample, training_batch, turn
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN


def shard(path, views=3, height=8, width=12, **other):
    numbers = np.random.default_rng(len(path.name))
    arrays = {"rgb": numbers.integers(0, 256, (views, height, width, 3), np.uint8),
              "depth_m": numbers.uniform(1, 5, (views, height, width)).astype(np.float16),
              "boundary": numbers.integers(0, 2, (views, height, width), np.uint8),
              "focal": np.linspace(0.5, 1.0, views, dtype=np.float32), **other}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return arrays


def one_view(depth_m, boundary=None, rgb=None, focal=0.8, classes=None) -> Views:
    height, width = depth_m.shape
    unknown = torch.full((1, 1, height, width), UNKNOWN_CLASS, dtype=torch.uint8)
    return Views(rgb=torch.full((1, 3, height, width), 128, dtype=torch.uint8) if rgb is None else rgb[None],
                 depth_m=depth_m[None, None].half(),
                 boundary=torch.zeros(1, 1, height, width, dtype=torch.uint8) if boundary is None else boundary[None, None],
                 focal=torch.tensor([focal]),
                 classes=unknown if classes is None else classes[None, None])


def colours(image):
    """Back from the network's input to 0..1."""
    return image * torch.tensor(IMAGE_DEVIATION).view(3, 1, 1) + torch.tensor(IMAGE_MEAN).view(3, 1, 1)


# --- reading ---

def test_shards_are_read_in_the_order_of_their_names(tmp_path):
    later, sooner = shard(tmp_path / "b.npz", views=2), shard(tmp_path / "a1.npz", views=3)
    views = load_views(tmp_path)
    assert len(views) == 5 and views.rgb.shape == (5, 3, 8, 12) and views.depth_m.shape == (5, 1, 8, 12)
    np.testing.assert_array_equal(views.rgb[4].permute(1, 2, 0).numpy(), later["rgb"][1])
    np.testing.assert_array_equal(views.depth_m[2, 0].numpy(), sooner["depth_m"][2])
    np.testing.assert_array_equal(views.boundary[3, 0].numpy(), later["boundary"][0])
    assert views.focal.tolist() == [0.5, 0.75, 1.0, 0.5, 1.0]


def test_a_limit_stops_in_the_middle_of_a_shard(tmp_path):
    shard(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"never opened")
    assert len(load_views(tmp_path, limit=2)) == 2
    assert len(load_views(tmp_path, limit=3)) == 3
    shard(tmp_path / "b.npz")
    assert len(load_views(tmp_path, limit=5)) == 5


def test_no_more_than_one_shard_is_held_beside_the_views(tmp_path, monkeypatch):
    read, alive = dataset._read, []

    def watched(*asked):
        arrays = read(*asked)
        assert sum(array() is not None for array in alive) <= 1
        alive.extend([weakref.ref(arrays["rgb"])] if "rgb" in arrays else [])
        return arrays
    monkeypatch.setattr(dataset, "_read", watched)
    for name in "abcd":
        shard(tmp_path / f"{name}.npz")
    assert len(load_views(tmp_path)) == 12 and len(alive) == 4


def test_no_folder_and_no_shards_are_named(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError, match=str(folder)):
            load_views(folder)


def test_damaged_and_unfitting_shards_are_named(tmp_path):
    shard(tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ValueError, match="b.npz: not a shard"):
        load_views(tmp_path)
    shard(tmp_path / "b.npz", focal=None)
    with pytest.raises(ValueError, match="b.npz: not a shard.*focal"):
        load_views(tmp_path)
    shard(tmp_path / "b.npz", height=6)
    with pytest.raises(ValueError, match="b.npz: views are 12x6, those before are 12x8"):
        load_views(tmp_path)
    for focal, shape in ((np.ones(2, np.float32), r"\(2,\)"), (np.float32(1), r"\(\)")):
        shard(tmp_path / "b.npz", focal=focal)
        with pytest.raises(ValueError, match=f"b.npz: arrays do not belong together.*'focal': {shape}"):
            load_views(tmp_path)


def test_a_shard_with_a_pickle_in_it_is_refused(tmp_path):
    shard(tmp_path / "a.npz", focal=np.array([{}, {}, {}], dtype=object))
    with pytest.raises(ValueError, match="a.npz: not a shard"):
        load_views(tmp_path)


# --- other sizes ---

def test_smaller_keeps_boundaries_and_the_occluders_depth():
    rgb = torch.tensor([[0, 80, 10, 10], [80, 240, 10, 10]], dtype=torch.uint8).expand(3, 2, 4)
    depth_m = torch.tensor([[[5.0, 5.0, 5.0, 5.0], [5.0, 2.0, 5.0, 5.0]]])
    boundary = torch.tensor([[[0, 0, 0, 0], [0, 1, 0, 0]]], dtype=torch.uint8)
    image, z, edge = resample(rgb, depth_m, boundary, 2, 1)
    assert image[0].tolist() == [pytest.approx([100 / 255, 10 / 255])]
    assert z.tolist() == [[[2.0, 5.0]]] and edge.tolist() == [[[1.0, 0.0]]]


def test_smaller_without_a_boundary_takes_one_of_the_depths_and_no_mean():
    depth_m = torch.arange(16.0).reshape(1, 4, 4) + 1
    _, z, _ = resample(torch.zeros(3, 4, 4, dtype=torch.uint8), depth_m, torch.zeros(1, 4, 4, dtype=torch.uint8), 2, 2)
    assert set(z.flatten().tolist()) <= set(depth_m.flatten().tolist())


def test_larger_keeps_boundaries_one_pixel_wide_at_the_step():
    depth_m = torch.tensor([[[2.0, 2.0, 6.0, 6.0]] * 4])            # the near wall ends after column 1
    boundary = torch.tensor([[[0, 1, 0, 0]] * 4], dtype=torch.uint8)
    _, z, edge = resample(torch.zeros(3, 4, 4, dtype=torch.uint8), depth_m, boundary, 8, 8)
    assert z[0].tolist() == [[2, 2, 2, 2, 6, 6, 6, 6]] * 8
    assert edge[0].tolist() == [[0, 0, 0, 1, 0, 0, 0, 0]] * 8


def test_the_same_size_changes_nothing():
    depth_m, boundary = torch.rand(1, 4, 4) + 1, torch.randint(0, 2, (1, 4, 4), dtype=torch.uint8)
    image, z, edge = resample(torch.full((3, 4, 4), 51, dtype=torch.uint8), depth_m, boundary, 4, 4)
    assert torch.equal(z, depth_m) and torch.equal(edge, boundary.float())
    assert image.flatten().tolist() == pytest.approx([0.2] * 48)


# --- batches ---

def test_plain_batch_is_in_the_canonical_camera():
    views = one_view(torch.full((4, 4), 3.0), focal=0.4)
    batch = plain_batch(views, torch.tensor([0]), 4, 4, canonical_focal=0.8)
    assert batch.depth_m.unique().item() == pytest.approx(6.0)      # twice the focal length: twice as far
    torch.testing.assert_close(colours(batch.image[0]), torch.full((3, 4, 4), 128 / 255))


def test_a_crop_of_another_shape_does_not_squash():
    """Of a square picture a wide crop takes all columns and half the rows."""
    ramp = torch.arange(64.0).expand(64, 64)
    views = one_view(1 + ramp / 64, focal=0.8)
    batch = training_batch(views, torch.tensor([0]), 64, 32, 0.8, torch.Generator().manual_seed(1))
    steps = batch.depth_m[0, 0].diff(dim=-1).abs().mean()
    upright = one_view(1 + ramp.T / 64, focal=0.8)
    down = training_batch(upright, torch.tensor([0]), 64, 32, 0.8, torch.Generator().manual_seed(1)).depth_m[0, 0]
    assert float(down.diff(dim=0).abs().mean()) == pytest.approx(float(steps), rel=0.1)


def test_unknown_boundaries_stay_unknown_at_every_size():
    boundary = torch.zeros(1, 4, 4, dtype=torch.uint8)
    boundary[0, :, :2] = UNKNOWN
    depth_m = torch.tensor([[[2.0, 2.0, 6.0, 6.0]] * 4])
    for size in (2, 4, 8):
        _, z, edge = resample(torch.zeros(3, 4, 4, dtype=torch.uint8), depth_m, boundary, size, size)
        assert edge[0].tolist() == [[UNKNOWN] * (size // 2) + [0] * (size // 2)] * size
        assert set(z.flatten().tolist()) == {2.0, 6.0}


def test_a_crop_looks_as_if_one_stood_nearer():
    """A wall of stripes: what they measure in pixels per metre and the depth must agree in every crop."""
    width = 192
    period_px = 24
    stripes = ((torch.arange(width) // (period_px // 2)) % 2 * 200).to(torch.uint8)
    views = one_view(torch.full((144, width), 4.0), rgb=stripes.expand(3, 144, width), focal=0.8)
    canonical, seen = 0.8, set()
    for seed in range(12):
        batch = training_batch(views, torch.tensor([0]), width, 144, canonical, torch.Generator().manual_seed(seed))
        z_m = float(batch.depth_m.unique())
        line = colours(batch.image[0])[0].mean(dim=0)
        light = (line > (line.max() + line.min()) / 2).int()
        edges = torch.nonzero(light.diff())[:, 0]
        half_period_px = float(edges[-1] - edges[0]) / (len(edges) - 1)
        # 12 px were 12 / (0.8 * 192) * 4 m; the canonical camera must measure the same.
        assert half_period_px / (canonical * width) * z_m == pytest.approx(12 / (0.8 * width) * 4.0, rel=0.03)
        assert 0.85 * 4 * 0.99 <= z_m <= 4.0
        seen.add(round(z_m, 3))
    assert len(seen) > 6


def test_the_same_generator_gives_the_same_batch_and_another_another(tmp_path):
    shard(tmp_path / "a.npz", height=32, width=32)
    views, indices = load_views(tmp_path), torch.tensor([2, 0])
    one, same, other = (training_batch(views, indices, 32, 32, 0.8, torch.Generator().manual_seed(seed))
                        for seed in (1, 1, 2))
    for name in ("image", "depth_m", "boundary"):
        assert torch.equal(getattr(one, name), getattr(same, name))
        assert not torch.equal(getattr(one, name), getattr(other, name))
    assert one.image.shape == (2, 3, 32, 32) and one.depth_m.shape == one.boundary.shape == (2, 1, 32, 32)


def test_mirroring_takes_the_truth_along():
    ramp = torch.arange(64.0).expand(64, 64)
    rgb = (ramp * 3).to(torch.uint8).expand(3, 64, 64)
    boundary = torch.zeros(64, 64, dtype=torch.uint8)
    boundary[:, 40:42] = 1
    depth_m = 1 + ramp / 16
    views = one_view(depth_m, boundary, rgb)
    directions = set()
    for seed in range(8):
        batch = training_batch(views, torch.tensor([0]), 64, 64, 0.8, torch.Generator().manual_seed(seed))
        line = colours(batch.image[0]).mean(dim=(0, 1))
        mirrored = bool(line[5] > line[-6])
        assert bool(batch.depth_m[0, 0, 32, 0] > batch.depth_m[0, 0, 32, -1]) == mirrored
        at = float(torch.nonzero(batch.boundary[0, 0, 32])[:, 0].float().mean())
        assert 0.85 * 3.4 <= float(batch.depth_m[0, 0, 32, round(at)]) <= 3.7       # it lay at 3.5 m, crops come nearer
        directions.add(mirrored)
    assert directions == {True, False}


def test_photometric_changes_touch_colours_only():
    depth_m = torch.rand(32, 32) + 2
    views = one_view(depth_m, rgb=torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8))
    images = [colours(training_batch(views, torch.tensor([0]), 32, 32, 0.8, torch.Generator().manual_seed(seed)).image[0])
              for seed in range(6)]
    assert all(float(image.min()) >= -1e-5 and float(image.max()) <= 1 + 1e-5 for image in images)
    means = [float(image.mean()) for image in images]
    assert max(means) - min(means) > 0.02


def test_some_pictures_get_a_patch_of_light_and_their_depth_stays():
    views = one_view(torch.full((64, 64), 2.0))             # grey: without a patch every block of it is as bright
    patched = 0
    for seed in range(60):
        batch = training_batch(views, torch.tensor([0]), 64, 64, 0.8, torch.Generator().manual_seed(seed))
        blocks = torch.nn.functional.avg_pool2d(colours(batch.image[0]), 8)
        patched += bool((blocks.amax() - blocks.amin(dim=(1, 2)).amax()) > 0.08)
        assert float(batch.depth_m.max() - batch.depth_m.min()) == 0.0 and not batch.boundary.any()
    assert 4 <= patched <= 24


def test_whole_views_stay_where_they_are_at_both_sizes():
    """Mirrored maybe, but neither cropped nor turned."""
    depth_m = 1 + torch.rand(64, 64)
    boundary = (torch.rand(64, 64) < 0.1).to(torch.uint8)
    views = one_view(depth_m, boundary, focal=0.4)
    for size in (64, 32):
        _, z, edge = resample(*views.view(0)[:3], size, size)
        for seed in range(8):
            batch = training_batch(views, torch.tensor([0]), size, size, 0.8, torch.Generator().manual_seed(seed), whole=1.0)
            mirrored = not torch.equal(batch.boundary[0], edge)
            torch.testing.assert_close(batch.depth_m[0], 2 * (z.flip(-1) if mirrored else z))
            assert torch.equal(batch.boundary[0], edge.flip(-1) if mirrored else edge)


def test_a_share_of_the_views_is_whole():
    views = one_view(torch.full((48, 48), 2.0), focal=0.8)
    batch = training_batch(views, torch.zeros(200, dtype=torch.long), 48, 48, 0.8, torch.Generator().manual_seed(3), whole=0.7)
    whole = int((batch.depth_m.amax(dim=(1, 2, 3)) == 2.0).sum())
    assert 120 <= whole <= 160                                      # a crop comes nearer


# --- classes ---

def test_shards_without_classes_are_unknown_and_those_with_them_are_read(tmp_path):
    shard(tmp_path / "a.npz", views=2)
    classes = np.arange(2 * 8 * 12, dtype=np.uint8).reshape(2, 8, 12) % 20
    shard(tmp_path / "b.npz", views=2, classes=classes)
    views = load_views(tmp_path, limit=3)
    assert (views.classes[:2] == UNKNOWN_CLASS).all() and len(views.classes) == 3
    assert torch.equal(views.view(2).classes[0], torch.from_numpy(classes[0]))
    shard(tmp_path / "c.npz", views=2, classes=classes + 20)
    with pytest.raises(ValueError, match="c.npz: class id 39 is above the table of 20"):
        load_views(tmp_path)


def test_classes_are_cropped_and_mirrored_with_their_picture():
    """A picture whose red is its class: wherever a crop comes from, both agree."""
    classes = torch.arange(48, dtype=torch.uint8)[None].expand(32, -1) // 3
    views = one_view(torch.full((32, 48), 2.0), rgb=(15 * classes).expand(3, -1, -1), classes=classes)
    plain = plain_batch(views, torch.tensor([0]), 24, 16, 0.8)
    assert torch.equal(plain.classes[0, 0], classes[1::2, 1::2])
    mirrored = 0
    for seed in range(6):
        batch = training_batch(views, torch.tensor([0]), 48, 32, 0.8, torch.Generator().manual_seed(seed))
        row = batch.classes[0, 0, 10].int()
        mirrored += int(row[0] > row[-1])
        assert (row.diff().sign() * (1 if row[0] < row[-1] else -1) >= 0).all()
        colour = batch.image[0, 0, 10]
        assert torch.corrcoef(torch.stack([colour, row.float()]))[0, 1] > 0.8
    assert 0 < mirrored < 6


# --- turns ---

def test_no_turn_changes_nothing():
    views = one_view(1 + torch.rand(12, 16), torch.randint(0, 2, (12, 16), dtype=torch.uint8),
                     torch.randint(0, 256, (3, 12, 16), dtype=torch.uint8))
    turned = turn(views.view(0), np.zeros(3))
    for one, other in zip(turned, views.view(0)):
        torch.testing.assert_close(torch.as_tensor(one), torch.as_tensor(other), check_dtype=False)


@pytest.mark.parametrize("angles_rad", [(0.05, 0, 0), (0, -0.05, 0), (0, 0, 0.05), (0.03, 0.04, -0.05)])
def test_a_turned_camera_sees_a_wall_where_geometry_says(angles_rad):
    """A wall 3 m ahead, square to the old camera: in the new frame a plane 3 m away with a turned normal."""
    rows, columns, focal = 48, 64, 0.8
    views = one_view(torch.full((rows, columns), 3.0), focal=focal)
    _, z, _, longer, *_ = turn(views.view(0), np.array(angles_rad))
    normal = Rotation.from_euler("XYZ", angles_rad).as_matrix().T @ (0, 0, 1)
    v, u = np.mgrid[:rows, :columns]
    rays = np.stack([(u - 31.5) / (longer * columns), (v - 23.5) / (longer * columns), np.ones_like(u)], -1)
    np.testing.assert_allclose(z[0].numpy(), 3.0 / (rays @ normal), rtol=1e-5)
    assert focal < longer < 1.3 * focal


def test_what_is_to_the_right_moves_left_when_the_camera_turns_to_it():
    rows, columns, turned_by = 96, 128, 0.05
    lit = torch.zeros(rows, columns)
    lit[46:50, 94:98] = 1.0                                         # 32 px right of the centre
    views = one_view(2 + lit, lit.to(torch.uint8), (200 * lit).to(torch.uint8).expand(3, -1, -1), classes=lit.to(torch.uint8))
    rgb, z, boundary, longer, _, classes = turn(views.view(0), np.array([0, turned_by, 0]))
    expected = 63.5 + longer * columns * np.tan(np.arctan(32 / (0.8 * columns)) - turned_by)
    for found in (rgb[0] > 100, z[0] > 2.5, boundary[0] == 1, classes[0] == 1):
        v, u = np.nonzero(found.numpy())
        assert u.mean() == pytest.approx(expected, abs=0.7) and v.mean() == pytest.approx(47.5, abs=0.7)


def test_a_turned_view_has_no_pixel_from_outside():
    """Of a picture whose every pixel tells its place, none is repeated along the border."""
    rows, columns = 48, 64
    place = 1 + torch.arange(rows * columns).reshape(rows, columns) / 64
    views = one_view(place, focal=0.8)
    for seed in range(5):
        angles_rad = np.random.default_rng(seed).uniform(-0.05, 0.05, 3)
        z = turn(views.view(0), angles_rad).depth_m
        for edge in (z[0, 0], z[0, -1]):
            assert (edge.diff().abs() > 0).float().mean() > 0.9


def test_small_pictures_are_turned_at_times_and_those_at_their_own_size_never():
    views = one_view(torch.full((64, 64), 2.0), focal=0.8)
    slanted = []
    for size in (64, 32):
        batch = training_batch(views, torch.zeros(100, dtype=torch.long), size, size, 0.8, torch.Generator().manual_seed(5))
        slanted.append(int((batch.depth_m.amax(dim=(1, 2, 3)) - batch.depth_m.amin(dim=(1, 2, 3)) > 1e-4).sum()))
    assert slanted[0] == 0 and 25 <= slanted[1] <= 55
