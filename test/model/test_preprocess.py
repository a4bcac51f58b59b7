# SPDX-License-Identifier: Apache-2.0
"""From a picture of any size to the network's input."""
import numpy as np
import pytest
import torch

from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN, fit_size, normalise, to_input


@pytest.mark.parametrize("picture, fitted", [
    ((640, 480), (256, 192)), ((256, 192), (256, 192)), ((480, 640), (192, 256)), ((1280, 720), (296, 166)),
    ((10, 10), (222, 222)), ((1, 1), (222, 222)), ((100000, 1), (70108, 1)), ((1, 100000), (1, 70108))])
def test_size_has_the_pictures_shape_and_the_working_area(picture, fitted):
    assert fit_size(*picture, (256, 192)) == fitted


def test_a_picture_of_the_working_size_only_changes_its_numbers():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    image, size = to_input(rgb, (96, 64), 32)
    assert size == (96, 64) and image.shape == (1, 3, 64, 96) and image.dtype == torch.float32
    expected = (rgb / 255.0 - IMAGE_MEAN) / IMAGE_DEVIATION
    np.testing.assert_allclose(image[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)
    assert image.is_contiguous(memory_format=torch.channels_last)


def test_padding_repeats_the_last_row_and_column():
    rgb = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    image, size = to_input(rgb, (70, 50), 32)
    assert size == (70, 50) and image.shape == (1, 3, 64, 96)
    assert torch.equal(image[..., :50, 70:], image[..., :50, 69:70].expand(1, 3, 50, 26))
    assert torch.equal(image[..., 50:, :], image[..., 49:50, :].expand(1, 3, 14, 96))
    whole, _ = to_input(rgb, (70, 50), 1)
    assert torch.equal(image[..., :50, :70], whole)


def test_shrinking_averages_pixels():
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[::2, ::2] = 200                                     # one of four in every 2x2
    image, size = to_input(rgb, (32, 32), 32)
    assert size == (32, 32)
    expected = normalise(torch.full((1, 3, 32, 32), 50 / 255))
    torch.testing.assert_close(image, expected)


def test_enlarging_goes_smoothly():
    rgb = np.repeat(np.array([[[0] * 3, [240] * 3]], np.uint8), 2, axis=0)      # two columns
    image, size = to_input(rgb, (32, 32), 32)
    grey = image[0, 0, 16] * IMAGE_DEVIATION[0] + IMAGE_MEAN[0]
    assert size == (32, 32) and (grey.diff() >= 0).all() and len(set(grey.tolist())) > 15


def test_without_a_working_size_the_picture_keeps_its_own():
    image, size = to_input(np.zeros((33, 47, 3), np.uint8), None, 32)
    assert size == (47, 33) and image.shape == (1, 3, 64, 64)


def test_normalise_by_hand():
    image = normalise(torch.tensor([1.0, 0.5, 0.0]).reshape(1, 3, 1, 1))
    assert image.flatten().tolist() == pytest.approx([(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225])


@pytest.mark.parametrize("rgb, said", [
    (np.zeros((4, 4), np.uint8), r"uint8 \[4, 4\]"), (np.zeros((4, 4, 4), np.uint8), r"\[4, 4, 4\]"),
    (np.zeros((4, 4, 3), np.float32), "float32"), (np.zeros((0, 4, 3), np.uint8), r"\[0, 4, 3\]")])
def test_what_is_no_picture_is_named(rgb, said):
    with pytest.raises(ValueError, match=f"picture is .*{said}"):
        to_input(rgb, (64, 64), 32)
