# SPDX-License-Identifier: Apache-2.0
"""The loss that DNMMSI (Xu and Wang, BMVC 2025) was trained with."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

WEIGHTS = (0.5, 0.5, 0.5, 0.5, 0.5, 1.1)                # of the five side outputs and the fused one
GROWTH = 1.1                                            # of the negatives' weight from output to output
NEGATIVE_WEIGHT = 1.7                                   # 1.1 for BSDS


def interactive_losses(logits: list[Tensor], labels: Tensor, negative_weight: float = NEGATIVE_WEIGHT) -> Tensor:
    """Class-balanced cross entropy of the six outputs, [6]; their sum was minimised.

    Args:
        logits: six [N, 1, H, W], the fused one last.
        labels: float [N, 1, H, W]: 1 boundary, 0 none; anything else counts for neither, but stays in the mean.
        negative_weight: lambda. In output k, counted from 1, a negative weighs lambda 1.1^k times the share of positives,
            a positive the share of negatives, both of the whole batch.

    Raises ValueError for another number of outputs. A batch without positives or without negatives costs nothing.
    """
    if len(logits) != len(WEIGHTS):
        raise ValueError(f"{len(logits)} outputs: must be {len(WEIGHTS)}, as in training and in exact mode")
    positive, negative = labels == 1, labels == 0
    share, other_share = positive.double().mean(), negative.double().mean()
    losses = []
    for x, weight in zip(logits, WEIGHTS):
        share = share * GROWTH
        entropy = F.binary_cross_entropy_with_logits(x.float() if x.dtype == torch.float16 else x, labels, reduction="none")
        # In 32 bits, also where the network computes in 64, as in the official code.
        balance = positive * other_share.float() + negative * share.float() * negative_weight
        losses.append(weight * (balance * entropy).mean())
    return torch.stack(losses)
