# SPDX-License-Identifier: Apache-2.0
"""The weights that a run ends with: an average over its steps, which is better than its last step (Polyak averaging)."""
from __future__ import annotations

import torch
from torch import nn


class Averaged:
    """Exponential moving average of weights and batch-norm statistics; early steps are forgotten faster."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1.0 - decay)
            else:
                self.state[key].copy_(value)
