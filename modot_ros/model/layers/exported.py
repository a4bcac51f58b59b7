# SPDX-License-Identifier: Apache-2.0
"""What a network does differently while it is traced for another runtime: sizes are constants there, the batch is not."""
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def exporting() -> bool:
    """Whether the network is being traced: then short cuts that serve torch on a CPU are left out."""
    return torch.jit.is_tracing()


def mean_bins(x: Tensor, bins: int) -> Tensor:
    """`F.adaptive_avg_pool2d`, [N, C, h, w] -> [N, C, bins, bins]; traced as two matrix products, for ONNX has no operator
    for bins that overlap."""
    if not exporting():
        return F.adaptive_avg_pool2d(x, bins)
    rows, columns = (_shares(int(side), bins).to(x.dtype) for side in x.shape[-2:])
    return rows @ x @ columns.T


def _shares(side: int, bins: int) -> Tensor:
    """[bins, side]: what each place counts in the mean of each bin."""
    shares = torch.zeros(bins, side)
    for k in range(bins):
        first, end = k * side // bins, math.ceil((k + 1) * side / bins)
        shares[k, first:end] = 1 / (end - first)
    return shares
