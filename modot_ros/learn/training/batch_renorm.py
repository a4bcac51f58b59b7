# SPDX-License-Identifier: Apache-2.0
"""Batch renormalisation (Ioffe, NIPS 2017): batch norms that see in training what they will see in use.

In training a batch norm subtracts the mean of its batch, so that what a picture gives depends on those beside it. With
few pictures a step this is noise that a network has to live with, and one in the scale of depth above all. Here the
running statistics normalise in training as well; the gradient is still that of a batch norm, which keeps training stable.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOMENTUM = 0.05                                         # of the running statistics
LARGEST_RATIO = 3.0                                     # of deviations, batch / running, that is made up for
LARGEST_SHIFT = 5.0                                     # of means, in running deviations


class BatchRenorm2d(nn.BatchNorm2d):
    """A batch norm whose output in training is that in evaluation, while batch and running statistics differ little.

    `freedom` between 0 and 1 limits what is made up for: at 0 it is a batch norm, whose statistics mean something soon.
    """

    freedom: float = 1.0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        with torch.no_grad():
            mean, variance = torch.batch_norm_update_stats(x.float(), None, None, 0.0)      # all digits of half precision
            deviation = (self.running_var + self.eps).sqrt()
            ratio, shift = LARGEST_RATIO ** self.freedom, LARGEST_SHIFT * self.freedom
            r = ((variance + self.eps).sqrt() / deviation).clamp(1 / ratio, ratio)
            d = ((mean - self.running_mean) / deviation).clamp(-shift, shift)
            self.running_mean.lerp_(mean, MOMENTUM)
            self.running_var.lerp_(variance, MOMENTUM)
        return F.batch_norm(x, None, None, self.weight * r, self.bias + self.weight * d, training=True, eps=self.eps)


def renormalise(network: nn.Module) -> nn.Module:
    """Make every batch norm of a network one of these, in place; its parameters, buffers and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = BatchRenorm2d            # the parameters stay those that an optimiser may know
    return network


def set_freedom(network: nn.Module, freedom: float) -> None:
    """Of every batch renormalisation in the network, 0..1."""
    for module in network.modules():
        if isinstance(module, BatchRenorm2d):
            module.freedom = freedom


def hold_statistics(network: nn.Module) -> None:
    """Let the batch norms of a network in training mode normalise with their statistics as they are, and keep them."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
