# SPDX-License-Identifier: Apache-2.0
"""Boundary decoder of MoDOT (WACV 2026): from coupled features at strides 16, 8, 4, 4 and the image path to logits."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from modot_ros.model.layers.casm import ConvBnRelu
from modot_ros.model.layers.middle import centre_crop
from modot_ros.model.layers.upsampled import Upsampled
from modot_ros.model.layers.winograd import MOST_PIXELS_BACK


def _beside(x: Tensor, halve: ConvBnRelu, y: Tensor) -> Tensor:
    """halve(x) and y as one map.

    A large one of a CPU, its batch norm folded, is made in its place and planar: a Winograd convolution reads it next.
    """
    if not (x.is_cpu and isinstance(halve.bn, nn.Identity) and x.shape[2] * x.shape[3] > MOST_PIXELS_BACK):
        return torch.cat([halve(x), y], dim=1)
    weight, bias = halve.conv.weight.flatten(1), halve.conv.bias[:, None]
    out = x.new_empty(len(x), len(weight) + y.shape[1], *x.shape[2:])
    for here, above, place in zip(x, y, out):
        torch.addmm(bias, weight, here.flatten(1), out=place[:len(weight)].flatten(1))
        place[len(weight):].flatten(1).copy_(above.flatten(1))
    halve.relu(out[:, :len(weight)])
    return out


class BoundaryDecoder(nn.Module):
    """channels: of the five inputs, whose strides are 16, 8, 4, 4 and 1."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        half = [count // 2 for count in channels]
        width = [half[0], *(2 * count for count in half[1:])]
        self.half_features_op = nn.ModuleList(ConvBnRelu(c, h, kernel=1) for c, h in zip(channels, half))
        self.decoder_fuses = nn.ModuleList(nn.Sequential(ConvBnRelu(n, n), ConvBnRelu(n, n)) for n in width)
        steps = (Upsampled(width[0], half[1], 2), Upsampled(width[1], half[2], 2),
                 nn.Conv2d(width[2], half[3], 1, bias=False), Upsampled(width[3], half[4], 4))
        self.decoder_upsamples = nn.ModuleList(nn.Sequential(step) for step in steps)
        self.out_upsamples = nn.ModuleList(
            nn.Sequential(Upsampled(n, 1, factor)) for n, factor in zip(width, (16, 8, 4, 4)))
        self.end = nn.Sequential(ConvBnRelu(width[4], width[4]), nn.Conv2d(width[4], 1, 1, bias=False))

    def features(self, maps: list[Tensor], auxiliaries: bool) -> tuple[Tensor, list[Tensor]]:
        """Features [N, C, H, W] of the image's size, and the auxiliary maps [N, 1, >= H, >= W] if wanted.

        The auxiliary maps come out of a ReLU: they are never negative.
        """
        found: list[Tensor] = []
        y = None
        for i, (x, halve, fuse) in enumerate(zip(maps, self.half_features_op, self.decoder_fuses)):
            y = fuse(halve(x) if y is None else _beside(x, halve, centre_crop(y, *x.shape[-2:])))
            if i < len(self.decoder_upsamples):
                if auxiliaries:
                    found.append(self.out_upsamples[i](y))
                y = self.decoder_upsamples[i](y)
        return y, found

    def forward(self, maps: list[Tensor], auxiliaries: bool) -> list[Tensor]:
        """Logits [N, 1, >= H, >= W]: the four auxiliary maps, coarsest first, if wanted, and the final one last."""
        y, found = self.features(maps, auxiliaries)
        return [*found, self.end(y)]
