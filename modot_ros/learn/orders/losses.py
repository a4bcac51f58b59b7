# SPDX-License-Identifier: Apache-2.0
"""What order networks are trained for (Lee and Park, CVPR 2022).

Every step runs both orders of a pair, (A, B) and (B, A). Logits are raw: [P, 2] for occlusion ("B over A", "A over B"),
[P, 3] for depth ("A closer", "A farther", "equal"), [P, 3 or 4] for OrderNet's classes ("B over A", "A over B", "none",
"both"). Labels speak of the order (A, B); those of (B, A) are derived from them here.

The official code differs from its paper in three terms, and loses digits in a fourth. Each is put right here, and as
it was with `as_published`:
    occlusion         cross entropy of rounded probabilities: of a logit above 17 or so it is 0 or 100
    depth             cross entropy of what has been through a softmax already: bounded to about [0.55, 1.55], and
                      without gradient where the network is surely wrong
    smoothness        disparity is divided by its largest value, not by its range
    disparity_order   counts pixels, so nothing can be learned from it; and asks the second run for the opposite of the
                      first, though both see the same picture
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

CLOSER, FARTHER, EQUAL = 0, 1, 2
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True)
class Weights:
    """Of the terms of InstaDepthNet's loss. The published configuration of InstaDepthNet_od has 0 for overlap and
    distinct, which trains nothing but smoothness; these are those of InstaDepthNet_d."""

    overlap: float = 0.1
    distinct: float = 0.9
    smoothness: float = 0.1
    disparity_order: float = 1.0


@dataclass(frozen=True)
class PairBatch:
    """P pairs, each with its picture, and what was annotated."""

    rgb: Tensor                                         # float32 [P, 3, h, w], normalised
    mask_a: Tensor                                      # float32 [P, 1, h, w], 0 or 1
    mask_b: Tensor
    depth: Tensor                                       # int64 [P], CLOSER, FARTHER or EQUAL
    overlap: Tensor                                     # int64 [P], 1 = the depth ranges overlap
    occlusion: Tensor | None = None                     # float32 [P, 2], "B over A", "A over B"


def occlusion_loss(logits_ab: Tensor, logits_ba: Tensor, occlusion: Tensor, as_published: bool = False) -> Tensor:
    """Binary cross entropy of both orders, added. occlusion float [P, 2]."""
    if as_published:
        return (F.binary_cross_entropy(logits_ab.sigmoid(), occlusion)
                + F.binary_cross_entropy(logits_ba.sigmoid(), occlusion.flip(1)))
    return (F.binary_cross_entropy_with_logits(logits_ab, occlusion)
            + F.binary_cross_entropy_with_logits(logits_ba, occlusion.flip(1)))


def class_loss(logits_ab: Tensor, logits_ba: Tensor, label: Tensor, as_published: bool = False) -> Tensor:
    """Cross entropy of both orders, added; 0 without a pair. label int64 [P]; classes 0 and 1 change places for (B, A),
    which serves OrderNet's classes and depth alike."""
    if not len(label):
        return logits_ab.new_zeros(())
    swapped = torch.where(label < 2, 1 - label, label)
    if as_published:
        logits_ab, logits_ba = logits_ab.softmax(dim=1), logits_ba.softmax(dim=1)
    return F.cross_entropy(logits_ab, label) + F.cross_entropy(logits_ba, swapped)


def depth_loss(logits_ab: Tensor, logits_ba: Tensor, depth: Tensor, overlap: Tensor,
               as_published: bool = False) -> tuple[Tensor, Tensor]:
    """Cross entropy of the pairs whose depth ranges overlap, and of those that are distinct, each averaged by itself.

    A group without a pair in the batch gives 0. Neither is weighted yet: officially by 0.1 and 0.9.
    """
    groups = (overlap == 1, overlap == 0)
    return tuple(class_loss(logits_ab[g], logits_ba[g], depth[g], as_published) for g in groups)


def smoothness(disparity: Tensor, rgb: Tensor, as_published: bool = False) -> Tensor:
    """Mean step of the disparity, less where colours change (Godard et al., *Monodepth*, CVPR 2017).

    disparity [P, 1, h, w], every map scaled to the mean 1; rgb [P, 3, h, w], normalised.
    """
    smallest, largest = disparity.amin(dim=(1, 2, 3), keepdim=True), disparity.amax(dim=(1, 2, 3), keepdim=True)
    scaled = (disparity - smallest) / ((largest if as_published else largest - smallest) + 1e-7)
    scaled = scaled / (scaled.mean(dim=(2, 3), keepdim=True) + 1e-7)
    total = disparity.new_zeros(())
    for axis in (-1, -2):
        same_colour = torch.exp(-rgb.diff(dim=axis).abs().mean(dim=1, keepdim=True))
        total = total + (scaled.diff(dim=axis).abs() * same_colour).mean()
    return total


