# SPDX-License-Identifier: Apache-2.0
"""Enhanced image path (EIP) of MoDOT (WACV 2026): detail at full resolution for the boundary decoder.

The official checkpoints hold these parts at the top of the network, so that the network, not a module here, owns them.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from modot_ros.model.casm import ChannelAttention, ConvBnRelu


def image_convolutions(channels: int) -> nn.Sequential:
    """Image [N, 3, H, W] -> [N, channels, H, W] through eight convolutions, narrow but for the last."""
    narrow = channels // 4
    return nn.Sequential(ConvBnRelu(3, narrow, kernel=1), *(ConvBnRelu(narrow, narrow) for _ in range(6)),
                         ConvBnRelu(narrow, channels, kernel=1))


class SpatialAttention(nn.Module):
    """Weight per pixel from the largest and the mean channel (CBAM, Woo et al., ECCV 2018). -> [N, 1, H, W]."""

    def __init__(self, kernel: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.conv(torch.cat([x.max(dim=1, keepdim=True).values, x.mean(dim=1, keepdim=True)], 1)))


def fuse_attentions(c: Tensor, channel: ChannelAttention, spatial: SpatialAttention, fuse: ConvBnRelu) -> Tensor:
    """[N, C, H, W], weighted per channel and per pixel side by side, -> [N, C, H, W].

    In evaluation without the two weighted copies of c: (1 + channel weight) goes into the 1x1 convolution's columns,
    and (1 + pixel weight) onto its result.
    """
    if fuse.training:
        return fuse(torch.cat([channel(c) * c + c, spatial(c) * c + c], dim=1))
    by_channel, by_pixel = fuse.conv.weight[:, :, 0, 0].T.chunk(2)                        # [C, C] each
    pixels = c.permute(0, 2, 3, 1).flatten(1, 2)                                          # [N, H W, C]
    y = torch.matmul(pixels, by_pixel)                                                    # large: changed in place
    y *= (1 + spatial(c)).flatten(2).transpose(1, 2)
    y.baddbmm_(pixels, (1 + channel(c))[:, :, :, 0] * by_channel)
    if fuse.conv.bias is not None:                                                        # a folded batch norm's
        y += fuse.conv.bias
    return fuse.relu(fuse.bn(y.transpose(1, 2).unflatten(2, c.shape[2:])))
