# SPDX-License-Identifier: Apache-2.0
"""What order networks see: bit for bit what the official code makes, and small cases worked out by hand."""
import cv2
import numpy as np
import pytest

from modot_ros.model.instaorder.pair_input import (
    centred_square,
    check_input,
    crop,
    enlarged_box,
    mask_box,
    nearest_multiple,
    normalised,
    pair_window,
    patch_input,
    resized_mask,
    resized_picture,
    whole_input,
)
from modot_ros.model.preprocess import IMAGE_DEVIATION


@pytest.fixture(scope="module")
def stored(order_golden):
    with np.load(order_golden.folder / "preprocess.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def scene(order_golden):
    with np.load(order_golden.folder / "pipe_scene.npz") as file:
        return dict(file)


def test_boxes_and_windows_are_the_official_ones(stored, scene):
    for boxes, enlarged in (("boxes", "expanded"), ("rand_boxes", "rand_expanded")):
        assert [list(enlarged_box(box)) for box in stored[boxes]] == stored[enlarged].tolist()
    assert [list(enlarged_box(box)) for box in scene["boxes"]] == scene["expanded_boxes"].tolist()
    for k, windows in enumerate(stored["pair_crops_expanded_then_raw"]):
        for source, window in zip(("rand_expanded", "rand_boxes"), windows):
            assert list(pair_window(*stored[source][2 * k:2 * k + 2])) == window.tolist()
    assert [list(mask_box(mask)) for mask in stored["masks"]] == stored["mask_to_bbox"].tolist()


def test_crops_are_the_official_ones(stored):
    for k in range(7):
        window = tuple(stored[f"roi{k}"].tolist())
        np.testing.assert_array_equal(crop(stored["image"], window), stored[f"crop_img{k}"])
        crops = [crop(mask, window).squeeze() for mask in stored["masks"]]
        assert any(np.array_equal(found, stored[f"crop_mask{k}"]) for found in crops)


def test_resizing_and_colours_are_the_official_ones(stored):
    np.testing.assert_array_equal(resized_picture(stored["image"], 64, 64), stored["resize64"])
    np.testing.assert_array_equal(resized_picture(stored["image"], 96, 160), stored["resize96x160"])
    np.testing.assert_array_equal(normalised(stored["image"]), stored["rgb_norm"])
    cubic = cv2.resize(stored["big"], (256, 256), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(cubic[::3, ::3], stored["cubic256"])
    assert any(np.array_equal(resized_mask(mask, 256, 256), stored["nearest256"]) for mask in stored["masks"])
    assert any(np.array_equal(resized_mask(mask, 50, 50), stored["nearest50"]) for mask in stored["masks"])


def test_sides_are_rounded_to_multiples_of_32_and_never_to_nothing(stored):
    found = [nearest_multiple(side) for side in stored["closest32_in"].tolist()]
    assert found == np.maximum(stored["closest32"], 32).tolist()


@pytest.mark.parametrize("file, mode, size", [("d_resize384_all", "resize", 384), ("o_resize64_nbor", "resize", 64),
                                              ("o_image64_nbor", "image", 64), ("o_orig64_nbor", "orig", 64)])
def test_the_input_of_whole_pictures_is_the_official_one(order_golden, scene, file, mode, size):
    picture, masks = whole_input(scene["image"], scene["masks"], mode, size)
    with np.load(order_golden.folder / f"pipe_{file}.npz") as golden:
        expected = golden["call0/in0"][0]
    np.testing.assert_array_equal(np.concatenate([masks[:2].numpy(), picture[0].numpy()]), expected)


def test_the_input_of_patches_is_the_official_one(order_golden, scene):
    window = pair_window(*scene["expanded_boxes"][:2])
    picture, masks = patch_input(scene["image"], *scene["masks"][:2], window, 256)
    with np.load(order_golden.folder / "pipe_o_patch256_all.npz") as golden:
        for call, shown in (("call0/in0", masks), ("call1/in0", masks.flip(0))):
            np.testing.assert_array_equal(shown.numpy(), golden[call][0, :2])
            # OpenCV's cubic filter rounds to another grey level at single pixels on CPUs with AVX-512.
            levels = np.abs(picture.numpy() - golden[call][0, 2:]) * 255 * np.array(IMAGE_DEVIATION)[:, None, None]
            assert levels.max() < 1.01 and np.count_nonzero(levels) <= 1e-5 * levels.size


def test_a_crop_is_zero_where_there_is_no_picture():
    image = np.arange(1, 7, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(crop(image, (-1, 1, 3, 2)), [[0, 4, 5], [0, 0, 0]])
    np.testing.assert_array_equal(crop(image, (2, -1, 2, 2)), [[0, 0], [3, 0]])
    assert not crop(image, (9, 9, 2, 2)).any() and crop(image, (0, 0, 3, 2)).base is not image


def test_squares_are_cut_towards_zero_and_only_windows_are_never_empty():
    assert enlarged_box((10, 10, 4, 3)) == (9, 8, 6, 6)          # side sqrt(36) around 12, 11.5; 8.5 is cut
    assert enlarged_box((0, 0, 10, 1)) == (0, -5, 11, 11)        # 1.1 times the longer side; -0.5 is cut to 0
    assert enlarged_box((5, 5, 0.2, 0.2)) == (4, 4, 0, 0)        # 5.1 - 0.17
    assert enlarged_box((4, 9, 0, 10)) == (-1, 8, 11, 11)        # a line has no area, but a longer side
    assert pair_window((4, 4, 0, 0), (4, 4, 0, 0)) == (4, 4, 1, 1)
    assert pair_window((4, 4, 0, 0), (10, 4, 0, 0)) == (3, 0, 6, 6)        # a side of 6.6 around 7, 4
    assert pair_window((0, 0, 2, 2), (6, 4, 2, 4)) == (-1, -1, 11, 11)     # box 0, 0, 8, 8; side sqrt(128)


def test_a_picture_becomes_square_around_its_centre():
    assert centred_square(4, 8) == (0, -2, 8, 8) and centred_square(8, 4) == (-2, 0, 8, 8)
    assert centred_square(4, 7) == (0, -1, 7, 7) and centred_square(7, 4) == (-1, 0, 7, 7)     # 3 // 2 before
    assert crop(np.ones((1, 2), np.uint8), centred_square(1, 2)).tolist() == [[1, 1], [0, 0]]


def test_a_box_is_tight_and_that_of_nothing_is_empty():
    mask = np.zeros((5, 6), np.uint8)
    assert mask_box(mask) == (0, 0, 0, 0)
    mask[1, 2] = mask[3, 4] = 1
    assert mask_box(mask) == (2, 1, 3, 3)


@pytest.mark.parametrize("mode, size, said", [("crop", 256, "'crop'.*patch, resize, image, orig"), ("patch", 0, "0"),
                                              ("patch", 100, "100"), ("resize", -32, "-32")])
def test_a_mode_or_size_that_is_none_is_named(mode, size, said):
    with pytest.raises(ValueError, match=said):
        check_input(mode, size)
