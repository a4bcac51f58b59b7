# SPDX-License-Identifier: Apache-2.0
"""`scribble_nano`: boundaries that a person corrects with strokes, on a robot's CPU.

The idea is DNMMSI's (BMVC 2025): one network reads the picture, a map of strokes where a boundary is missing, one where it
is false, and its previous output. The parts are those of `modot_nano` that predict boundaries: its encoder down to stride 16,
the boundary decoder, the fine path, the image path and the head. The three maps are further channels of the three first
convolutions; they start as nothing, so that the network begins with what `modot_nano` knows.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import ConvBnRelu
from modot_ros.model.layers.coupled import GlobalBlock, ImagePath, PixelHead, Refinement, resize
from modot_ros.model.nano.network import ModotNano, ResidualBlock, shrink_of

MAPS = 3                                                # missing strokes, false strokes, previous output
COARSEST = 16                                           # stride of the encoder's last stage


class ScribbleNano(nn.Module):
    """Picture and strokes -> boundary logits.

    Args:
        encoder_channels: widths at strides 2, 4, 8, 16 of the first look, as the next two.
        encoder_blocks, global_blocks: residual and attention blocks at strides 4, 8, 16.
        decoder_channels: widths of the decoder at strides 16, 8, 4; its features have half of them.
        fine_channels, fine_blocks: width and residual blocks of the fine path at stride 4 of the full picture.
        detail_channels: width of the image path and of the head.
    Raises ValueError for widths or blocks that are not as many.
    """

    version, previous, input_channels = 1, True, 3 + MAPS           # as Dnmmsi has them

    def __init__(self, encoder_channels: tuple[int, ...] = (16, 32, 64, 128), encoder_blocks: tuple[int, ...] = (1, 3, 5),
                 global_blocks: tuple[int, ...] = (0, 0, 4), decoder_channels: tuple[int, ...] = (96, 64, 32),
                 fine_channels: int = 32, fine_blocks: int = 2, detail_channels: int = 16) -> None:
        super().__init__()
        c2 = encoder_channels[0]
        self.stem = ConvBnRelu(self.input_channels, c2, stride=2)
        self.encoder = nn.ModuleList([
            nn.Sequential(ResidualBlock(width, out, 2), *(ResidualBlock(out, out) for _ in range(blocks - 1)),
                          *(GlobalBlock(out) for _ in range(wide)))
            for width, out, blocks, wide in zip(encoder_channels[:-1], encoder_channels[1:], encoder_blocks, global_blocks,
                                                strict=True)])
        self.image_path = ImagePath(detail_channels, self.input_channels)
        self.boundary_laterals, self.boundary_fuses = nn.ModuleList(), nn.ModuleList()
        self.auxiliaries = nn.ModuleList()
        below = 0                                       # the coarsest scale has nothing below it
        for feature, width in zip(reversed(encoder_channels[1:]), decoder_channels, strict=True):
            self.boundary_laterals.append(ConvBnRelu(feature, width, kernel=1))
            self.boundary_fuses.append(ConvBnRelu(width + below, width // 2))
            self.auxiliaries.append(nn.Conv2d(width // 2, 1, 1))
            below = width // 2
        self.fine = nn.Sequential(
            ConvBnRelu(self.input_channels, c2, stride=2), ResidualBlock(c2, fine_channels, 2),
            *(ResidualBlock(fine_channels, fine_channels) for _ in range(fine_blocks - 1)))
        self.boundary_refinement = Refinement(below, fine_channels)
        self.boundary_head = PixelHead(below, detail_channels, bias=-2.0)

    def forward(self, x: Tensor) -> list[Tensor]:
        """One batch of pictures through the network.

        Args:
            x: [N, 6, h, w] float: the picture, normalised by ImageNet's statistics, red first; the map of missing boundaries
                and that of false ones, 0 or 1; the previous output, suppressed and thresholded.

        Returns boundary logits [N, 1, h, w]: in training three auxiliary maps (strides 16, 8, 4 of the first look) before the
        final one, in evaluation the final one only. Raises ValueError for other channels.
        """
        if x.ndim != 4 or x.shape[1] != self.input_channels:
            raise ValueError(f"input is {list(x.shape)}: must be [N, {self.input_channels}, H, W]")
        height, width = x.shape[-2:]
        shrink = shrink_of(height, width)
        bottom, right = -height % (COARSEST * shrink), -width % (COARSEST * shrink)
        if bottom or right:
            x = torch.cat([F.pad(x[:, :3], (0, right, 0, bottom), mode="replicate"),
                           F.pad(x[:, 3:], (0, right, 0, bottom))], dim=1)
        features, y, found = [], self.stem(F.avg_pool2d(x, shrink)), []
        for stage in self.encoder:
            y = stage(y)
            features.append(y)
        y = None
        for feature, lateral, fuse, auxiliary in zip(reversed(features), self.boundary_laterals, self.boundary_fuses,
                                                     self.auxiliaries):
            here = lateral(feature)
            y = fuse(here if y is None else torch.cat([here, resize(y, here)], dim=1))
            if self.training:
                found.append(resize(auxiliary(y), x))
        fine = self.fine(x)
        found.append(self.boundary_head(self.boundary_refinement(resize(y, fine), fine), self.image_path(x)))
        return [logits[..., :height, :width] for logits in found]

    @torch.no_grad()
    def begin_with(self, nano: ModotNano, images: Tensor) -> None:
        """Take over the weights of a trained `modot_nano` of the same widths; strokes and previous output count for nothing.

        images: [N, 3, h, w] as `modot_nano` reads them. Its depth decoder weighs the boundary decoder's channels (CASM);
        the mean of these weights over the pictures goes into the fusions here, which have no depth.
        """
        gates: list[list[Tensor]] = [[] for _ in nano.couplings]
        hooks = [coupling.ca_depth.register_forward_hook(lambda _, __, gate, kept=kept: kept.append(gate.mean((0, 2, 3))))
                 for coupling, kept in zip(nano.couplings, gates)]
        for image in images.split(1):
            nano.eval()(image)
        for hook in hooks:
            hook.remove()
        own, state = self.state_dict(), nano.state_dict()
        for key, value in own.items():
            taken = state[key]
            if taken.shape == value.shape:
                value.copy_(taken)
            else:                                       # a first convolution: the picture's channels come first
                value.zero_()
                value[:, :taken.shape[1]] = taken
        for fuse, gate in zip(self.boundary_fuses, gates):
            mean = torch.stack(gate).mean(0)
            fuse.conv.weight[:, :len(mean)] *= 1 + mean[:, None, None]

    @torch.no_grad()
    def centre_boundary(self, threshold: float, at: float = 0.5) -> None:
        """Shift the logits so that what was the probability `threshold` becomes `at`."""
        self.boundary_head.out.bias += math.log(at / (1 - at)) - math.log(threshold / (1 - threshold))
