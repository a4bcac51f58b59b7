# SPDX-License-Identifier: Apache-2.0
"""Residual branches left out at random in training (stochastic depth; Huang et al., ECCV 2016).

A network of which some branch is always missing has to say the same thing in several ways, and learns less of the views
by heart. What is left counts for more, so that in evaluation nothing has to change.
"""
from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from modot_ros.model.nano.network import GlobalBlock, ResidualBlock

OMITTED_SHARE = 0.1                                     # of the branches, of each view by itself


def omit_branches(network: nn.Module) -> nn.Module:
    """Makes every residual branch of a network that has a plain shortcut one that is left out at times, in place.

    In training only, by torch's global random numbers; weights and their names stay. Blocks other than `modot_nano`'s stay.
    """
    for block in network.modules():
        if isinstance(block, ResidualBlock) and isinstance(block.shortcut, nn.Identity):
            block.bn2.register_forward_hook(partial(_omit, block))
        elif isinstance(block, GlobalBlock):
            block.join.register_forward_hook(partial(_omit, block))
            block.narrow.register_forward_hook(partial(_omit, block))
    return network


def _omit(block: nn.Module, _last: nn.Module, _inputs: tuple[Tensor, ...], branch: Tensor) -> Tensor:
    if not block.training:                              # the last layer may not tell: held batch norms never train
        return branch
    kept = torch.rand(len(branch), *[1] * (branch.ndim - 1), device=branch.device) >= OMITTED_SHARE
    return branch * (kept / (1.0 - OMITTED_SHARE)).to(branch.dtype)
