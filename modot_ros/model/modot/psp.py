# SPDX-License-Identifier: Apache-2.0
"""Pyramid pooling (PSPNet, Zhao et al., CVPR 2017): the first values of MoDOT's depth decoder."""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import ConvBnRelu
from modot_ros.model.layers.exported import exporting, mean_bins

BINS = (1, 2, 3, 6)


class ConvGroupNormRelu(nn.Module):
    """1x1 convolution, group norm of two channels per group, ReLU, always in float32.

    Over a single bin two values per group are normalised, which leaves little more than the sign of their difference:
    half precision would flip it. Modules with `float32 = True` keep their weights when a network is cast.
    """

    float32 = True

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.gn = nn.GroupNorm(out_channels // 2, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.gn(self.conv(x)))


class MeanBins(nn.Module):
    """[N, C, h, w] -> [N, C, bins, bins]."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, x: Tensor) -> Tensor:
        return mean_bins(x, self.bins)


class PyramidPooling(nn.Module):
    """[N, in, h, w] -> [N, out, h, w]. The official group norm was meant for the first bin only; it is in all four."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.psp_modules = nn.ModuleList(
            nn.Sequential(MeanBins(bins), ConvGroupNormRelu(in_channels, channels)) for bins in BINS)
        self.bottleneck = ConvBnRelu(in_channels + len(BINS) * channels, channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        pooled = [branch(x.float()).to(x.dtype) for branch in self.psp_modules]
        if x.is_cpu and not self.training and not exporting():
            return self.bottleneck.relu(self.bottleneck.bn(self._convolved(x, pooled)))
        return self.bottleneck(torch.cat([x, *(_enlarged(bins, x) for bins in pooled)], dim=1))

    def _convolved(self, x: Tensor, pooled: list[Tensor]) -> Tensor:
        """The bottleneck's convolution of x and the enlarged pooled maps beside it, with less than half the work.

        Its taps work on the few bins, and what comes out is enlarged and shifted by one matrix for all channels. Those
        on x itself are nine matrix products, which need no copy of the weights in another order.
        """
        batch, channels, height, width = x.shape
        convolution = self.bottleneck.conv
        weight = convolution.weight.permute(0, 2, 3, 1)                                   # [out, 3, 3, in]
        own, *others = weight.split([channels, *(bins.shape[1] for bins in pooled)], dim=3)
        y = x.new_zeros(1, len(weight)) if convolution.bias is None else convolution.bias[None]
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        for down in range(3):
            for across in range(3):
                shifted = padded[:, down:down + height, across:across + width].reshape(-1, channels)
                y = torch.addmm(y, shifted, own[:, down, across].T)
        y = y.view(batch, height * width, -1)
        for bins, part in zip(pooled, others):
            count = bins.shape[2] * bins.shape[3]
            enlarged = _enlarged(torch.eye(count, dtype=x.dtype).view(count, 1, *bins.shape[2:]), x)
            shifts = F.unfold(enlarged, 3, padding=1).flatten(0, 1).T                     # [h w, count 9]
            taps = (bins.flatten(2).transpose(1, 2) @ part.flatten(0, 2).T).unflatten(2, (-1, 9))
            y = y + shifts @ taps.transpose(2, 3).flatten(1, 2)
        return y.transpose(1, 2).unflatten(2, (height, width))


def _enlarged(bins: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(bins, size=like.shape[-2:], mode="bilinear", align_corners=False)
