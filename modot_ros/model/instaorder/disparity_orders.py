# SPDX-License-Identifier: Apache-2.0
"""Depth orders of instances from a disparity map alone (MiDaS as a baseline of InstaOrder, CVPR 2022)."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

STATISTICS = ("median", "mean")
TRIMMED = (0.05, 0.95)                                  # quantiles of an instance's depths that the others are moved to


def instance_depths(disparity: Tensor, masks: Tensor, statistic: str) -> np.ndarray:
    """One depth per instance, float32 [N], no unit; NaN for an instance without a pixel.

    disparity  float32 [h, w]
    masks      [N, h, w], not 0 = pixel of the instance
    statistic  "median" (the lower one of an even number) or "mean"
    """
    depth, found = 1.0 / (disparity + 1e-6), []
    for mask in masks.to(depth.device):
        values = depth[mask != 0]
        if values.numel():
            values = values.clamp(*torch.quantile(values, values.new_tensor(TRIMMED)))
        found.append(values.median() if statistic == "median" else values.mean())
    return torch.stack(found).cpu().numpy()


def depth_orders(depths: np.ndarray) -> np.ndarray:
    """Depths [N] -> int64 [N, N]: 1 = row closer, 0 = farther, 2 = exactly equal; 0 on the diagonal and beside NaN."""
    orders = (depths[:, None] < depths[None]).astype(np.int64)
    orders[depths[:, None] == depths[None]] = 2
    np.fill_diagonal(orders, 0)
    return orders