def disparity_order(disparity: Tensor, batch: PairBatch) -> Tensor:
    """How far the disparities of distinct pairs are from their order: 0 when all of the closer instance is before all
    of the farther one, 1 when they would have to move by the whole range of the map.

    disparity [P, 1, h, w]. Masks lose their rim first, for disparity is blurred there; one that is all rim stays whole.
    The mean over the pairs that are distinct and not equal; 0 without one.
    """
    terms = []
    for k in _ordered_pairs(batch):
        closer, farther = (disparity[k, 0][mask] for mask in _without_rim(batch, k, keep_rim_if_all=True))
        if batch.depth[k] == FARTHER:
            closer, farther = farther, closer
        if len(closer) and len(farther):
            reach = (disparity[k].amax() - disparity[k].amin()).detach() + 1e-7
            short = F.relu(farther.max() - closer).mean() + F.relu(farther - closer.min()).mean()
            terms.append(short / (2 * reach))
    return torch.stack(terms).mean() if terms else disparity.new_zeros(())


def counted_disparity_order(disparity_ab: Tensor, disparity_ba: Tensor, batch: PairBatch) -> Tensor:
    """The published term, by the number of pixels of a map: of every distinct pair the pixels of A that are not before
    all of B, and those of B that are not behind all of A, on one map; on the other those that are, or are level. Has no
    gradient.

    The first count is of `disparity_ab` where A is closer, and of `disparity_ba` where it is farther. Raises ValueError
    when a mask has no pixel left without its rim, where the official code fails.
    """
    count = 0
    for k in _ordered_pairs(batch):
        masks = _without_rim(batch, k, keep_rim_if_all=False)
        if not all(mask.any() for mask in masks):
            raise ValueError(f"pair {k} of the batch has a mask that is all rim")
        maps = (disparity_ab, disparity_ba) if batch.depth[k] == CLOSER else (disparity_ba, disparity_ab)
        (a, b), (other_a, other_b) = ([disparity[k, 0][mask] for mask in masks] for disparity in maps)
        count += int((a <= b.max()).sum() + (a.min() <= b).sum())
        count += int((other_a >= other_b.max()).sum() + (other_a.min() >= other_b).sum())
    return disparity_ab.new_tensor(count / disparity_ab[0, 0].numel())


def instadepth_loss(disparity_ab: Tensor, disparity_ba: Tensor, depth_ab: Tensor, depth_ba: Tensor, batch: PairBatch,
                    occlusion_ab: Tensor | None = None, occlusion_ba: Tensor | None = None,
                    weights: Weights = Weights(), as_published: bool = False) -> dict[str, Tensor]:
    """Weighted terms of InstaDepthNet's loss, whose sum is the loss. With occlusion logits there is a term for them, of
    weight 1. disparity [P, 1, h, w]. Raises what `counted_disparity_order` raises, unless that has no weight."""
    overlap, distinct = depth_loss(depth_ab, depth_ba, batch.depth, batch.overlap, as_published)
    rough = sum(smoothness(disparity, batch.rgb, as_published) for disparity in (disparity_ab, disparity_ba))
    if not weights.disparity_order:
        order = disparity_ab.new_zeros(())
    elif as_published:
        order = counted_disparity_order(disparity_ab, disparity_ba, batch)
    else:
        order = 0.5 * (disparity_order(disparity_ab, batch) + disparity_order(disparity_ba, batch))
    terms = {"overlap": weights.overlap * overlap, "distinct": weights.distinct * distinct,
             "smoothness": weights.smoothness * rough, "disparity_order": weights.disparity_order * order}
    if occlusion_ab is not None:
        terms["occlusion"] = occlusion_loss(occlusion_ab, occlusion_ba, batch.occlusion, as_published)
    return terms


def completion_loss(logits: Tensor, whole: Tensor, eraser: Tensor) -> Tensor:
    """PCNet-M's (Zhan et al., CVPR 2020): pixel cross entropy, five times as much where the eraser lies.

    logits [P, 2, h, w]; whole and eraser [P, h, w], 0 or 1.
    """
    per_pixel = F.cross_entropy(logits, whole.long(), reduction="none")
    return (per_pixel * (1.0 + 4.0 * eraser)).mean()


def _ordered_pairs(batch: PairBatch) -> list[int]:
    return torch.nonzero((batch.overlap == 0) & (batch.depth != EQUAL)).flatten().tolist()


def _without_rim(batch: PairBatch, k: int, keep_rim_if_all: bool) -> list[Tensor]:
    """Masks A and B of pair k without their rim, bool [h, w]."""
    masks = []
    for mask in (batch.mask_a, batch.mask_b):
        whole = (mask[k, 0] > 0).cpu().numpy().astype(np.uint8)
        # What lies beyond the picture counts as outside, as in scipy's erosion, which is the official one.
        inner = cv2.erode(whole, CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        kept = whole if keep_rim_if_all and not inner.any() else inner
        masks.append(torch.from_numpy(kept > 0).to(mask.device))
    return masks
