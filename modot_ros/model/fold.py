# SPDX-License-Identifier: Apache-2.0
"""A trained network for inference: batch norms folded into convolutions, weights in another precision."""
from __future__ import annotations

import torch
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


def cast(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Cast in place, but for modules that have `float32 = True`."""
    for module in network.children():
        if not getattr(module, "float32", False):
            cast(module, dtype)
    for value in network.parameters(recurse=False):
        value.data = value.data.to(dtype)
    for key, value in network.named_buffers(recurse=False):
        if value.is_floating_point():
            network.register_buffer(key, value.to(dtype))
    return network
