# SPDX-License-Identifier: Apache-2.0
"""The image path in strips against the formula of the paper."""
import pytest
import torch

from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.layers.casm import ChannelAttention, ConvBnRelu
from modot_ros.model.modot import image_path
from modot_ros.model.modot.image_path import SpatialAttention, image_convolutions, image_features


@pytest.mark.parametrize("rows", [1, 4, 100])
@pytest.mark.parametrize("folded", [False, True])
@torch.inference_mode()
def test_strips_make_what_the_whole_picture_makes(monkeypatch, rows, folded):
    monkeypatch.setattr(image_path, "CPU_ROWS", rows)
    torch.manual_seed(0)
    parts = torch.nn.ModuleList([image_convolutions(8), ChannelAttention(8, reduction=4), SpatialAttention(),
                                 ConvBnRelu(16, 8, kernel=1)]).eval()
    for key, value in parts.state_dict().items():
        if ".bn." in key and value.is_floating_point():
            value.uniform_(0.5, 1.5)
    image = torch.randn(2, 3, 11, 9)
    convolutions, channel, spatial, fuse = parts
    c = convolutions(image)
    expected = fuse(torch.cat([channel(c) * c + c, spatial(c) * c + c], dim=1))
    if folded:
        fold_batch_norms(parts).to(memory_format=torch.channels_last)
    found = image_features(image, *parts)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
