# SPDX-License-Identifier: Apache-2.0
"""A token grid cut into square windows, plain or shifted, and attention inside them.

Swin Transformer (Liu et al., ICCV 2021) pads the grid, rolls it, cuts it, and undoes all three afterwards. Here one row
index does the three at once, and another the way back. The padding is a single zero token behind the real ones: its
query, key and value are then the linear layer's bias, as the official networks have it, and hardly a layer works on
padding.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.exported import exporting
from modot_ros.model.layers.lru_cache import all_recent, remember

WINDOW = 7                                              # side of MoDOT's windows, and of all that name none
TOKENS = WINDOW * WINDOW                                # of one window
SHIFT = WINDOW // 2
CPU_ROWS = 1536                                         # of tokens that the MLP of a CPU has in hand
LITTLE_PADDING = 1.08                                   # rows in windows for each real one
HEAD_CHANNELS = 32
APART = -100.0                                          # added between tokens that only the roll made neighbours


@dataclass(frozen=True)
class Cut:
    """How `batch` grids of `height` x `width` tokens fall into windows of T tokens, W of them per grid."""

    batch: int                                          # while a network is exported, a tensor
    padded_height: int
    padded_width: int
    gather: Tensor                                      # int64 [batch W T], rows of the tokens; past the last: padding
    scatter: Tensor                                     # int64 [batch height width], rows of the gathered tokens
    mask: Tensor | None                                 # float32 [batch W, 1, T, T]: 0 or APART; None when unshifted
    tokens: int = TOKENS                                # T

    @property
    def windows(self) -> int:
        """Of all grids: batch W."""
        return self.gather.numel() // self.tokens


def cut(batch: int, height: int, width: int, shift: int, device: torch.device, window: int = WINDOW) -> Cut:
    """The cut of grids whose windows of `window` x `window` tokens begin at (-shift, -shift), wrapped around."""
    if exporting():
        one = remember(("cut", 1, int(height), int(width), shift, device, window), _not_made)
        return _of_any_batch(one, batch, int(height) * int(width))

    def make() -> Cut:
        padded_height, padded_width = height + -height % window, width + -width % window
        gather = _rows(batch, height, width, padded_height, padded_width, padded_height, padded_width, shift, window)
        real = gather < batch * height * width
        scatter = torch.empty(batch * height * width, dtype=torch.long)
        scatter[gather[real]] = torch.arange(gather.numel())[real]
        mask = None
        if shift:
            mask = shift_mask(padded_height, padded_width, shift, window).repeat(batch, 1, 1, 1).to(device)
        return Cut(batch, padded_height, padded_width, gather.to(device), scatter.to(device), mask, window * window)
    return remember(("cut", batch, height, width, shift, device, window), make)


def _of_any_batch(one: Cut, batch: Tensor, count: int) -> Cut:
    """The cut of `batch` grids of `count` tokens, traced from that of one."""
    first = torch.arange(batch)[:, None]
    gather = torch.where(one.gather < count, first * count + one.gather, batch * count)
    scatter = first * len(one.gather) + one.scatter
    mask = None if one.mask is None else one.mask.repeat(batch, 1, 1, 1)
    return Cut(batch, one.padded_height, one.padded_width, gather.flatten(), scatter.flatten(), mask, one.tokens)


def _not_made() -> Any:
    raise RuntimeError("a network is run once on a single picture of the same size before it is exported")


def value_rows(batch: int, height: int, width: int, value_height: int, value_width: int, shift: int,
               device: torch.device) -> Tensor:
    """Rows of a value grid that may be a token larger than the query grid `height` x `width` it is read for.

    The official NewCRF pads the value grid as much as the query grid, rolls it at that larger size, and only then crops
    it to the padded query grid, so that after the roll values are no longer those of their query's place.
    """
    if exporting():
        one = remember(("values", 1, int(height), int(width), int(value_height), int(value_width), shift, device), _not_made)
        count = int(value_height) * int(value_width)
        return torch.where(one < count, torch.arange(batch)[:, None] * count + one, batch * count).flatten()

    def make() -> Tensor:
        bottom, right = -height % WINDOW, -width % WINDOW
        return _rows(batch, value_height, value_width, height + bottom, width + right, value_height + bottom,
                     value_width + right, shift).to(device)
    return remember(("values", batch, height, width, value_height, value_width, shift, device), make)


def _rows(batch: int, height: int, width: int, cut_height: int, cut_width: int, rolled_height: int, rolled_width: int,
          shift: int, window: int = WINDOW) -> Tensor:
    """Token rows in window order, of grids padded to rolled_*, rolled by -shift and cropped to cut_*."""
    y = (torch.arange(cut_height) + shift) % rolled_height
    x = (torch.arange(cut_width) + shift) % rolled_width
    real = (y < height)[:, None] & (x < width)[None]
    first = torch.arange(batch)[:, None, None] * (height * width)
    rows = torch.where(real, first + y[:, None] * width + x[None], batch * height * width)
    return _in_windows(rows, window).reshape(-1)


def _in_windows(grid: Tensor, window: int) -> Tensor:
    """[batch, height, width] -> [batch, windows, T]; height and width are multiples of `window`."""
    batch, height, width = grid.shape
    tiles = grid.view(batch, height // window, window, width // window, window)
    return tiles.transpose(2, 3).reshape(batch, -1, window * window)


def shift_mask(height: int, width: int, shift: int = SHIFT, window: int = WINDOW) -> Tensor:
    """Added to the logits of a shifted cut: APART between tokens of different bands. [windows, 1, T, T]."""
    def bands(size: int) -> Tensor:
        at = torch.arange(size)
        return (at >= size - window).long() + (at >= size - shift).long()

    label = _in_windows((3 * bands(height)[:, None] + bands(width)[None])[None], window)[0]
    return torch.where(label[:, None, :, None] == label[:, None, None, :], 0.0, APART)


def relative_position_index(window: int = WINDOW) -> Tensor:
    """int64 [T queries, T keys]: row of the bias table for their offset."""
    at = torch.arange(window * window)
    down = at[:, None] // window - at[None] // window + window - 1
    across = at[:, None] % window - at[None] % window + window - 1
    return down * (2 * window - 1) + across


class RelativeBias(nn.Module):
    """A learned bias per head and offset between query and key; base of the two attentions.

    `keep` (set by `freeze_biases`) holds the finished table of the last size, which only inference may: training would
    not see the parameter change. It is not part of the state.
    """

    def __init__(self, heads: int, window: int = WINDOW) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", relative_position_index(window))
        self.keep = False
        self._kept: tuple[tuple, Tensor] | None = None

    def bias(self, where: Cut) -> Tensor:
        """Bias and mask of a cut, [1 or windows, heads, T, T]."""
        table = self.relative_position_bias_table
        size = (where.batch, where.padded_height, where.padded_width, table.dtype, table.device)
        if self._kept is not None and self._kept[0] == size:
            return self._kept[1]
        bias = table[self.relative_position_index.flatten()].view(where.tokens, where.tokens, -1).permute(2, 0, 1)[None]
        if where.mask is not None:
            bias = bias + where.mask.to(bias.dtype)
        if self.keep:
            bias = bias.contiguous()
            self._kept = (size, bias)
        return bias

    def attend(self, q: Tensor, k: Tensor, v: Tensor, where: Cut) -> Tensor:
        """softmax(q k^T / sqrt(32) + bias) v inside every window, back in the grid's order.

        q, k, v: [windows, heads, T, 32]. Returns [batch height width, heads 32].
        """
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias(where))
        return found.transpose(1, 2).reshape(where.windows * where.tokens, -1).index_select(0, where.scatter)


def freeze_biases(network: nn.Module) -> nn.Module:
    """Let every attention keep its table of the last size: for networks whose weights stay as they are."""
    for module in network.modules():
        if isinstance(module, RelativeBias):
            module.keep = True
    return network


def remembered(network: nn.Module) -> list[Any]:
    """All that is kept for a next call at the moment: whoever recorded a call must hold on to it."""
    return [*all_recent(), *(module._kept for module in network.modules() if isinstance(module, RelativeBias))]


def gathered(tokens: Tensor, rows: Tensor, layer: nn.Module | None = None) -> Tensor:
    """`layer` of the tokens and of one zero token behind them, then the rows in window order.

    tokens: [T, C]. Returns [len(rows), channels of the layer]. With little padding the layer's input is gathered, which
    is narrower than what it makes.
    """
    tokens = torch.cat([tokens, tokens.new_zeros(1, tokens.shape[1])])
    if layer is None:
        return tokens.index_select(0, rows)
    if len(rows) <= LITTLE_PADDING * len(tokens):
        return layer(tokens.index_select(0, rows))
    return layer(tokens).index_select(0, rows)


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between. [T, C] -> [T, C].

    A CPU does a part of the rows at a time: what is between the layers, four times as wide, then stays in its cache.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        parts = x.chunk(math.ceil(len(x) / CPU_ROWS)) if x.is_cpu and not exporting() else (x,)
        done = [self.fc2(F.gelu(self.fc1(part))) for part in parts]
        return done[0] if len(done) == 1 else torch.cat(done)
