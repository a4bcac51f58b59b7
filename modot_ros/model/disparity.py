# SPDX-License-Identifier: Apache-2.0
"""Relative depth of networks that predict disparity without a scale, its boundaries taken from its steps.

MiDaS v2.1 (Ranftl et al., TPAMI 2022) and InstaDepthNet (InstaOrder, CVPR 2022), which is MiDaS trained on with orders.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.instaorder.midas import Midas

DISPARITY_MODELS = ("midas_v21", "instadepthnet_d", "instadepthnet_od")
WORKING_SIZE = (512, 384)                               # 384 is the side that they were trained with

# Where depth counts as ending: steps over 2 * REACH_PX of inverse depth, relative to the nearer side.
REACH_PX, STEP, SOFTNESS = 2, 0.08, 0.02
_FARTHEST = 100.0                                       # relative depth of what is infinitely far, the nearest being 1


class RelativeDepth(nn.Module):
    """A `Midas` that answers as our networks do; the masks and orders of an InstaDepthNet are left out."""

    depth_kind, max_depth_m = "relative", math.inf

    def __init__(self, model: Midas) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, depth: bool = True,
                boundary: bool = True) -> tuple[Tensor | None, list[Tensor] | None]:
        """One picture.

        Args:
            image: [N, 3, h, w], normalised by the ImageNet mean and deviation; h and w multiples of 32.
            depth, boundary: False returns None in its place.

        Returns:
            [N, 1, h, w] relative depth from 1 (nearest) up; boundary logits [N, 1, h, w], the only map.
        """
        inverse = relative_inverse(self.model.disparity(image)[:, None].float())
        return 1.0 / inverse if depth else None, [step_logits(inverse)] if boundary else None


def relative_inverse(disparity: Tensor) -> Tensor:
    """Disparity [N, 1, h, w] -> inverse depth of which the nearest pixel of each picture has 1, and none less than 0.01
    (all of a picture whose disparity is 0)."""
    return (disparity / disparity.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)).clamp(min=1.0 / _FARTHEST)


def step_logits(inverse: Tensor) -> Tensor:
    """Logits of depth ending here, from inverse depth [N, 1, h, w]: 0 where the step is STEP of the nearer side.

    From the step across a pixel its surroundings' own slope is taken away, so that a floor seen at a flat angle has no
    boundary. The larger of the horizontal and the vertical step counts.
    """
    r = REACH_PX
    padded = F.pad(inverse, (2 * r,) * 4, mode="replicate")
    height, width = inverse.shape[-2:]
    largest = torch.zeros_like(inverse)
    for dv, du in ((0, 1), (1, 0)):
        far_before, before, after, far_after = (
            padded[..., 2 * r + k * dv:2 * r + k * dv + height, 2 * r + k * du:2 * r + k * du + width]
            for k in (-2 * r, -r, r, 2 * r))
        slope = torch.maximum((before - far_before).abs(), (far_after - after).abs())
        step = ((after - before).abs() - 2 * slope).clamp(min=0) / torch.maximum(before, after)
        largest = torch.maximum(largest, step)
    return (largest - STEP) / SOFTNESS
