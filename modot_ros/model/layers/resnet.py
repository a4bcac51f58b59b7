# SPDX-License-Identifier: Apache-2.0
"""Residual networks: ResNet (He et al., CVPR 2016) and ResNeXt (Xie et al., CVPR 2017).

Parts for those who own the names of the weights: the stride of a bottleneck is on its 3x3 convolution, as in
torchvision, whose layout the published order networks have.
"""
from __future__ import annotations

from torch import Tensor, nn

RESNET_50 = (3, 4, 6, 3)                                # blocks per stage
RESNEXT_101 = (3, 4, 23, 3)
EXPANSION = 4                                           # a block's outputs per plane


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution around a shortcut. [N, in, h, w] -> [N, 4 planes, h / stride, w / stride].

    width: channels of the 3x3 convolution, in so many groups.
    """

    def __init__(self, in_channels: int, planes: int, stride: int, width: int, groups: int) -> None:
        super().__init__()
        out_channels = EXPANSION * planes
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                                            nn.BatchNorm2d(out_channels))
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def stem(in_channels: int, planes: int) -> list[nn.Module]:
    """Convolution, batch norm, ReLU and max-pool, to be run in this order. [N, in, H, W] -> [N, planes, H/4, W/4]."""
    return [nn.Conv2d(in_channels, planes, 7, 2, padding=3, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1)]


def stages(planes: int = 64, blocks: tuple[int, ...] = RESNET_50, groups: int = 1,
           widening: int = 1) -> list[nn.Sequential]:
    """The four stages after the stem: strides 4, 8, 16, 32 and 4, 8, 16, 32 times `planes` channels.

    widening: width of a block's 3x3 convolution per plane; 4 with 32 groups is ResNeXt 32x8d.
    """
    found, in_channels = [], planes
    for stage, count in enumerate(blocks):
        wide = planes << stage
        first = Bottleneck(in_channels, wide, 2 if stage else 1, widening * wide, groups)
        in_channels = EXPANSION * wide
        found.append(nn.Sequential(first, *(Bottleneck(in_channels, wide, 1, widening * wide, groups)
                                            for _ in range(count - 1))))
    return found


class GroupedResNet(nn.Module):
    """A residual network without a head, its stem counted to the first stage, as MiDaS groups it.

    The stages `layer1` to `layer4` are called one by one: their users add to what is between them.
    """

    def __init__(self, in_channels: int, planes: int = 64, blocks: tuple[int, ...] = RESNET_50, groups: int = 1,
                 widening: int = 1) -> None:
        super().__init__()
        first, self.layer2, self.layer3, self.layer4 = stages(planes, blocks, groups, widening)
        self.layer1 = nn.Sequential(*stem(in_channels, planes), first)


def initialise(module: nn.Module) -> None:
    """Fresh weights as InstaOrder's training draws them; for `network.apply`."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_normal_(module.weight, gain=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
