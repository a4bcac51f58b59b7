# SPDX-License-Identifier: Apache-2.0
"""InstaOrderNet and InstaDepthNet (Lee and Park, *Instance-wise Occlusion and Depth Orders in Natural Scenes*,
CVPR 2022).

The input is one picture and the masks of two instances, A and B, the output their order. All outputs are
logits:
    occlusion [N, 2]   "B over A", "A over B"; two questions, each for a sigmoid: both may be true, or none
    depth     [N, 3]   "A closer", "A farther", "equal"; for a softmax
    class     [N, 3 or 4]   "B over A", "A over B", "none", "both"; for a softmax (OrderNet, Zhu et al., CVPR 2017)

Pair inference calls the two halves of a network, so that one picture is encoded once for all its pairs:
`encode(rgb [N, 3, H, W])` -> features, a list of maps; `logits(features, masks [M, 2, H, W])` -> logits by their names.
M is N, or any number for the features of one picture. `classes`: number of logits by name.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from modot_ros.model.instaorder.midas import Midas
from modot_ros.model.instaorder.official import OrderNetwork
from modot_ros.model.layers.resnet import EXPANSION, RESNET_50, RESNEXT_101, GroupedResNet, initialise, stages, stem


class InstaOrderNet(OrderNetwork):
    """cat(mask A, mask B, rgb) [N, 5, H, W] -> logits; a tuple of them when there is more than one head.

    heads: number of logits by name, "occlusion" before "depth". mode, size: of the official evaluation. planes, blocks:
    of the ResNet.
    """

    def __init__(self, heads: dict[str, int], mode: str, size: int, planes: int = 64,
                 blocks: tuple[int, ...] = RESNET_50) -> None:
        super().__init__()
        self.mode, self.size, self.classes = mode, size, dict(heads)
        self.conv1, self.bn1, self.relu, self.maxpool = stem(5, planes)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(planes, blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        official = {"occlusion": "fc_occ", "depth": "fc_depth"} if len(heads) > 1 else dict.fromkeys(heads, "fc")
        self.layers = {name: official[name] for name in heads}
        for name, count in heads.items():
            self.add_module(self.layers[name], nn.Linear(EXPANSION * planes << 3, count))
        self.apply(initialise)

    def encode(self, rgb: Tensor) -> list[Tensor]:
        return [rgb]

    def logits(self, features: list[Tensor], masks: Tensor) -> dict[str, Tensor]:
        x = torch.cat([masks, features[0].expand(masks.shape[0], -1, -1, -1)], dim=1)
        x = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        x = self.layer4(self.layer3(self.layer2(x)))
        pooled = self.avgpool(x).flatten(1)
        return {name: self.get_submodule(layer)(pooled) for name, layer in self.layers.items()}

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        found = tuple(self.logits([x[:, 2:]], x[:, :2]).values())
        return found if len(found) > 1 else found[0]


class InstaDepthNet(Midas):
    """rgb [N, 3, H, W], mask A and mask B [N, 1, H, W] -> disparity [N, H, W], depth logits [N, 3], and occlusion
    logits [N, 2] or None.

    Each kind of order has a ResNet of its own, which sees the masks alone; between its stages MiDaS's encoder adds what
    it knows of the picture. Disparity does not depend on the masks, nor orders on the decoder.
    occlusion: whether there is the second kind. The rest as Midas has it; order_blocks: of the ResNets.
    """

    def __init__(self, occlusion: bool, planes: int = 64, blocks: tuple[int, ...] = RESNEXT_101, groups: int = 32,
                 channels: int = 256, order_blocks: tuple[int, ...] = RESNET_50) -> None:
        super().__init__(planes, blocks, groups, channels)
        self.classes = {"depth": 3, "occlusion": 2} if occlusion else {"depth": 3}
        official = {"depth": ("do_net", "depth_fc"), "occlusion": ("oo_net", "occ_fc")}
        self.layers = official if occlusion else {"depth": ("gdo_net", "fc")}
        for name, (net, head) in self.layers.items():
            self.add_module(net, GroupedResNet(2, planes, order_blocks).apply(initialise))
            self.add_module(head, nn.Linear(EXPANSION * planes << 3, self.classes[name]))

    def logits(self, features: list[Tensor], masks: Tensor) -> dict[str, Tensor]:
        found = {}
        for name, (net, head) in self.layers.items():
            net = self.get_submodule(net)
            x = net.layer1(masks)
            for stage, feature in zip((net.layer2, net.layer3, net.layer4), features):
                x = stage(x + feature)
            found[name] = self.get_submodule(head)(x.mean(dim=(2, 3)))
        return found

    def forward(self, rgb: Tensor, mask_a: Tensor, mask_b: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        features = self.encode(rgb)
        found = self.logits(features, torch.cat([mask_a, mask_b], dim=1))
        return self.decode(features), found["depth"], found.get("occlusion")
