# SPDX-License-Identifier: Apache-2.0
"""MoDOT with its second stage (SSR, WACV 2026): a refiner of both outputs behind a finished MoDOT."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import CASM, ConvBnRelu
from modot_ros.model.layers.middle import centre_crop
from modot_ros.model.modot.network import Modot


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions around a shortcut, a fourth as wide inside (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // 4
        self.conv1 = nn.Conv2d(channels, narrow, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + x)


class ModotSsr(nn.Module):
    """Refined depth and boundaries; `config` is that of Modot, whose heads stay unused.

    The first stage sits in the slot that the official code's parallel wrapper left in the keys,
    `init_model.module`.
    """

    def __init__(self, **config: Any) -> None:
        super().__init__()
        first = Modot(**config)
        self.init_model = nn.ModuleDict({"module": first})
        channels = first.fuse_aimg.conv.out_channels
        self.double_ob = nn.Sequential(ConvBnRelu(channels, channels, stride=2),
                                       ConvBnRelu(channels, channels, kernel=1, stride=2))
        self.ob_bottleneck = Bottleneck(channels)
        self.ob_conv_out_ = nn.Conv2d(channels, 1, 1)
        self.conv_down = nn.Conv2d(first.disp_head.conv1.in_channels, channels, 1)
        self.heads = nn.ModuleDict({"depth": nn.Sequential(Bottleneck(channels), nn.Conv2d(channels, 1, 1))})
        self.feats_cross_final = CASM(channels)

    @property
    def first(self) -> Modot:
        return self.init_model["module"]

    @property
    def sizes(self) -> str:
        return self.first.sizes

    min_depth_m = Modot.min_depth_m

    @property
    def max_depth_m(self) -> float:
        return self.first.max_depth_m

    def forward(self, image: Tensor, depth: bool = True, boundary: bool = True
                ) -> tuple[Tensor | None, Tensor | list[Tensor] | None]:
        """As Modot's, with a single boundary map: a tensor as in the official code, and when aligned a list of one."""
        height, width = image.shape[-2:]
        first = self.first
        image = first.fitted(image)
        e0, maps = first.coupled(image)
        features, _ = first.ob_decoder.features(first.boundary_inputs(image, maps), auxiliaries=False)
        a, e = self.double_ob(features), self.conv_down(e0)
        depths = logits = None
        if depth:
            refined = self.heads["depth"](e + self.feats_cross_final.depth(a, e))
            refined = F.interpolate(refined.float(), size=image.shape[-2:], mode="bilinear", align_corners=False)
            depths = first.cropped(torch.sigmoid(refined) * first.max_depth, height, width)
        if boundary:
            coupled = F.interpolate(self.feats_cross_final.boundary(a, e), scale_factor=4, mode="bilinear",
                                    align_corners=False)
            logits = self.ob_conv_out_(self.ob_bottleneck(centre_crop(coupled, *features.shape[-2:]) + features))
            logits = first.cropped(logits, height, width)
            if self.sizes == "aligned":
                logits = [logits]
        return depths, logits
