# SPDX-License-Identifier: Apache-2.0
"""PCNet-M (Zhan et al., *Self-Supervised Scene De-occlusion*, CVPR 2020): completes a mask behind another.

A U-Net (Ronneberger et al., MICCAI 2015) whose deepest level is no wider than the one above. Modules are nested as the
authors' checkpoints name them.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.instaorder.official import OrderNetwork

LEVELS = 4


class DoubleConv(nn.Module):
    """Twice 3x3 convolution, batch norm, ReLU. [N, in, h, w] -> [N, out, h, w]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class In(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Down(nn.Module):
    """[N, in, h, w] -> [N, out, h/2, w/2]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.mpconv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(in_channels, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.mpconv(x)


class Up(nn.Module):
    """A map and the one of twice its size from the way down -> one map of the latter's size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return self.conv(torch.cat([skip, x], dim=1))


class Out(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class PcnetM(OrderNetwork):
    """cat(mask to complete, mask in front of it) [N, 2, H, W], H and W multiples of 16 -> logits [N, 2, H, W].

    Channel 1 of their softmax: the pixel belongs to the completed mask. planes: channels of the first level.
    """

    mode, size = "patch", 256

    def __init__(self, planes: int = 32) -> None:
        super().__init__()
        self.inc = In(2, planes)
        widths = [planes * factor for factor in (1, 2, 4, 8, 8)]
        for level in range(LEVELS):
            self.add_module(f"down{level + 1}", Down(widths[level], widths[level + 1]))
            self.add_module(f"up{LEVELS - level}", Up(2 * widths[level], widths[max(0, level - 1)]))
        self.outc = Out(planes, 2)

    def forward(self, x: Tensor) -> Tensor:
        x, skips = self.inc(x), []
        for level in range(LEVELS):
            skips.append(x)
            x = self.get_submodule(f"down{level + 1}")(x)
        for level in range(LEVELS):
            x = self.get_submodule(f"up{level + 1}")(x, skips.pop())
        return self.outc(x)
