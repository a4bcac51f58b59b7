# SPDX-License-Identifier: Apache-2.0
"""`modot_nano`: joint depth and occlusion boundaries for a robot without a big GPU.

The plan is MoDOT's (WACV 2026): one encoder, pyramid pooling, a depth and a boundary decoder coupled by CASM at three
scales, and an image path (EIP) that keeps boundaries crisp. The parts are small residual convolutions, so that the
network trains from nothing and runs in real time on two CPU cores.

It looks twice. Encoder and decoders see the picture at some 128x96, whatever its size: there their few layers see the
whole room, which metric depth needs, and cost a quarter. The fine path sees all pixels and sharpens their output.
Nothing is computed at full resolution: the image path works on 2x2 pixel blocks (12 channels at half size, no
information lost) and the heads write 2x2 pixels each.
"""
from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.classes import CLASS_NAMES
from modot_ros.model.layers.casm import ConvBnRelu
from modot_ros.model.layers.coupled import (
    START_DEPTH_M,
    CoupledDecoders,
    GlobalBlock,
    PixelHead,
    Refinement,
    UncertaintyHead,
    resize,
)
from modot_ros.model.layers.semantics import SemanticDecoder
from modot_ros.model.preprocess import STRIDE

FIRST_LOOK_PX = 128 * 96                                # what the encoder sees, to a factor of 2


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al., CVPR 2016). [N, in, h, w] -> [N, out, h/s, w/s]."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


class ModotNano(CoupledDecoders):
    """Small MoDOT: image -> metric depth in the canonical camera and occlusion boundary logits.

    Args:
        encoder_channels: widths at strides 2, 4, 8, 16, 32 of the first look, as the next three.
        encoder_blocks: residual blocks at strides 4, 8, 16, 32.
        global_blocks: attention blocks after these, the same strides.
        decoder_channels: widths of both decoders at strides 16, 8, 4.
        fine_channels, fine_blocks: width and residual blocks of the fine path at stride 4 of the full picture.
        detail_channels: width of the image path and of the heads.
        min_depth_m, max_depth_m: range of z; the network predicts its logarithm, bounded by a sigmoid.
        uncertainty: has a head for the standard deviation of ln z.
        semantics: has a decoder for the classes of CLASS_NAMES.

    Raises ValueError for a range that START_DEPTH_M is not inside of, and for widths or blocks that are not as many.
    """

    def __init__(self, encoder_channels: tuple[int, ...] = (16, 32, 64, 128, 192),
                 encoder_blocks: tuple[int, ...] = (1, 3, 5, 3), global_blocks: tuple[int, ...] = (0, 0, 2, 2),
                 decoder_channels: tuple[int, ...] = (96, 64, 32), fine_channels: int = 32, fine_blocks: int = 2,
                 detail_channels: int = 16, min_depth_m: float = 0.1, max_depth_m: float = 20.0,
                 uncertainty: bool = False, semantics: bool = False) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = encoder_channels
        self.stem = ConvBnRelu(3, c2, stride=2)
        self.encoder = nn.ModuleList([
            nn.Sequential(ResidualBlock(width, out, 2), *(ResidualBlock(out, out) for _ in range(blocks - 1)),
                          *(GlobalBlock(out) for _ in range(wide)))
            for width, out, blocks, wide in zip(encoder_channels[:-1], encoder_channels[1:], encoder_blocks, global_blocks,
                                                strict=True)])
        above = self.build_decoders((c4, c8, c16, c32), decoder_channels, detail_channels, min_depth_m, max_depth_m)
        self.fine = nn.Sequential(
            ConvBnRelu(3, c2, stride=2), ResidualBlock(c2, fine_channels, 2),
            *(ResidualBlock(fine_channels, fine_channels) for _ in range(fine_blocks - 1)))
        self.depth_refinement = Refinement(above, fine_channels)
        self.boundary_refinement = Refinement(above // 2, fine_channels)
        self.depth_head = PixelHead(above, detail_channels, bias=self._logit_of(START_DEPTH_M))
        self.boundary_head = PixelHead(above // 2, detail_channels, bias=-2.0)
        self.has_uncertainty = uncertainty
        if uncertainty:
            self.uncertainty_head = UncertaintyHead(above, decoder_channels[0], detail_channels)
        self.has_semantics = semantics
        if semantics:
            self.semantic_decoder = SemanticDecoder(len(CLASS_NAMES), (c4, c8, c16), decoder_channels[0], above, fine_channels,
                                                    detail_channels)

    def forward(self, image: Tensor, depth: bool = True, boundary: bool = True,
                classes: bool = False) -> tuple[Tensor | list[Tensor] | None, ...]:
        """One picture through both branches.

        Args:
            image: [N, 3, h, w] float, normalised by the ImageNet mean and deviation; h and w multiples of 32.
            depth, boundary: False skips that head and returns None in its place.
            classes: with `semantics`, also runs its decoder.

        Returns:
            z in metres for the canonical camera [N, 1, h, w], and boundary logits [N, 1, h, w]: in training three
            auxiliary maps (strides 16, 8, 4 of the first look) before the final one, in evaluation the final one only. With
            `uncertainty` also the standard deviation of ln z [N, 1, h, w], None without depth. With `semantics` this, None
            without a head for it, and the logits of CLASS_NAMES [N, 20, h/2, w/2], None without `classes`.
        """
        if image.shape[-2] % STRIDE or image.shape[-1] % STRIDE:
            raise ValueError(f"image is {image.shape[-1]}x{image.shape[-2]}: both sides must be multiples of {STRIDE}")
        height, width = image.shape[-2:]
        shrink = shrink_of(height, width)
        unit = STRIDE * shrink
        image = F.pad(image, (0, -width % unit, 0, -height % unit), mode="replicate")
        features, context = self._first_look(F.avg_pool2d(image, shrink))
        e, obs = self.couple(features, context)
        fine, detail = self.fine(image), self.image_path(image)
        depth_m = self._depth(e, fine, detail)[..., :height, :width] if depth else None
        logits = self._boundaries(obs, fine, detail, image) if boundary else None
        logits = logits and [map_[..., :height, :width] for map_ in logits]
        log_depth_std = class_logits = None
        if self.has_uncertainty and depth:
            log_depth_std = self.uncertainty_head(e, context, image)[..., :height, :width]
        if self.has_semantics and classes:
            class_logits = self.semantic_decoder(features, context, e, fine, detail)[..., :height // 2, :width // 2]
        if self.has_semantics:
            return depth_m, logits, log_depth_std, class_logits
        return (depth_m, logits, log_depth_std) if self.has_uncertainty else (depth_m, logits)

    def _first_look(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """Encoder: features at strides 4, 8, 16 of this picture, context at 32."""
        features, x = [], self.stem(image)
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        return features[:3], self.context(features[3])

    def _depth(self, e: Tensor, fine: Tensor, detail: Tensor) -> Tensor:
        e = self.depth_refinement(resize(e, fine), fine)
        return self.metres(self.depth_head(e, detail))

    def _boundaries(self, obs: list[Tensor], fine: Tensor, detail: Tensor, image: Tensor) -> list[Tensor]:
        y, logits = self.fuse_boundaries(obs, image)
        return logits + [self.boundary_head(self.boundary_refinement(resize(y, fine), fine), detail)]


def shrink_of(height: int, width: int) -> int:
    """Factor by which the encoder's input is smaller than the picture: the power of 2 that comes nearest to FIRST_LOOK_PX."""
    return 2 ** max(0, round(0.5 * math.log2(height * width / FIRST_LOOK_PX)))
