# SPDX-License-Identifier: Apache-2.0
"""`scribble_nano`: shapes, what it takes over from `modot_nano`, and what strokes change."""
import pytest
import torch

from modot_ros.model import build_network, load_network
from modot_ros.model.nano.scribbles import ScribbleNano

WIDTHS = {"decoder_channels": (8, 8, 8), "fine_channels": 8, "detail_channels": 4}
TINY = {"encoder_channels": (8, 8, 8, 8), **WIDTHS}
NANO = {"encoder_channels": (8, 8, 8, 8, 8), "encoder_blocks": (1, 3, 5, 1), "global_blocks": (0, 0, 4, 0), **WIDTHS}


def by_chance(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def network() -> ScribbleNano:
    torch.manual_seed(0)
    return build_network("scribble_nano", **TINY)


@pytest.mark.parametrize("height, width", [(32, 32), (33, 47), (150, 200), (192, 256)])
@torch.inference_mode()
def test_every_size_has_a_map_of_its_size(network, height, width):
    found = network.eval()(by_chance(1, 6, height, width))
    assert [tuple(one.shape) for one in found] == [(1, 1, height, width)]
    assert [tuple(one.shape) for one in network.train()(by_chance(2, 6, height, width))] == [(2, 1, height, width)] * 4


def test_other_channels_are_refused(network):
    with pytest.raises(ValueError, match=r"input is \[1, 3, 32, 32\]: must be \[N, 6, H, W\]"):
        network(by_chance(1, 3, 32, 32))


@torch.no_grad()
def test_it_begins_with_what_modot_nano_knows_and_without_strokes(network):
    """The gates of one picture are the same in both networks where a picture is all that they were measured on."""
    nano = build_network("modot_nano", **NANO).eval()
    for parameter in nano.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())))
    image = by_chance(1, 3, 64, 96)
    network.begin_with(nano, image)
    _, (expected,) = nano(image, depth=False)
    found, = network.eval()(torch.cat([image, torch.zeros(1, 3, 64, 96)], dim=1))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    drawn, = network(torch.cat([image, torch.ones(1, 3, 64, 96)], dim=1))
    torch.testing.assert_close(drawn, found)


def test_strokes_get_gradients_from_the_start(network):
    network.begin_with(build_network("modot_nano", **NANO), by_chance(1, 3, 64, 96))
    network(by_chance(2, 6, 64, 96))[-1].sum().backward()
    for first in (network.stem.conv, network.image_path.convs[0].conv):
        strokes = first.weight.grad[:, first.weight.shape[1] // 2:]
        assert strokes.abs().max() > 0


@torch.inference_mode()
def test_the_threshold_that_is_best_becomes_another(network):
    x = by_chance(1, 6, 32, 32)
    before = torch.sigmoid(network.eval()(x)[0])
    network.centre_boundary(float(before[0, 0, 3, 3]), 0.7)
    assert torch.sigmoid(network(x)[0])[0, 0, 3, 3] == pytest.approx(0.7, abs=1e-5)


def test_the_weights_that_ship_are_small_and_predict_no_depth():
    loaded = load_network("scribble_nano", device="cpu")
    assert loaded.weights.stat().st_size < 8e6
    assert (loaded.depth_kind, loaded.working_size, loaded.network.input_channels) == ("none", (256, 192), 6)
