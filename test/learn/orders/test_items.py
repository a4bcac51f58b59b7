# SPDX-License-Identifier: Apache-2.0
"""Pairs to train on: what is drawn says what it shows, and is what the official code draws."""
import importlib.util
from functools import partial

import numpy as np
import pytest
from numpy.random import RandomState

from modot_ros.learn.datasets.order_sample import DepthRelation, OrderSample, OrderTruth
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.orders.items import (
    A_OVER_B,
    B_OVER_A,
    BOTH,
    MODES,
    NONE,
    DepthItems,
    OcclusionItems,
    PairItem,
    depth_item,
    occlusion_item,
)
from modot_ros.learn.orders.losses import CLOSER, EQUAL, FARTHER

HEIGHT, WIDTH = 20, 40


def truth(occlusion, depths=()):
    """Instance k is a bar of k + 1 columns, so that its mask says which one it is."""
    modal = np.zeros((len(occlusion), HEIGHT, WIDTH), np.uint8)
    for k, mask in enumerate(modal):
        mask[5:15, 4 + 8 * k:5 + 9 * k] = 1
    boxes = np.array([[4 + 8 * k, 5, k + 1, 10] for k in range(len(occlusion))], float)
    return OrderTruth("picture", modal, boxes, np.ones(len(occlusion), int), np.array(occlusion), None, tuple(depths))


RGB = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
ONE_WAY = [[0, 1], [0, 0]]


def instance(mask):
    """Which instance a mask of a squeezed picture shows."""
    return int(mask.any(axis=0).sum()) * WIDTH // mask.shape[1] - 1


