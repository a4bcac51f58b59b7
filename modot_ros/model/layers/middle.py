# SPDX-License-Identifier: Apache-2.0
"""Maps whose sizes differ by a few pixels are brought to one size around their middles."""
from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def centre_crop(x: Tensor, height: int, width: int) -> Tensor:
    """The middle height x width of a map that is at least as large; the odd pixel is lost at the bottom and right."""
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top:top + height, left:left + width]


def fit(x: Tensor, height: int, width: int) -> Tensor:
    """The middle height x width of a map of any size, as the official DNMMSI cuts it.

    Where a side is too small, both are padded with zeros at both ends, by half of what they lack, rounded down, and one
    more; a side that is large enough by one. So a map that lacks one row comes to lie a pixel further down.
    """
    lacks_rows, lacks_columns = height - x.shape[-2], width - x.shape[-1]
    if max(lacks_rows, lacks_columns) > 0:
        rows, columns = (max(0, lack // 2 + 1) for lack in (lacks_rows, lacks_columns))
        x = F.pad(x, (columns, columns, rows, rows))
    return centre_crop(x, height, width)
