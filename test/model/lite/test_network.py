# SPDX-License-Identifier: Apache-2.0
"""`modot_lite`: shapes, ranges, what is skipped, and what the uncertainty may change."""
import pytest
import torch

from modot_ros.model import build_network, load_network, save_checkpoint
from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.layers.coupled import LOG_DEPTH_STD_RANGE

TINY = {"decoder_channels": (16, 16, 16), "global_blocks": 1, "detail_channels": 4}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network("modot_lite", **TINY).eval()


@pytest.mark.parametrize("height, width", [(32, 32), (64, 96), (160, 32)])
@torch.no_grad()
def test_all_maps_have_the_size_of_the_picture(network, height, width):
    depth_m, logits, std = network(torch.randn(2, 3, height, width))
    assert depth_m.shape == logits[-1].shape == std.shape == (2, 1, height, width) and len(logits) == 1
    low, high = LOG_DEPTH_STD_RANGE
    assert ((std > low) & (std < high)).all() and ((depth_m > 0.1) & (depth_m < 40)).all()


@torch.no_grad()
def test_heads_that_are_not_wanted_do_not_run(network):
    image = torch.randn(1, 3, 32, 32)
    assert network(image, depth=False)[0] is None and network(image, depth=False)[2] is None
    assert network(image, boundary=False)[1] is None


def test_training_has_three_auxiliary_maps(network):
    _, logits, _ = network.train()(torch.randn(2, 3, 64, 64))
    assert [tuple(x.shape) for x in logits] == [(2, 1, 64, 64)] * 4


def test_the_uncertainty_changes_nothing_but_its_own_head(network):
    network(torch.randn(1, 3, 32, 32))[2].sum().backward()
    touched = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert touched == {"uncertainty_head"}


@torch.no_grad()
def test_folding_batch_norms_changes_nothing(network):
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    image = torch.randn(1, 3, 64, 64)
    before = network(image)
    after = fold_batch_norms(network)(image)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    for one, other in zip((before[0], before[1][-1], before[2]), (after[0], after[1][-1], after[2])):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_other_sizes_are_named(network):
    with pytest.raises(ValueError, match="33x32"):
        network(torch.zeros(1, 3, 32, 33))


@torch.no_grad()
def test_what_is_written_is_what_is_loaded(network, tmp_path):
    image = torch.randn(1, 3, 64, 96)
    before = network(image)
    save_checkpoint(tmp_path / "w.safetensors", network, "modot_lite", config=TINY, canonical_focal=0.8, working_size=(96, 64))
    loaded = load_network("modot_lite", tmp_path / "w.safetensors", "cpu")
    after = loaded.network(image.to(memory_format=torch.channels_last))
    for one, other in zip((before[0], before[1][-1], before[2]), (after[0], after[1][-1], after[2])):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
