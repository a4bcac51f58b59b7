# SPDX-License-Identifier: Apache-2.0
"""Flip augmentation at test time, as the official evaluation of MoDOT (WACV 2026) has it.

The picture goes through the network twice, the second time mirrored. Depth is the mean of both results but for the
left and right tenth, where each is taken from the run that saw this side on its right; boundary probability is the mean.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def merge_depth(direct: Tensor, mirrored: Tensor) -> Tensor:
    """Depth of the picture and of the mirrored picture (as it came out, mirrored), both [..., H, W] -> [..., H, W]."""
    back = mirrored.flip(-1)
    across = torch.linspace(0, 1, direct.shape[-1], device=direct.device, dtype=direct.dtype)
    left = 1 - (20 * (across - 0.05)).clamp(0, 1)           # 1 on the left 5 %, 0 from 10 % on
    right = left.flip(-1)
    return right * direct + left * back + (1 - left - right) * (direct + back) / 2


def merge_probability(direct: Tensor, mirrored: Tensor) -> Tensor:
    """The same for boundary probabilities."""
    return (direct + mirrored.flip(-1)) / 2


def merge_classes(direct: tuple[np.ndarray, np.ndarray], mirrored: tuple[np.ndarray, np.ndarray]
                  ) -> tuple[np.ndarray, np.ndarray]:
    """Of class and its probability, [..., H, W] each: those of the run that is surer."""
    (one, sure), (other, surer) = direct, (part[..., ::-1] for part in mirrored)
    return np.where(surer > sure, other, one), np.maximum(sure, surer)
