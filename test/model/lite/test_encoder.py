# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0: padding by hand, a block against its formula, what is read and what is refused."""
import pytest
import torch
from torch.nn import functional as F

from modot_ros.model.lite.encoder import (
    FEATURES,
    EfficientNetLite0,
    InvertedBottleneck,
    SameConv2d,
    read_encoder_weights,
)
from modot_ros.model.preprocess import normalise


@pytest.mark.parametrize("kernel, size, before, after", [(3, 8, 0, 1), (5, 8, 1, 2), (3, 7, 1, 1), (5, 7, 2, 2)])
def test_a_stride_of_two_pads_more_at_the_right_and_bottom(kernel, size, before, after):
    conv = SameConv2d(1, 1, kernel, 2, bias=False)
    x = torch.arange(float(size * size)).view(1, 1, size, size)
    expected = F.conv2d(F.pad(x, (before, after, before, after)), conv.weight, stride=2)
    torch.testing.assert_close(conv(x), expected)


def test_a_block_is_expansion_depthwise_projection_and_shortcut():
    torch.manual_seed(0)
    block = InvertedBottleneck(4, 4, 3, 1, 2).eval()
    x = torch.randn(1, 4, 5, 6)
    with torch.no_grad():
        y = F.conv2d(x, block._expand_conv.weight) / (1 + 1e-3) ** 0.5
        y = F.conv2d(y.clamp(0, 6), block._depthwise_conv.weight, padding=1, groups=8) / (1 + 1e-3) ** 0.5
        y = F.conv2d(y.clamp(0, 6), block._project_conv.weight) / (1 + 1e-3) ** 0.5
        torch.testing.assert_close(block(x), x + y)
    assert not InvertedBottleneck(4, 4, 3, 2, 2).has_shortcut and not InvertedBottleneck(4, 5, 3, 1, 2).has_shortcut


def test_maps_lie_at_four_strides():
    maps = EfficientNetLite0().eval()(torch.zeros(1, 3, 64, 96))
    assert [tuple(x.shape[1:]) for x in maps] == [(c, 64 // s, 96 // s) for c, s in zip(FEATURES, (4, 8, 16, 32))]


def test_the_input_becomes_what_the_weights_want():
    encoder, seen = EfficientNetLite0().eval(), []
    encoder._conv_stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    encoder(normalise(torch.full((1, 3, 32, 32), 255 / 255)))
    torch.testing.assert_close(seen[0], torch.full((1, 3, 32, 32), (255 - 127) / 128))


def test_the_file_of_the_package_is_read_without_its_classifier(tmp_path):
    encoder = EfficientNetLite0()
    classifier = {"_conv_head.weight": torch.zeros(1), "_bn1.weight": torch.zeros(1), "_fc.bias": torch.zeros(1)}
    torch.save({**encoder.state_dict(), **classifier}, tmp_path / "lite0.pth")
    read = read_encoder_weights(tmp_path / "lite0.pth")
    assert read.keys() == encoder.state_dict().keys()
    torch.testing.assert_close(read["_conv_stem.weight"], encoder._conv_stem.weight.detach())


def test_other_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        read_encoder_weights(tmp_path / "nowhere.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(ValueError, match="text.pth: not the weights"):
        read_encoder_weights(tmp_path / "text.pth")
    torch.save({"_conv_stem.weight": torch.zeros(1)}, tmp_path / "part.pth")
    with pytest.raises(ValueError, match="entries differ"):
        read_encoder_weights(tmp_path / "part.pth")
