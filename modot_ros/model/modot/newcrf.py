# SPDX-License-Identifier: Apache-2.0
"""Neural window fully-connected CRFs (NeW CRFs, Yuan et al., CVPR 2022): MoDOT's depth decoder, one module per scale.

Queries and keys come from the encoder's features, values are the map from the scale above: attention decides whose
depth a place takes.
"""
from __future__ import annotations

from torch import Tensor, nn

from modot_ros.model.layers.windows import HEAD_CHANNELS, SHIFT, TOKENS, Cut, Mlp, RelativeBias, cut, gathered, value_rows


class CrfAttention(RelativeBias):
    """x [T, D] and values in windows [windows, heads, 49, 32] -> [T, D]."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels // HEAD_CHANNELS)
        self.qk = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, values: Tensor, where: Cut) -> Tensor:
        qk = gathered(x, where.gather, self.qk).view(where.windows, TOKENS, 2, -1, HEAD_CHANNELS)
        q, k = qk.permute(2, 0, 3, 1, 4)
        return self.proj(self.attend(q, k, values, where))


class CrfBlock(nn.Module):
    """Attention and MLP, each behind a layer norm and around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = CrfAttention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, 4 * channels)

    def forward(self, x: Tensor, values: Tensor, where: Cut) -> Tensor:
        x = x + self.attn(self.norm1(x), values, where)
        return x + self.mlp(self.norm2(x))


class CrfLayer(nn.Module):
    """A block with plain and one with shifted windows; both read the same values."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(CrfBlock(channels) for _ in range(2))

    def forward(self, x: Tensor, v: Tensor) -> Tensor:
        """x [N, h, w, D] and v [N, hv, wv, D], hv >= h and wv >= w -> [N, h, w, D]."""
        batch, height, width, channels = x.shape
        tokens, values = x.reshape(-1, channels), v.reshape(-1, channels)
        for block, shift in zip(self.blocks, (0, SHIFT)):
            where = cut(batch, height, width, shift, x.device)
            rows = value_rows(batch, height, width, v.shape[1], v.shape[2], shift, x.device)
            in_windows = gathered(values, rows).view(where.windows, TOKENS, -1, HEAD_CHANNELS).transpose(1, 2)
            tokens = block(tokens, in_windows, where)
        return tokens.view(x.shape)


class NewCrf(nn.Module):
    """Features [N, Cin, h, w] and the map above [N, V, hv, wv] (hv = h or h + 1, wv likewise) -> [N, D, h, w]."""

    def __init__(self, feature_channels: int, value_channels: int, channels: int) -> None:
        super().__init__()
        self.proj_x = nn.Conv2d(feature_channels, channels, 3, padding=1)
        self.proj_v = nn.Conv2d(value_channels, channels, 3, padding=1)
        self.crf_layer = CrfLayer(channels)
        self.norm_crf = nn.LayerNorm(channels)

    def forward(self, feature: Tensor, above: Tensor) -> Tensor:
        x = self.crf_layer(self.proj_x(feature).permute(0, 2, 3, 1), self.proj_v(above).permute(0, 2, 3, 1))
        return self.norm_crf(x).permute(0, 3, 1, 2)
