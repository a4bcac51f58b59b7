# SPDX-License-Identifier: Apache-2.0
"""Enhanced image path (EIP) of MoDOT (WACV 2026): detail at full resolution for the boundary decoder.

The official checkpoints hold these parts at the top of the network, so that the network, not a module here, owns them.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import ChannelAttention, ConvBnRelu
from modot_ros.model.layers.exported import exporting

CPU_ROWS = 24                                           # of pixels that a CPU has in hand


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
        return self.of_pools(self.pools(x))

    @staticmethod
    def pools(x: Tensor) -> Tensor:
        """Largest and mean channel, [N, 2, H, W]."""
        return torch.cat([x.max(dim=1, keepdim=True).values, x.mean(dim=1, keepdim=True)], 1)

    def of_pools(self, pools: Tensor) -> Tensor:
        return torch.sigmoid(self.conv(pools))


def image_features(image: Tensor, convolutions: nn.Sequential, channel: ChannelAttention, spatial: SpatialAttention,
                   fuse: ConvBnRelu) -> Tensor:
    """Image [N, 3, H, W] -> [N, C, H, W]: what the convolutions find, weighted per channel and per pixel side by side.

    In evaluation without the two weighted copies of what they find, c: (1 + channel weight) goes into the 1x1
    convolution's columns, and (1 + pixel weight) onto its result. A CPU does it in strips and widens each of them
    twice, which takes less time than the memory of c as a whole.
    """
    if fuse.training or exporting():
        c = convolutions(image)
        return fuse(torch.cat([channel(c) * c + c, spatial(c) * c + c], dim=1))
    narrow, widen = convolutions[:-1](image), convolutions[-1]
    height = narrow.shape[2]
    strips = narrow.split(CPU_ROWS if image.is_cpu else height, dim=2)
    largest, mean, pools = [], 0.0, []
    for strip in strips:
        c = widen(strip)
        largest.append(F.adaptive_max_pool2d(c, 1))
        mean = mean + F.adaptive_avg_pool2d(c, 1) * (strip.shape[2] / height)
        pools.append(spatial.pools(c))
    on_channels = 1 + channel.of_pools(F.adaptive_max_pool2d(torch.cat(largest, 2), 1), mean)
    on_pixels = (1 + spatial.of_pools(torch.cat(pools, 2))).permute(0, 2, 3, 1)           # [N, H, W, 1]
    by_channel, by_pixel = fuse.conv.weight[:, :, 0, 0].T.chunk(2)                        # [C, C] each
    by_channel = on_channels[:, :, :, 0] * by_channel                                     # [N, C, C]
    out = by_channel.new_empty(len(image), height, narrow.shape[3], by_channel.shape[2])  # channels last
    top = 0
    for strip in strips:
        pixels = (c if len(strips) == 1 else widen(strip)).permute(0, 2, 3, 1).flatten(1, 2)
        rows = slice(top, top + strip.shape[2])
        y = torch.matmul(pixels, by_pixel)
        y *= on_pixels[:, rows].flatten(1, 2)
        y.baddbmm_(pixels, by_channel)
        if fuse.conv.bias is not None:                                                    # a folded batch norm's
            y += fuse.conv.bias
        y = fuse.relu(fuse.bn(y.transpose(1, 2).unflatten(2, strip.shape[2:])))
        out[:, rows] = y.permute(0, 2, 3, 1)
        top = rows.stop
    return out.permute(0, 3, 1, 2)
