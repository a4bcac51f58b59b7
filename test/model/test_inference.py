# SPDX-License-Identifier: Apache-2.0
"""One picture through a loaded network, with a tiny one."""
import numpy as np
import pytest
import torch

from modot_ros.model import build_network, load_network, run, save_checkpoint
from modot_ros.model.preprocess import normalise

TINY = {"encoder_channels": [8, 8, 8, 8, 8], "decoder_channels": [8, 8, 8], "detail_channels": 4}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    torch.manual_seed(0)
    network = build_network("modot_nano", **TINY)
    for head in (network.depth_head, network.boundary_head):
        torch.nn.init.normal_(head.out.weight, std=0.3)     # maps with something in them
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, network, "modot_nano", config=TINY, canonical_focal=0.8, working_size=(96, 64))
    return load_network("modot_nano", path, "cpu")


def picture(height, width):
    coarse = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    return coarse


def test_a_picture_of_the_working_size_is_the_network_itself(loaded):
    rgb = picture(64, 96)
    depth_m, probability, *_ = run(loaded, rgb)
    assert depth_m.dtype == probability.dtype == np.float32
    image = normalise(torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255)
    expected_m, logits = loaded.network(image)
    np.testing.assert_allclose(depth_m, expected_m[0, 0].numpy(), rtol=1e-4)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logits[-1][0, 0].numpy())), atol=1e-5)
    assert np.ptp(depth_m) > 0.1 and np.ptp(probability) > 0.01


@pytest.mark.parametrize("picture_size, map_size", [
    ((480, 640), (68, 91)), ((33, 47), (66, 94)), ((1, 1), (78, 78)), ((500, 100), (175, 35)), ((64, 96), (64, 96))])
def test_maps_of_any_picture_are_the_unpadded_working_size(loaded, picture_size, map_size):
    depth_m, probability, *_ = run(loaded, picture(*picture_size))
    assert depth_m.shape == probability.shape == map_size
    assert np.isfinite(depth_m).all() and depth_m.min() >= 0.1 and depth_m.max() <= 20
    assert probability.min() >= 0 and probability.max() <= 1
    assert depth_m.flags["C_CONTIGUOUS"] and probability.flags["C_CONTIGUOUS"]


def test_padding_is_cut_off_at_the_right_and_at_the_bottom(loaded):
    rgb = picture(68, 91)                                   # 91 * 68 is about the working area: only padding happens
    depth_m, *_ = run(loaded, rgb)
    padded = np.pad(rgb, ((0, 28), (0, 5), (0, 0)), mode="edge")
    expected, _ = loaded.network(normalise(torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255))
    np.testing.assert_allclose(depth_m, expected[0, 0, :68, :91].numpy(), rtol=1e-4)


def test_what_is_not_asked_for_is_not_computed(loaded):
    ran = []
    handles = [getattr(loaded.network, head).register_forward_hook(lambda *_, head=head: ran.append(head))
               for head in ("depth_head", "boundary_head")]
    try:
        depth_m, probability, *_ = run(loaded, picture(64, 96), boundary=False)
        assert depth_m is not None and probability is None and ran == ["depth_head"]
        depth_m, probability, *_ = run(loaded, picture(64, 96), depth=False)
        assert depth_m is None and probability is not None and ran == ["depth_head", "boundary_head"]
    finally:
        for handle in handles:
            handle.remove()


def test_flip_makes_a_mirrored_picture_a_mirrored_result(loaded):
    rgb = picture(64, 96)
    depth_m, probability, *_ = run(loaded, rgb, flip=True)
    mirrored_m, mirrored, *_ = run(loaded, np.ascontiguousarray(rgb[:, ::-1]), flip=True)
    np.testing.assert_allclose(mirrored, probability[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(mirrored_m[:, 20:-20], depth_m[:, ::-1][:, 20:-20], rtol=1e-4)
    assert not np.allclose(run(loaded, rgb)[1], probability, atol=1e-5)


def test_a_view_into_a_larger_picture_will_do(loaded):
    whole = picture(128, 192)
    np.testing.assert_array_equal(run(loaded, whole[::2, ::-2])[0], run(loaded, whole[::2, ::-2].copy())[0])


def test_what_is_no_picture_is_named(loaded):
    with pytest.raises(ValueError, match=r"float32 \[4, 4, 3\]"):
        run(loaded, np.zeros((4, 4, 3), np.float32))
