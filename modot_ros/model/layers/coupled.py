# SPDX-License-Identifier: Apache-2.0
"""Parts of the small networks: context, image path, heads, and the two coupled decoders around MoDOT's CASM (WACV 2026)."""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import CASM, ChannelAttention, ConvBnRelu
from modot_ros.model.layers.exported import mean_bins
from modot_ros.model.layers.lru_cache import remember

FREQUENCIES = (0.5, 1.0, 2.0)                           # of `waves`: periods from a map's middle to its border
START_DEPTH_M = 3.0                                     # what a fresh network predicts everywhere
LOG_DEPTH_STD_RANGE = (0.01, 2.0)                       # that the network can predict
START_LOG_DEPTH_STD = 0.3


def waves(height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Where the places of a map are, [height * width, 4 * len(FREQUENCIES)]: sines, then cosines of row and column."""
    def make() -> Tensor:
        y, x = ((2 * torch.arange(size, device=device, dtype=dtype) + 1 - size) / size for size in (height, width))
        angles = torch.cat([math.pi * f * torch.cartesian_prod(y, x) for f in FREQUENCIES], dim=1)
        return torch.cat([angles.sin(), angles.cos()], dim=1)
    return remember(("waves", height, width, device, dtype), make)


class GlobalBlock(nn.Module):
    """Attention of every place to every other, then a perceptron, both around shortcuts (Dosovitskiy et al., ICLR 2021).

    [N, C, h, w] -> the same. Both start as nothing, so that a trained network may be given more of these. Places are told
    apart by sines and cosines of where they are, -1 to 1 across the map, so that any size will do.
    """

    HEAD_CHANNELS = 32

    def __init__(self, channels: int, widening: int = 3) -> None:
        super().__init__()
        self.heads = math.gcd(channels, max(1, channels // self.HEAD_CHANNELS))
        self.place = nn.Linear(4 * len(FREQUENCIES), channels)
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv, self.join = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.widen, self.narrow = nn.Linear(channels, widening * channels), nn.Linear(widening * channels, channels)
        for last in (self.join, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        h, w = map(int, x.shape[-2:])                   # constants of an exported network
        t = x.permute(0, 2, 3, 1).flatten(1, 2)
        q, k, v = (self.qkv(self.norm1(t) + self.place(waves(h, w, x.device, x.dtype)))
                   .unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4))
        t = t + self.join(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        t = t + self.narrow(F.gelu(self.widen(self.norm2(t))))
        return t.unflatten(1, (h, w)).permute(0, 3, 1, 2)


class PyramidPooling(nn.Module):
    """Global context by pooling to 1, 2, 3 and 6 bins a side (Zhao et al., CVPR 2017). [N, in, h, w] -> [N, out, h, w]."""

    def __init__(self, in_channels: int, out_channels: int, bins: tuple[int, ...] = (1, 2, 3, 6)) -> None:
        super().__init__()
        self.bins = bins
        self.branches = nn.ModuleList(nn.Conv2d(in_channels, in_channels // 4, 1) for _ in bins)
        self.bottleneck = ConvBnRelu(in_channels + len(bins) * (in_channels // 4), out_channels)

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for size, branch in zip(self.bins, self.branches):
            maps.append(resize(F.relu(branch(mean_bins(x, size))), x))
        return self.bottleneck(torch.cat(maps, dim=1))


class ImagePath(nn.Module):
    """EIP on 2x2 pixel blocks: what the encoder's strides forget. Image [N, inputs, h, w] -> [N, C, h/2, w/2].

    MoDOT's spatial attention is left out: reducing over channels takes as long as a convolution here.
    """

    def __init__(self, channels: int, inputs: int = 3) -> None:
        super().__init__()
        self.convs = nn.Sequential(ConvBnRelu(4 * inputs, channels), ConvBnRelu(channels, channels))
        self.channel_attention = ChannelAttention(channels, reduction=4)

    def forward(self, image: Tensor) -> Tensor:
        c = self.convs(F.pixel_unshuffle(image, 2))
        return c + c * self.channel_attention(c)


class Refinement(nn.Module):
    """Residual that the fine path adds to a decoder's map; zero at the start.

    [N, C, h, w] of the decoder, enlarged, and [N, fine, h, w] -> [N, C, h, w].
    """

    def __init__(self, channels: int, fine_channels: int) -> None:
        super().__init__()
        self.mix = ConvBnRelu(channels + fine_channels, channels)
        self.out = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        return x + self.out(self.mix(torch.cat([x, fine], dim=1)))


class PixelHead(nn.Module):
    """Decoder features at stride 4 and the image path's at stride 2 -> one value per pixel.

    [N, in, h/4, w/4] and [N, C, h/2, w/2] -> [N, 1, h, w].
    """

    def __init__(self, in_channels: int, channels: int, bias: float) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, channels, 1)
        self.convs = nn.Sequential(ConvBnRelu(channels, channels), ConvBnRelu(channels, channels))
        self.out = nn.Conv2d(channels, 4, 3, padding=1)
        nn.init.normal_(self.out.weight, std=0.01)                  # start from the constant `bias` everywhere
        nn.init.constant_(self.out.bias, bias)

    def forward(self, x: Tensor, detail: Tensor) -> Tensor:
        return F.pixel_shuffle(self.out(self.convs(resize(self.project(x), detail) + detail)), 2)


class UncertaintyHead(nn.Module):
    """Standard deviation of ln z per pixel, from the depth features and the context of the whole picture.

    Heteroscedastic regression (Kendall and Gal, NIPS 2017). What it learns does not change the features that depth uses.
    Depth features [N, in, any height, any width], context [N, context, any height, any width] and an image [N, 3, h, w] for its
    size -> [N, 1, h, w] inside LOG_DEPTH_STD_RANGE.
    """

    def __init__(self, in_channels: int, context_channels: int, channels: int) -> None:
        super().__init__()
        self.context = nn.Linear(context_channels, channels)
        self.convs = nn.Sequential(ConvBnRelu(in_channels + channels, 2 * channels), ConvBnRelu(2 * channels, channels))
        self.out = nn.Conv2d(channels, 1, 1)
        low, high = map(math.log, LOG_DEPTH_STD_RANGE)
        share = (math.log(START_LOG_DEPTH_STD) - low) / (high - low)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.constant_(self.out.bias, math.log(share / (1.0 - share)))

    def forward(self, e: Tensor, context: Tensor, image: Tensor) -> Tensor:
        low, high = map(math.log, LOG_DEPTH_STD_RANGE)
        seen = F.relu(self.context(context.detach().mean(dim=(2, 3))))[:, :, None, None].expand(-1, -1, *e.shape[-2:])
        x = resize(self.out(self.convs(torch.cat([e.detach(), seen], dim=1))), image)
        return torch.exp(low + (high - low) * torch.sigmoid(x.float()))


class CoupledDecoders(nn.Module):
    """A depth and a boundary decoder that exchange features at three scales; the encoder is a subclass's.

    A subclass builds its encoder, then calls `build_decoders`: so the order of its weights is that of the data flow.
    """

    def build_decoders(self, features: tuple[int, int, int, int], decoder_channels: tuple[int, ...], detail_channels: int,
                       min_depth_m: float, max_depth_m: float) -> int:
        """Context, image path, laterals, couplings and auxiliary heads.

        Args:
            features: widths of the encoder's maps at strides 4, 8, 16, 32.
            decoder_channels: widths of both decoders at strides 16, 8, 4.
            detail_channels: width of the image path and of the heads.
            min_depth_m, max_depth_m: range of z; a network predicts its logarithm, bounded by a sigmoid.

        Returns the width of the depth features at stride 4; those of boundaries have half of it. Raises ValueError for a
        range that START_DEPTH_M is not inside of.
        """
        if not 0 < min_depth_m < START_DEPTH_M < max_depth_m < math.inf:
            raise ValueError(f"min_depth_m={min_depth_m}, max_depth_m={max_depth_m}: must be positive, finite and have "
                             f"{START_DEPTH_M} m, where training starts, between them")
        self.min_depth_m, self.max_depth_m = min_depth_m, max_depth_m
        self.log_range = (math.log(min_depth_m), math.log(max_depth_m))
        c4, c8, c16, c32 = features
        self.context = PyramidPooling(c32, decoder_channels[0])
        self.image_path = ImagePath(detail_channels)

        # One entry per coupled scale, strides 16, 8, 4 of the first look in this order.
        self.depth_laterals, self.depth_steps, self.depth_fuses = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.boundary_laterals, self.boundary_fuses = nn.ModuleList(), nn.ModuleList()
        self.couplings, self.auxiliaries = nn.ModuleList(), nn.ModuleList()
        above = decoder_channels[0]
        for feature, width in zip((c16, c8, c4), decoder_channels):
            self.depth_laterals.append(nn.Conv2d(feature, width, 1))
            self.depth_steps.append(nn.Conv2d(above, width, 1, bias=False))
            self.depth_fuses.append(ConvBnRelu(width, width))
            self.boundary_laterals.append(ConvBnRelu(feature, width, kernel=1))
            self.couplings.append(CASM(width, reduction=4, strip_channels=max(16, width // 4)))
            below = above // 2 if len(self.boundary_fuses) else 0       # the coarsest scale has nothing below it
            self.boundary_fuses.append(ConvBnRelu(width + below, width // 2))
            self.auxiliaries.append(nn.Conv2d(width // 2, 1, 1))
            above = width
        return above

    def _logit_of(self, depth_m: float) -> float:
        low, high = self.log_range
        share = (math.log(depth_m) - low) / (high - low)
        return math.log(share / (1.0 - share))

    @torch.no_grad()
    def centre_boundary(self, threshold: float) -> None:
        """Shift the boundary logits so that what was the probability `threshold` becomes 0.5."""
        self.boundary_head.out.bias -= math.log(threshold / (1.0 - threshold))

    def couple(self, features: list[Tensor], e: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encoder's maps at strides 4, 8, 16 and their context -> depth features at stride 4, boundary features at 16, 8, 4."""
        f4, f8, f16 = features
        obs = []
        for k, feature in enumerate((f16, f8, f4)):
            e = self.depth_laterals[k](feature) + resize(self.depth_steps[k](e), feature)
            ob, e = self.couplings[k](self.boundary_laterals[k](feature), self.depth_fuses[k](e))
            obs.append(ob)
        return e, obs

    def fuse_boundaries(self, obs: list[Tensor], image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Boundary features at stride 4, and in training the auxiliary logits at the picture's size."""
        logits, y = [], None
        for ob, fuse, auxiliary in zip(obs, self.boundary_fuses, self.auxiliaries):
            y = fuse(ob if y is None else torch.cat([ob, resize(y, ob)], dim=1))
            if self.training:
                logits.append(resize(auxiliary(y), image))
        return y, logits

    def metres(self, logits: Tensor) -> Tensor:
        """Head's values -> z in metres for the canonical camera, inside the range."""
        low, high = self.log_range
        return torch.exp(low + (high - low) * torch.sigmoid(logits.float()))


def resize(x: Tensor, like: Tensor) -> Tensor:
    """x bilinearly at the height and width of `like`."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
