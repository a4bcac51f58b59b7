# SPDX-License-Identifier: Apache-2.0
"""`modot_nano`, at a tiny size: shapes, ranges, what is skipped, and what its parts do."""
import math

import pytest
import torch

from modot_ros.model import MODELS, build_network
from modot_ros.model.layers.coupled import LOG_DEPTH_STD_RANGE, GlobalBlock, Refinement
from modot_ros.model.nano.network import ModotNano, ResidualBlock, shrink_of

TINY = {"encoder_channels": (8, 8, 8, 8, 8), "decoder_channels": (8, 8, 8), "fine_channels": 8, "detail_channels": 4}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network("modot_nano", **TINY)


def picture(height=64, width=96, count=1):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("height, width", [(32, 32), (64, 96), (160, 32), (160, 288)])
@torch.inference_mode()
def test_both_maps_have_the_size_of_the_picture(network, height, width):
    depth_m, logits = network.eval()(picture(height, width))
    assert depth_m.shape == (1, 1, height, width) and depth_m.dtype == torch.float32
    assert [tuple(map_.shape) for map_ in logits] == [(1, 1, height, width)]


def test_training_sees_three_more_boundary_maps_coarse_to_fine(network):
    _, logits = network(picture(count=2))
    assert [tuple(map_.shape) for map_ in logits] == [(2, 1, 64, 96)] * 4
    # An auxiliary at stride s is enlarged bilinearly: its second difference vanishes between the centres of its cells.
    for map_, stride in zip(logits, (16, 8, 4)):
        bend = map_.diff(n=2, dim=-1).abs().amax(dim=(0, 1, 2))
        assert bend[stride // 2:stride + stride // 2 - 2].max() < 1e-5 < bend.max()


@pytest.mark.parametrize("height, width, shrink", [
    (32, 32, 1), (96, 128, 1), (128, 160, 1), (160, 192, 2), (192, 256, 2), (160, 288, 2), (480, 640, 4), (960, 1280, 8)])
def test_the_first_look_is_of_about_the_same_size_whatever_the_picture(height, width, shrink):
    assert shrink_of(height, width) == shrink
    assert shrink == 1 or 0.5 < height * width / shrink ** 2 / (128 * 96) < 2.1


@torch.inference_mode()
def test_the_encoder_sees_the_picture_shrunk(network):
    seen = []
    network.eval().stem.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    image = picture(192, 256)
    network(image)
    torch.testing.assert_close(seen[0], image.unflatten(2, (96, 2)).unflatten(4, (128, 2)).mean((3, 5)))


@torch.inference_mode()
def test_only_the_second_look_sees_what_the_first_one_averages_out(network):
    """A change of two neighbours by +1 and -1 is gone when 2x2 pixels are averaged."""
    network.eval()
    torch.nn.init.normal_(network.depth_refinement.out.weight)
    for convs in (network.image_path.convs[0], network.image_path.convs[1]):
        convs.conv.weight.zero_()                       # the other way past the encoder
    image = picture(192, 256)
    other = image.clone()
    other[..., 100, 60] += 1.0
    other[..., 100, 61] -= 1.0
    difference = (network(image)[0] - network(other)[0]).abs()
    assert difference[..., 100, 60] > 0
    network.depth_refinement.out.weight.zero_()
    torch.testing.assert_close(network(image)[0], network(other)[0])


@torch.inference_mode()
def test_sides_that_the_first_look_cannot_halve_are_padded_and_cut_again(network):
    network.eval()
    image = picture(160, 288)                           # halves to 80x144, of which 32 is no divisor
    padded = torch.nn.functional.pad(image, (0, 32, 0, 32), mode="replicate")
    for given, cut in zip((network(image)[0], network(image)[1][0]), (network(padded)[0], network(padded)[1][0])):
        torch.testing.assert_close(given, cut[..., :160, :288])


@torch.inference_mode()
def test_a_fresh_network_says_three_metres_and_few_boundaries_everywhere(network):
    depth_m, logits = network.eval()(torch.zeros(1, 3, 32, 32))
    torch.testing.assert_close(depth_m, torch.full_like(depth_m, 3.0), rtol=0.1, atol=0.0)
    torch.testing.assert_close(logits[0], torch.full_like(logits[0], -2.0), rtol=0.1, atol=0.0)


@torch.inference_mode()
def test_depth_stays_in_its_range_whatever_the_weights():
    network = build_network("modot_nano", **TINY, min_depth_m=0.5, max_depth_m=8.0).eval()
    for bias, expected_m in ((50.0, 8.0), (-50.0, 0.5), (0.0, 2.0)):        # half of the logarithm: sqrt(0.5 * 8)
        network.depth_head.out.weight.zero_()
        network.depth_head.out.bias.fill_(bias)
        depth_m, _ = network(picture(), boundary=False)
        torch.testing.assert_close(depth_m, torch.full_like(depth_m, expected_m))


@pytest.mark.parametrize("wanted, head", [("depth", "boundary_head"), ("boundary", "depth_head")])
@torch.inference_mode()
def test_a_head_that_is_not_wanted_does_not_run(network, wanted, head):
    both = dict(zip(("depth", "boundary"), network.eval()(picture())))
    ran = []
    getattr(network, head).register_forward_hook(lambda *_: ran.append(head))
    alone = dict(zip(("depth", "boundary"), network(picture(), depth=wanted == "depth", boundary=wanted == "boundary")))
    other = alone.pop("depth" if wanted == "boundary" else "boundary")
    assert other is None and ran == []
    torch.testing.assert_close(alone[wanted], both[wanted])
    network(picture())
    assert ran == [head]


@pytest.mark.parametrize("laterals, head", [("boundary_laterals", "depth"), ("depth_laterals", "boundary")])
def test_each_branch_listens_to_the_other_at_every_scale(network, laterals, head):
    depth_m, logits = network.eval()(picture())
    (depth_m if head == "depth" else logits[0]).square().sum().backward()
    assert [bool(parameter.grad.abs().sum() > 0) for lateral in getattr(network, laterals)
            for parameter in lateral.parameters() if parameter.ndim > 1] == [True] * 3


@torch.inference_mode()
def test_centred_boundaries_put_the_threshold_at_one_half(network):
    _, before = network.eval()(picture())
    network.centre_boundary(0.8)
    _, after = network(picture())
    torch.testing.assert_close(after[0], before[0] - math.log(4.0))      # the logit of 0.8


@pytest.mark.parametrize("height, width", [(31, 64), (64, 50)])
def test_other_sizes_are_named(network, height, width):
    with pytest.raises(ValueError, match=f"image is {width}x{height}.*multiples of 32"):
        network(picture(height, width))


@pytest.mark.parametrize("low, high", [(0.0, 20.0), (-1.0, 20.0), (0.1, 2.0), (5.0, 20.0), (0.1, math.nan),
                                       (0.1, math.inf)])
def test_a_range_without_the_starting_depth_is_named(low, high):
    with pytest.raises(ValueError, match=f"min_depth_m={low}, max_depth_m={high}"):
        ModotNano(min_depth_m=low, max_depth_m=high)


def test_the_encoder_has_the_blocks_asked_for():
    network = ModotNano(**TINY, encoder_blocks=(1, 3, 2, 1), global_blocks=(0, 1, 0, 2))
    assert [[type(block) for block in stage] for stage in network.encoder] == [
        [ResidualBlock] * blocks + [GlobalBlock] * wide for blocks, wide in ((1, 0), (3, 1), (2, 0), (1, 2))]


def test_unknown_names_and_configs_are_named():
    with pytest.raises(ValueError, match="'modot_giant'.*modot_nano"):
        build_network("modot_giant")
    with pytest.raises(ValueError, match="wings.*modot_nano"):
        build_network("modot_nano", wings=2)
    assert "modot_nano" in MODELS


def test_the_default_is_small():
    with torch.device("meta"):
        network = build_network("modot_nano")
    assert 1e6 < sum(p.numel() for p in network.parameters()) < 6e6


@torch.inference_mode()
def test_a_block_without_convolutions_is_its_shortcut():
    block = ResidualBlock(4, 4).eval()
    block.conv2.weight.zero_()
    x = torch.randn(1, 4, 5, 7)
    torch.testing.assert_close(block(x), x.relu())
    assert ResidualBlock(4, 6, stride=2)(torch.randn(2, 4, 8, 10)).shape == (2, 6, 4, 5)


@torch.inference_mode()
def test_global_blocks_and_refinements_start_as_nothing():
    x, fine = torch.randn(2, 64, 3, 5), torch.randn(2, 4, 3, 5)
    assert torch.equal(GlobalBlock(64)(x), x)
    assert torch.equal(Refinement(64, 4)(x, fine), x)


def test_the_uncertainty_is_a_head_that_changes_nothing_else(network):
    torch.manual_seed(0)
    wider = build_network("modot_nano", uncertainty=True, **TINY)
    missing = wider.load_state_dict(network.state_dict(), strict=False).missing_keys
    assert missing and {name.split(".")[0] for name in missing} == {"uncertainty_head"}
    with torch.no_grad():
        (depth_m, logits), (same_m, same, std) = network.eval()(picture()), wider.eval()(picture())
    assert torch.equal(depth_m, same_m) and torch.equal(logits[0], same[0]) and std.shape == depth_m.shape
    low, high = LOG_DEPTH_STD_RANGE
    assert ((std > low) & (std < high)).all()
    assert wider(picture(), depth=False)[2] is None
    wider(picture())[2].sum().backward()
    assert {name.split(".")[0] for name, p in wider.named_parameters() if p.grad is not None} == {"uncertainty_head"}
