# SPDX-License-Identifier: Apache-2.0
"""Boundary decoder of DNMMSI (BMVC 2025): from features at strides 16, 8, 4, 2 and 1 to logits."""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import ConvBnRelu
from modot_ros.model.layers.middle import centre_crop
from modot_ros.model.layers.upsampled import Upsampled

END_CHANNELS = 64
FACTORS = (16, 8, 4, 2)                                 # from a step's features to the picture's size


class Shuffled(nn.Module):
    """1x1 convolution to four times the channels, which become pixels. [N, in, h, w] -> [N, out, 2 h, 2 w]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvBnRelu(in_channels, 4 * out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv(x), 2)


class BoundaryDecoder(nn.Module):
    """channels: of the five inputs, coarsest first."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        half = [count // 2 for count in channels]
        width = [half[0], *(2 * count for count in half[1:])]
        self.half_features_op = nn.ModuleList(ConvBnRelu(c, h, kernel=1) for c, h in zip(channels, half))
        self.decoder_fuses = nn.ModuleList(nn.Sequential(ConvBnRelu(n, n), ConvBnRelu(n, n)) for n in width)
        self.decoder_upsamples = nn.ModuleList(nn.Sequential(Shuffled(n, h)) for n, h in zip(width, half[1:]))
        self.out_upsamples = nn.ModuleList(nn.Sequential(Upsampled(n, 1, factor)) for n, factor in zip(width, FACTORS))
        self.end = nn.Sequential(ConvBnRelu(width[4], END_CHANNELS), nn.Conv2d(END_CHANNELS, 1, 1, bias=False))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Five logits [N, 1, >= H, >= W], coarsest first; the first four come out of a ReLU and are never negative."""
        found: list[Tensor] = []
        y = None
        for i, (x, halve, fuse) in enumerate(zip(maps, self.half_features_op, self.decoder_fuses)):
            x = halve(x)
            y = fuse(x if y is None else torch.cat([x, centre_crop(y, *x.shape[-2:])], dim=1))
            if i < len(self.decoder_upsamples):
                found.append(self.out_upsamples[i](y))
                y = self.decoder_upsamples[i](y)
        return [*found, self.end(y)]
