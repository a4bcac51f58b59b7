# SPDX-License-Identifier: Apache-2.0
"""MiDaS v2.1, large (Ranftl et al., TPAMI 2022): one picture -> disparity without scale. Encoder: ResNeXt-101 32x8d."""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.instaorder.official import OrderNetwork
from modot_ros.model.layers.resnet import EXPANSION, RESNEXT_101, GroupedResNet

STRIDE = 32                                             # both sides of the input are multiples of it


class ResidualUnit(nn.Module):
    """Two convolutions around a shortcut. The shortcut carries relu(x): the official ReLU overwrites its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        return self.conv2(F.relu(self.conv1(x))) + x


class Fusion(nn.Module):
    """Map of the coarser level and the encoder's map of the same size -> their fusion, twice as large (RefineNet)."""

    def __init__(self, channels: int, lateral: bool = True) -> None:
        super().__init__()
        if lateral:
            self.resConfUnit1 = ResidualUnit(channels)
        self.resConfUnit2 = ResidualUnit(channels)

    def forward(self, path: Tensor, lateral: Tensor | None = None) -> Tensor:
        if lateral is not None:
            path = path + self.resConfUnit1(lateral)
        return F.interpolate(self.resConfUnit2(path), scale_factor=2, mode="bilinear", align_corners=True)


class Decoder(nn.Module):
    """Four maps of the encoder -> disparity [N, H, W] >= 0."""

    def __init__(self, planes: int, channels: int) -> None:
        super().__init__()
        for level in range(4):
            narrow = nn.Conv2d(EXPANSION * planes << level, channels, 3, padding=1, bias=False)
            self.add_module(f"layer{level + 1}_rn", narrow)
        self.refinenet4 = Fusion(channels, lateral=False)
        self.refinenet3 = Fusion(channels)
        self.refinenet2 = Fusion(channels)
        self.refinenet1 = Fusion(channels)
        self.output_conv = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Conv2d(channels // 2, channels // 8, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(channels // 8, 1, 1), nn.ReLU(inplace=True))

    def forward(self, maps: list[Tensor]) -> Tensor:
        path = self.refinenet4(self.layer4_rn(maps[3]))
        path = self.refinenet3(path, self.layer3_rn(maps[2]))
        path = self.refinenet2(path, self.layer2_rn(maps[1]))
        path = self.refinenet1(path, self.layer1_rn(maps[0]))
        return self.output_conv(path).squeeze(1)


class Midas(OrderNetwork):
    """rgb [N, 3, H, W], normalised by ImageNet's colours -> disparity [N, H, W], larger = nearer, no unit.

    H and W must be multiples of 32. planes, blocks, groups: of the encoder; channels: of the decoder.
    """

    mode, size = "resize", 384

    def __init__(self, planes: int = 64, blocks: tuple[int, ...] = RESNEXT_101, groups: int = 32,
                 channels: int = 256) -> None:
        super().__init__()
        self.pretrained = GroupedResNet(3, planes, blocks, groups, widening=4)
        self.scratch = Decoder(planes, channels)

    def encode(self, rgb: Tensor) -> list[Tensor]:
        """The encoder's maps at strides 4, 8 and 16; with the fourth they give disparity."""
        if rgb.shape[-2] % STRIDE or rgb.shape[-1] % STRIDE:
            raise ValueError(f"input is {rgb.shape[-1]}x{rgb.shape[-2]}: both sides must be multiples of {STRIDE}")
        first = self.pretrained.layer1(rgb)
        second = self.pretrained.layer2(first)
        return [first, second, self.pretrained.layer3(second)]

    def decode(self, maps: list[Tensor]) -> Tensor:
        """Maps of `encode` -> disparity [N, H, W]."""
        return self.scratch([*maps, self.pretrained.layer4(maps[2])])

    def disparity(self, rgb: Tensor) -> Tensor:
        """rgb [N, 3, H, W] -> disparity [N, H, W]."""
        return self.decode(self.encode(rgb))

    def forward(self, rgb: Tensor) -> Tensor:
        return self.disparity(rgb)
