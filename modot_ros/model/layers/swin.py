# SPDX-License-Identifier: Apache-2.0
"""Swin Transformer (Liu et al., ICCV 2021): the encoder of MoDOT, in its size L with windows of 7 x 7 tokens, and of
DNMMSI in three sizes.

Inside a stage the tokens of all pictures are one matrix [T, C], T = batch * height * width in row-major order.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.windows import HEAD_CHANNELS, WINDOW, Cut, Mlp, RelativeBias, cut, gathered

PATCH = 4


class SwinAttention(RelativeBias):
    """Self-attention inside windows, C / 32 heads. [T, C] -> [T, C]."""

    def __init__(self, channels: int, window: int = WINDOW) -> None:
        super().__init__(channels // HEAD_CHANNELS, window)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, where: Cut) -> Tensor:
        qkv = gathered(x, where.gather, self.qkv).view(where.windows, where.tokens, 3, -1, HEAD_CHANNELS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        return self.proj(self.attend(q, k, v, where))


class SwinBlock(nn.Module):
    """Attention and MLP, each behind a layer norm and around a shortcut that training sometimes takes alone."""

    def __init__(self, channels: int, drop_path: float, window: int = WINDOW) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = SwinAttention(channels, window)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, 4 * channels)
        self.drop_path = drop_path

    def forward(self, x: Tensor, where: Cut) -> Tensor:
        x = x + self._thinned(self.attn(self.norm1(x), where), where.batch)
        return x + self._thinned(self.mlp(self.norm2(x)), where.batch)

    def _thinned(self, branch: Tensor, batch: int) -> Tensor:
        """Stochastic depth (Huang et al., ECCV 2016): in training a picture loses the branch with `drop_path`."""
        if not self.training or self.drop_path == 0.0:
            return branch
        kept = (torch.rand(batch, 1, device=branch.device) >= self.drop_path).to(branch.dtype) / (1.0 - self.drop_path)
        return (branch.view(batch, -1) * kept).view_as(branch)


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the width. [N, h, w, C] -> [N, ceil(h/2), ceil(w/2), 2 C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, int(x.shape[2]) % 2, 0, int(x.shape[1]) % 2))
        corners = (x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2])
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class SwinStage(nn.Module):
    """Blocks in turn with plain and with shifted windows, then the merging to the next stage, if there is one."""

    def __init__(self, channels: int, drop_paths: list[float], last: bool, window: int = WINDOW) -> None:
        super().__init__()
        self.window = window
        self.blocks = nn.ModuleList(SwinBlock(channels, rate, window) for rate in drop_paths)
        if not last:
            self.downsample = PatchMerging(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N, h, w, C] -> the same, before merging."""
        batch, height, width, channels = x.shape
        cuts = [cut(batch, height, width, shift, x.device, self.window) for shift in (0, self.window // 2)]
        tokens = x.reshape(-1, channels)
        for k, block in enumerate(self.blocks):
            tokens = block(tokens, cuts[k % 2])
        return tokens.view(x.shape)


class PatchEmbedding(nn.Module):
    """4x4 pixels become a token. [N, in, H, W] -> [N, ceil(H/4), ceil(W/4), C]."""

    def __init__(self, channels: int, in_channels: int = 3) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, PATCH, PATCH)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        image = F.pad(image, (0, -int(image.shape[3]) % PATCH, 0, -int(image.shape[2]) % PATCH))
        return self.norm(self.proj(image).permute(0, 2, 3, 1))


class Swin(nn.Module):
    """[N, 3, H, W] -> four maps [N, C 2^i, h_i, w_i] with h_0 = ceil(H/4) and h_i+1 = ceil(h_i/2), channels last in
    memory.

    channels: C, a multiple of 32. depths: blocks per stage. drop_path: of the last block, growing from 0 at the first.
    window: side of the windows in tokens; shifted ones begin half of it, rounded down, further.
    """

    def __init__(self, channels: int = 192, depths: tuple[int, ...] = (2, 2, 18, 2), drop_path: float = 0.3,
                 window: int = WINDOW) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(channels)
        self.layers = nn.ModuleList()
        count, done = sum(depths), 0
        for i, depth in enumerate(depths):
            rates = [drop_path * (done + j) / max(1, count - 1) for j in range(depth)]
            self.layers.append(SwinStage(channels << i, rates, last=i == len(depths) - 1, window=window))
            self.add_module(f"norm{i}", nn.LayerNorm(channels << i))
            done += depth
        self.apply(self._initialise)

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.stages(self.patch_embed(image))

    def stages(self, x: Tensor) -> list[Tensor]:
        """Embedded patches [N, h_0, w_0, C] -> the four maps."""
        features = []
        for i, stage in enumerate(self.layers):
            x = stage(x)
            features.append(self.get_submodule(f"norm{i}")(x).permute(0, 3, 1, 2))
            if i < len(self.layers) - 1:
                x = stage.downsample(x)
        return features
