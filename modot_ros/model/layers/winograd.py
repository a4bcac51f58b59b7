# SPDX-License-Identifier: Apache-2.0
"""3x3 convolutions with fewer multiplications (Winograd's minimal filtering; Lavin and Gray, CVPR 2016) on a CPU.

The kernels are NNPACK's, which torch carries, but uses by itself only for batches of 16 and more. They take about half
the time of the direct ones and round ten times coarser, which is still a tenth of what the goldens allow.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

FEWEST_CHANNELS = 64                                    # below, and on maps of few pixels, they win nothing
FEWEST_PIXELS = 1000
MOST_WEIGHTS = 4_000_000                                # wider ones see small maps, and would be in memory twice
MOST_PIXELS_BACK = 100_000                              # larger maps stay planar: another such convolution follows


class Winograd(nn.Module):
    """In the place of a 3x3 convolution of stride 1, float32, for inference. [N, in, h, w] -> [N, out, h, w]."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.weight = convolution.weight.detach().contiguous()

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.shape[2] * x.shape[3]
        if pixels < FEWEST_PIXELS:
            return self.convolution(x)
        y = torch._nnpack_spatial_convolution(planar(x), self.weight, self.convolution.bias, padding=1)
        return y if pixels > MOST_PIXELS_BACK else channels_last(y)


def planar(x: Tensor) -> Tensor:
    """[N, C, h, w] with whole channels behind each other in memory; several times faster than `contiguous`."""
    if x.is_contiguous():
        return x
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    for one, copy in zip(x, y):
        copy.flatten(1).copy_(one.flatten(1))           # of a matrix: torch transposes it block by block
    return y


def channels_last(x: Tensor) -> Tensor:
    """The way back."""
    y = torch.empty_like(x, memory_format=torch.channels_last)
    for one, copy in zip(x, y):
        copy.flatten(1).T.copy_(one.flatten(1).T)
    return y


def use_winograd(network: nn.Module) -> nn.Module:
    """Replace in place what can be; nothing where torch has no NNPACK.

    The weights of a 1x1 convolution lie alike in both memory formats: their strides are made those that leave the choice
    to the input, which would be reordered otherwise.
    """
    if torch._nnpack_available():
        for name, child in network.named_children():
            if not isinstance(child, nn.Conv2d):
                use_winograd(child)
            elif _fits(child):
                setattr(network, name, Winograd(child))
            elif child.kernel_size == (1, 1):
                child.weight.data = child.weight.data.clone(memory_format=torch.contiguous_format)
    return network


def _fits(convolution: nn.Conv2d) -> bool:
    return (convolution.kernel_size == (3, 3) and convolution.padding == convolution.stride == (1, 1)
            and convolution.dilation == (1, 1) and convolution.groups == 1
            and min(convolution.in_channels, convolution.out_channels) >= FEWEST_CHANNELS
            and convolution.weight.numel() <= MOST_WEIGHTS)
