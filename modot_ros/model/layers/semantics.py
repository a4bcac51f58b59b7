# SPDX-License-Identifier: Apache-2.0
"""A third decoder for the small networks: which class every pixel belongs to.

Fully convolutional decoding from coarse to fine (Long et al., CVPR 2015), with attention over the whole picture where it is
coarsest: a class depends on the room around it. The depth features go in, for floors and walls differ in shape before they
differ in colour.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from modot_ros.model.layers.casm import ConvBnRelu
from modot_ros.model.layers.coupled import GlobalBlock, resize


class SemanticDecoder(nn.Module):
    """Maps of encoder, context, depth decoder, fine path and image path -> class logits at stride 2 of the picture.

    Args:
        classes: how many there are.
        features: widths of the encoder's maps at strides 4, 8, 16 of the first look.
        context_channels: width of the context at stride 32 of the first look.
        depth_channels: width of the depth features at stride 4 of the first look.
        fine_channels: width of the fine path at stride 4 of the picture.
        detail_channels: width of the image path at stride 2 of the picture.
        widths: of this decoder at strides 16, 8, 4.
    """

    def __init__(self, classes: int, features: tuple[int, int, int], context_channels: int, depth_channels: int,
                 fine_channels: int, detail_channels: int, widths: tuple[int, int, int] = (112, 64, 40)) -> None:
        super().__init__()
        c4, c8, c16 = features
        w16, w8, w4 = widths
        self.laterals = nn.ModuleList([ConvBnRelu(c16, w16, kernel=1), ConvBnRelu(c8, w8, kernel=1),
                                       ConvBnRelu(c4, w4, kernel=1)])
        self.fuses = nn.ModuleList([ConvBnRelu(w16 + context_channels, w16), ConvBnRelu(w8 + w16, w8),
                                    ConvBnRelu(w4 + w8 + depth_channels, w4)])
        self.attention = GlobalBlock(w16)
        self.coarse, self.fine = nn.Conv2d(w4, fine_channels, 1), nn.Conv2d(fine_channels, fine_channels, 1)
        self.mix = ConvBnRelu(fine_channels, fine_channels)
        self.project = nn.Conv2d(fine_channels, detail_channels, 1)
        self.detail = ConvBnRelu(detail_channels, detail_channels + detail_channels // 2)
        self.out = nn.Conv2d(detail_channels + detail_channels // 2, classes, 1)

    def forward(self, features: list[Tensor], context: Tensor, e: Tensor, fine: Tensor, detail: Tensor) -> Tensor:
        """features at strides 4, 8, 16, the rest as above, [N, C, ., .] each -> [N, classes, h/2, w/2]."""
        f4, f8, f16 = features
        x = self.laterals[0](f16)
        x = self.attention(self.fuses[0](torch.cat([x, resize(context, x)], dim=1)))
        here = self.laterals[1](f8)
        x = self.fuses[1](torch.cat([here, resize(x, here)], dim=1))
        here = self.laterals[2](f4)
        x = self.fuses[2](torch.cat([here, resize(x, here), e], dim=1))
        x = self.mix(resize(self.coarse(x), fine) + self.fine(fine))
        return self.out(self.detail(resize(self.project(x), detail) + detail))