def test_labels_follow_the_masks_through_every_flip_and_swap():
    seen = set()
    for seed in range(40):
        item = occlusion_item(RGB, truth(ONE_WAY), RandomState(seed), "resize", WIDTH)
        a, b = instance(item.mask_a), instance(item.mask_b)
        assert {a, b} == {0, 1} and item.occlusion.tolist() == [float(b == 0), float(a == 0)]
        assert item.order_class == (A_OVER_B if a == 0 else B_OVER_A)
        seen.add((a, bool(item.mask_a[:, :WIDTH // 2].any())))
    assert len(seen) == 4


def test_the_published_class_of_a_reversed_pair_is_none():
    published = [occlusion_item(RGB, truth(ONE_WAY), RandomState(seed), "resize", WIDTH, as_published=True)
                 for seed in range(40)]
    assert {item.order_class for item in published} == {A_OVER_B, B_OVER_A, NONE}
    assert all(item.occlusion.sum() == 1 for item in published)


def test_mutual_occlusion_is_a_class_of_its_own_or_one_of_its_directions():
    mutual = truth([[0, 1], [1, 0]])
    four = {occlusion_item(RGB, mutual, RandomState(seed), "resize", 16).order_class for seed in range(20)}
    three = {occlusion_item(RGB, mutual, RandomState(seed), "resize", 16, classes=3).order_class for seed in range(20)}
    assert four == {BOTH} and three == {A_OVER_B, B_OVER_A}


def test_seven_of_ten_pairs_occlude():
    flat = truth([[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    drawn = [occlusion_item(RGB, flat, RandomState(seed), "resize", 4) for seed in range(400)]
    # A fifth of the others is the one-way pair the other way round.
    assert np.mean([item.occlusion.any() for item in drawn]) == pytest.approx(0.7 + 0.3 / 5, abs=0.06)


def test_depth_labels_follow_the_masks():
    closer, equal = DepthRelation(1, 0, False, True, 4), DepthRelation(0, 1, True, False, 2)
    for seed in range(20):
        item = depth_item(RGB, truth(ONE_WAY), closer, RandomState(seed), "resize", WIDTH)
        assert item.depth == (CLOSER if instance(item.mask_a) == 1 else FARTHER)
        assert item.occlusion.tolist() == [float(instance(item.mask_b) == 0), float(instance(item.mask_a) == 0)]
        assert item.overlap is True and item.count == 4
        assert depth_item(RGB, truth(ONE_WAY), equal, RandomState(seed), "resize", 16).depth == EQUAL


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_squares(mode):
    item = occlusion_item(RGB, truth(ONE_WAY), RandomState(1), mode, 80)
    assert item.rgb.shape == (3, 80, 80) and item.rgb.dtype == np.float32
    assert item.mask_a.shape == item.mask_b.shape == (80, 80) and item.mask_a.any() and item.mask_b.any()


def test_patches_move_in_training_only():
    def corners(draw, training):
        """Where the upper left instance begins in twelve patches."""
        items = [draw(RandomState(seed), "patch", 64, training) for seed in range(12)]
        return {tuple(np.argwhere(item.mask_a | item.mask_b).min(axis=0).tolist()) for item in items}

    relation = DepthRelation(0, 1, False, False, 2)
    for draw in (partial(occlusion_item, RGB, truth(ONE_WAY)), partial(depth_item, RGB, truth(ONE_WAY), relation)):
        assert len(corners(draw, training=False)) == 2 < len(corners(draw, training=True))     # two: as is, and flipped
    moved, still = (DepthItems(pictures(truth(ONE_WAY, [relation])), [(0, 0)], RandomState(0), "patch", 64, training)[0]
                    for training in (True, False))
    assert (moved.rgb != still.rgb).any()


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="unknown mode 'whole'; choices: patch, resize, image"):
        occlusion_item(RGB, truth(ONE_WAY), RandomState(0), "whole")
    with pytest.raises(ValueError, match="picture: no instance occludes"):
        occlusion_item(RGB, truth([[0, 0], [0, 0]]), RandomState(0))


def pictures(*truths):
    entries = {str(k): found for k, found in enumerate(truths)}
    return PictureSet("set", entries, lambda _, found: OrderSample(RGB, found))


def test_a_picture_without_occlusion_stands_for_another():
    items = OcclusionItems(pictures(truth([[0, 0], [0, 0]]), truth(ONE_WAY)), RandomState(0), "resize", 16)
    assert len(items) == 2 and isinstance(items[0], PairItem) and items[0].occlusion.sum() == 1
    with pytest.raises(ValueError, match="no occlusion in a hundred"):
        OcclusionItems(pictures(truth([[0, 0], [0, 0]])), RandomState(0))[0]


def test_every_annotated_depth_order_is_an_item():
    relations = (DepthRelation(0, 1, False, False, 2), DepthRelation(0, 1, True, False, 5))
    items = DepthItems(pictures(truth(ONE_WAY, relations)), [(0, 0), (0, 1)], RandomState(0), "resize", 16)
    assert len(items) == 2 and items[1].depth == EQUAL and items[1].count == 5


@pytest.fixture(scope="module")
def official(shared_golden):
    """Items by their names, and the picture and the annotations that they were drawn from."""
    folder = shared_golden / "instaorder"
    spec = importlib.util.spec_from_file_location("golden_fill", folder / "golden_fill.py")
    fill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill)
    with np.load(folder / "dataset_items.npz") as arrays:
        items = dict(arrays)
    modal, boxes = fill.scene(97, 131, 5)
    relations = []
    for order, overlap, count in zip(items["depth_orders"], items["depth_overlap"], items["depth_count"]):
        equal = "=" in order
        first, second = (int(index) for index in str(order).split("=" if equal else "<"))
        relations.append(DepthRelation(first, second, equal, bool(overlap), int(count)))
    scene = OrderTruth("scene", modal, boxes, np.ones(5, int), items["occ_gt"], None, tuple(relations))
    return items, fill.image_u8(97, 131), scene


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["occ_patch_train", "occ_patch_val", "ordernet_ext_patch_train", "depth_resize_train",
                                  "od_resize_train", "depth_image_train"])
def test_items_are_the_official_ones(official, name, seed):
    items, rgb, scene = official
    kind, mode, phase = name.rsplit("_", 2)
    if kind in ("occ", "ordernet_ext"):
        item = occlusion_item(rgb, scene, RandomState(seed), mode, 64, phase == "train", as_published=True)
        labels = item.occlusion.tolist() if kind == "occ" else [item.order_class]
    else:
        item = depth_item(rgb, scene, scene.depths[seed], RandomState(seed), mode, 64)
        labels = [item.depth, item.count, item.overlap, *(item.occlusion.tolist() if kind == "od" else [])]
    assert labels == items[f"{name}/s{seed}/labels"].tolist()
    assert (item.mask_a == items[f"{name}/s{seed}/m1"]).all() and (item.mask_b == items[f"{name}/s{seed}/m2"]).all()
    np.testing.assert_allclose(item.rgb[:, ::4, ::4], items[f"{name}/s{seed}/rgb"], atol=1e-6)
