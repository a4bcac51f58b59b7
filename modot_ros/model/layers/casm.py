# SPDX-License-Identifier: Apache-2.0
"""Cross-attention strip module (CASM): how MoDOT's depth and boundary decoders talk to each other.

MoDOT (WACV 2026). The names of the children are those of the official checkpoints, and with the default arguments so
are the shapes: the big network and `modot_nano` use this one file, the latter with narrower strips.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBnRelu(nn.Module):
    """Convolution without bias, batch norm, ReLU; size kept at stride 1. [N, in, h, w] -> [N, out, h/s, w/s]."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class ChannelAttention(nn.Module):
    """Weight per channel from its global maximum and mean, both through one bottleneck. [N, C, h, w] -> [N, C, 1, 1]."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        narrow = max(1, channels // reduction)
        self.se = nn.Sequential(
            nn.Conv2d(channels, narrow, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(narrow, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.of_pools(F.adaptive_max_pool2d(x, 1), F.adaptive_avg_pool2d(x, 1))

    def of_pools(self, largest: Tensor, mean: Tensor) -> Tensor:
        """The same from the pooled values, [N, C, 1, 1] each."""
        largest, mean = self.se(torch.cat([largest, mean])).chunk(2)
        return torch.sigmoid(largest + mean)


def _strip_pair(channels: int, kernel: tuple[int, int]) -> nn.Sequential:
    """Two stacked strip convolutions of one direction; the ReLU after them follows the sum of both directions."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel, padding=padding),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, kernel, padding=padding),
        nn.BatchNorm2d(channels),
    )


class StripFuse(nn.Module):
    """Multi-scale strip fusion (MSS): long horizontal and vertical strips beside a plain 3x3.

    [N, in_channels, h, w] -> [N, out_channels, h, w]. `kernels` are the lengths of the short and the long strips, odd.
    """

    def __init__(self, in_channels: int, out_channels: int, kernels: tuple[int, int] = (7, 11)) -> None:
        super().__init__()
        if any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"kernels={kernels}: strip lengths must be odd and positive")
        short, long = kernels
        self.conv1 = _strip_pair(in_channels, (1, short))
        self.conv2 = _strip_pair(in_channels, (short, 1))
        self.conv4 = _strip_pair(in_channels, (1, long))
        self.conv5 = _strip_pair(in_channels, (long, 1))
        self.conv3 = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, padding=1), nn.BatchNorm2d(in_channels), nn.ReLU(inplace=True))
        self.conv_end = ConvBnRelu(3 * in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        short = F.relu(self.conv1(x) + self.conv2(x))
        long = F.relu(self.conv4(x) + self.conv5(x))
        return self.conv_end(torch.cat([short, self.conv3(x), long], dim=1))


class CASM(nn.Module):
    """Each branch gates the other's channels; the depth branch also gets the strip fusion of both.

    Args:
        channels: C of both branches.
        reduction: of the channel attentions.
        kernels: strip lengths.
        strip_channels: width inside the strip fusion; None is the official C.

    `forward(ob, depth)`: two maps [N, C, h, w] -> (ob, depth) of the same shape, both made from the inputs.
    """

    def __init__(self, channels: int, reduction: int = 16, kernels: tuple[int, int] = (7, 11),
                 strip_channels: int | None = None) -> None:
        super().__init__()
        width = channels if strip_channels is None else strip_channels
        self.ca_ob = ChannelAttention(channels, reduction)
        self.ca_depth = ChannelAttention(channels, reduction)
        self.sa = StripFuse(width, channels, kernels)
        self.fuse_layer = nn.Conv2d(2 * channels, width, 1)

    def boundary(self, ob: Tensor, depth: Tensor) -> Tensor:
        """The boundary branch alone."""
        return ob + ob * self.ca_depth(depth)

    def depth(self, ob: Tensor, depth: Tensor) -> Tensor:
        """The depth branch alone."""
        fused = self.sa(self.fuse_layer(torch.cat([ob, depth], dim=1)))
        return fused + depth * self.ca_ob(ob) + depth

    def forward(self, ob: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        return self.boundary(ob, depth), self.depth(ob, depth)
