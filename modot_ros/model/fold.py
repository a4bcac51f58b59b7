# SPDX-License-Identifier: Apache-2.0
"""Batch norms folded into the convolutions before them: half the operations at inference, the same result."""
from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Fold in place, wherever a Conv2d child is followed by a BatchNorm2d child; the module must be in eval mode."""
    children = list(module.named_children())
    for (name, child), (next_name, following) in zip(children, children[1:]):
        if isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, following))
            setattr(module, next_name, nn.Identity())
    for _, child in children:
        fold_batch_norms(child)
    return module
