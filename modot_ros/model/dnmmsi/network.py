# SPDX-License-Identifier: Apache-2.0
"""DNMMSI: occlusion boundaries of a picture and of what a person drew on it (Xu and Wang, BMVC 2025; there TPENet).

A Swin encoder that reads the picture and the maps of strokes with one patch embedding; an interaction path for the maps
alone, whose features join the encoder's at two scales and go through strips there (FEM); an image path at full size; a
boundary decoder with five outputs, which are fused. Keys, shapes and buffers are those of the official checkpoints, and so
are the outputs.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.dnmmsi.boundary_decoder import BoundaryDecoder
from modot_ros.model.layers.casm import ConvBnRelu, StripFuse
from modot_ros.model.layers.middle import centre_crop, fit
from modot_ros.model.layers.swin import PatchEmbedding, Swin

SIZES = ("aligned", "exact")
VERSIONS = (1, 2)
STRIDE = 32
MAP_CHANNELS = 64                                       # of the interaction path's first part


class TwoInputSwin(Swin):
    """Swin of a picture [N, 3, H, W] and maps of strokes [N, M, H, W], whose embeddings are added.

    Three maps go through the picture's own embedding, and `patch_embed_coords`, which the official files hold all the
    same, is dead; two maps go through that one.
    """

    def __init__(self, maps: int, channels: int, depths: tuple[int, ...], drop_path: float, window: int) -> None:
        super().__init__(channels, depths, drop_path, window)
        self.patch_embed_coords = PatchEmbedding(channels, maps)
        self.shared = maps == 3

    def forward(self, image: Tensor, maps: Tensor) -> list[Tensor]:
        embed_maps = self.patch_embed if self.shared else self.patch_embed_coords
        return self.stages(self.patch_embed(image) + embed_maps(maps))


class Dnmmsi(nn.Module):
    """The published network; the defaults are version 1 with Swin-S.

    Args:
        sizes: "exact" treats every picture size as the official code does and returns all that it returns; where a side
            is no multiple of 32 the strokes' features lie up to a pixel of their map off. "aligned" pads at the right
            and bottom to a multiple of 32 (the picture with its border, the maps with 0) and crops what it added, and in
            evaluation returns the fused map only.
        version: of the encoder's enlarging: bilinear (1) or by pixel shuffle (2); the second also reads the previous
            output as 0 or 1.
        previous: whether the previous output is an input.
        channels: of the encoder's first stage, a multiple of 32.
        depths: blocks of the encoder's four stages.
        window: side of the encoder's windows, in tokens.
        strips: lengths of the short and the long strips.
        drop_path: of the encoder's last block, in training.
    Raises ValueError for another `sizes` or `version`.
    """

    def __init__(self, sizes: str = "aligned", version: int = 1, previous: bool = True, channels: int = 96,
                 depths: tuple[int, ...] = (2, 2, 18, 2), window: int = 7, strips: tuple[int, int] = (5, 7),
                 drop_path: float = 0.2) -> None:
        super().__init__()
        if sizes not in SIZES:
            raise ValueError(f"sizes is {sizes!r}: choose one of {', '.join(SIZES)}")
        if version not in VERSIONS:
            raise ValueError(f"version is {version!r}: choose one of {', '.join(map(str, VERSIONS))}")
        self.sizes, self.version, self.previous = sizes, version, previous
        widths = c0, c1, c2, c3 = tuple(channels << i for i in (3, 2, 1, 0))           # from stride 32 to stride 4
        maps = 3 if previous else 2
        self.backbone = TwoInputSwin(maps, channels, depths, drop_path, window)
        self.bbfeatures_sides = nn.ModuleList(_enlarging(c, version) for c in widths)
        self.maps_transform = nn.Sequential(
            nn.Conv2d(maps, MAP_CHANNELS, 1), nn.BatchNorm2d(MAP_CHANNELS), nn.ReLU(inplace=True),
            nn.Conv2d(MAP_CHANNELS, MAP_CHANNELS, 3, 1, 1, bias=False), nn.BatchNorm2d(MAP_CHANNELS), nn.ReLU(inplace=True),
            nn.Conv2d(MAP_CHANNELS, MAP_CHANNELS, 3, 2, 1, bias=False))
        self.is_trans_1 = ConvBnRelu(MAP_CHANNELS, c3)
        self.is_trans_2 = ConvBnRelu(c3, c2, stride=2)
        self.is_trans_3 = ConvBnRelu(c2, c1, stride=2)
        self.is_trans_4 = ConvBnRelu(c1, c0, stride=2)
        self.encoder_sides = nn.ModuleDict({str(i): StripFuse(widths[i], widths[i], strips) for i in (0, 2)})
        narrow, image_channels = c3 // 8, c3 // 2
        self.boundary_convolution = nn.Sequential(
            ConvBnRelu(3, narrow), *(ConvBnRelu(narrow, narrow) for _ in range(6)),
            ConvBnRelu(narrow, image_channels, kernel=1))
        self.boundary_decoder = BoundaryDecoder((*widths, image_channels))
        self.fuse = nn.Sequential(nn.Conv2d(5, 1, 1))
        for module in self.modules():                   # the official code redraws pretrained ones, too
            if isinstance(module, nn.Conv2d):
                bound = 1 / math.sqrt(module.weight[0].numel())
                nn.init.uniform_(module.weight, -bound, bound)

    @property
    def input_channels(self) -> int:
        return 6 if self.previous else 5

    def forward(self, x: Tensor) -> list[Tensor]:
        """One batch of pictures through the network.

        Args:
            x: [N, 6, H, W] float: the normalised picture, red first; the map of missing boundaries and that of false
                ones, 0 or 1; the previous output, suppressed and thresholded, which a network without `previous` lacks.

        Returns:
            Six logits [N, 1, H, W]: side outputs from the coarsest to the finest (the first four never negative) and the
            fused one last; when aligned and in evaluation, only the last. Raises ValueError for other channels.
        """
        if x.ndim != 4 or x.shape[1] != self.input_channels:
            raise ValueError(f"input is {list(x.shape)}: must be [N, {self.input_channels}, H, W]")
        height, width = x.shape[-2:]
        image, maps = self._fitted(x)
        exact_size = image.shape[-2:]
        levels = [enlarge(f) for enlarge, f in zip(self.bbfeatures_sides, reversed(self.backbone(image, maps)))]
        finest = self.is_trans_2(self.is_trans_1(self.maps_transform(maps)))
        coarsest = self.is_trans_4(self.is_trans_3(finest))
        for i, strokes in ((0, coarsest), (2, finest)):
            levels[i] = self.encoder_sides[str(i)](levels[i] + fit(strokes, *levels[i].shape[-2:]))
        sides = [centre_crop(side, *exact_size)
                 for side in self.boundary_decoder([*levels, self.boundary_convolution(image)])]
        fused = self.fuse(torch.cat(sides, dim=1))
        found = [*sides, fused] if self.sizes == "exact" or self.training else [fused]
        return [logits[..., :height, :width] for logits in found]

    def _fitted(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The picture and the maps that the network sees."""
        image, maps = x[:, :3], x[:, 3:]
        bottom, right = -x.shape[-2] % STRIDE, -x.shape[-1] % STRIDE
        if self.sizes == "aligned" and (bottom or right):
            image, maps = F.pad(image, (0, right, 0, bottom), mode="replicate"), F.pad(maps, (0, right, 0, bottom))
        return image, maps


def _enlarging(channels: int, version: int) -> nn.Sequential:
    """Encoder features at twice their size. [N, C, h, w] -> [N, C, 2 h, 2 w]."""
    if version == 2:
        return nn.Sequential(ConvBnRelu(channels, 4 * channels, kernel=1), nn.PixelShuffle(2),
                             ConvBnRelu(channels, channels, kernel=1))
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                         ConvBnRelu(channels, channels, kernel=1))
