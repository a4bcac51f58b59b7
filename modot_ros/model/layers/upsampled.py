# SPDX-License-Identifier: Apache-2.0
"""A narrower and larger map: how the boundary decoders of MoDOT and DNMMSI make their side outputs."""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import ConvBnRelu


class Upsampled(nn.Module):
    """1x1 convolution, batch norm, ReLU, then bilinear enlarging by a whole factor, corners on corners."""

    def __init__(self, in_channels: int, out_channels: int, factor: int) -> None:
        super().__init__()
        self.conv = ConvBnRelu(in_channels, out_channels, kernel=1)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.conv(x), scale_factor=self.factor, mode="bilinear", align_corners=True)
