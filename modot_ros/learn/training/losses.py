# SPDX-License-Identifier: Apache-2.0
"""What the network is trained for: depth, boundaries, and the two agreeing.

MoDOT (WACV 2026): scale-invariant log loss (Eigen et al., NIPS 2014), class-balanced boundary cross entropy (CCE) and
the OB-depth constraint (OBDCL); the multi-scale gradient term is MegaDepth's (Li and Snavely, CVPR 2018). All maps are
[N, 1, h, w]; `valid` masks are bool. A batch without a valid pixel gives 0, not NaN.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from modot_ros.classes import UNKNOWN_CLASS

CLASS_BALANCE = 0.25                                    # 0: every pixel counts alike; 1: every class does
GUESS = 0.7                                             # error of ln z where nothing is seen: a factor of 2


def valid_depth(depth_m: Tensor, min_depth_m: float, max_depth_m: float) -> Tensor:
    """True where the true z can be learned from: finite and inside the range that the network can say."""
    return torch.isfinite(depth_m) & (depth_m > min_depth_m) & (depth_m < max_depth_m)


def log_difference(predicted_m: Tensor, true_m: Tensor, valid: Tensor) -> Tensor:
    """ln(predicted) - ln(true), 0 where not valid; no NaN enters the gradient."""
    safe = torch.where(valid, true_m, torch.ones_like(true_m))
    return torch.where(valid, predicted_m.log() - safe.log(), torch.zeros_like(predicted_m))


def scale_invariant_log(difference: Tensor, valid: Tensor, variance_focus: float = 0.85) -> Tensor:
    """sqrt(mean(d^2) - variance_focus * mean(d)^2) over all valid pixels of the batch, d from `log_difference`.

    With a variance focus of 1 the global scale would be free; at 0.85 (MoDOT) it still counts a little.
    """
    count = valid.sum().clamp(min=1)
    mean = difference.sum() / count
    mean_square = (difference * difference).sum() / count
    return (mean_square - variance_focus * mean * mean).clamp(min=1e-13).sqrt()


def absolute_log(difference: Tensor, valid: Tensor) -> Tensor:
    """Mean |d| over all valid pixels of the batch, d from `log_difference`; the global scale counts in full.

    A picture whose scale nobody can tell pulls no harder than any other, as it does where d is squared.
    """
    return _mean(difference.abs(), valid)


def relative_log(difference: Tensor, valid: Tensor) -> Tensor:
    """Mean |d - median of d over its picture|, d from `log_difference`: what is wrong with the shape, whatever the scale.

    A picture whose scale is wrong has errors of one sign, and `absolute_log` then pulls all its pixels alike: only this
    says which of them are too near for the others. As the scale-invariant loss of MiDaS (Ranftl et al., PAMI 2022),
    with the scale that metric depth has.
    """
    d = torch.where(valid, difference.detach(), difference.new_full((), torch.nan)).flatten(1)
    median = d.nanmedian(dim=1).values.nan_to_num().view(-1, 1, 1, 1)
    return _mean((difference - median).abs(), valid)


def laplace_likelihood(difference: Tensor, log_depth_std: Tensor, valid: Tensor) -> Tensor:
    """Mean negative log likelihood of d under a Laplace distribution of this standard deviation; d itself stays as it is.

    sqrt(2) |d| / s + ln s, whose minimum over s is at s = sqrt(2) |d| (Kendall and Gal, NIPS 2017, with the Laplace of its
    L1 loss). d from `log_difference`, s [N, 1, h, w].
    """
    return _mean(math.sqrt(2.0) * difference.detach().abs() / log_depth_std + log_depth_std.log(), valid)


def gradient_matching(difference: Tensor, valid: Tensor, scales: int = 4) -> Tensor:
    """Mean |horizontal| + |vertical| step of the log difference, summed over maps thinned by 1, 2, 4, ... pixels.

    Zero when prediction and truth differ by one factor per picture: it asks for the right shape and sharp steps.
    """
    total = difference.new_zeros(())
    for k in range(scales):
        d, v = difference[..., ::2 ** k, ::2 ** k], valid[..., ::2 ** k, ::2 ** k]
        across = v[..., :, 1:] & v[..., :, :-1]
        down = v[..., 1:, :] & v[..., :-1, :]
        total = total + _mean((d[..., :, 1:] - d[..., :, :-1]).abs(), across)
        total = total + _mean((d[..., 1:, :] - d[..., :-1, :]).abs(), down)
    return total


def balanced_boundary(logits: Tensor, boundary: Tensor, negative_weight: float = 1.1,
                      importance: Tensor | None = None) -> Tensor:
    """Class-balanced cross entropy (CCE): boundary pixels weigh by the share of the others, and the other way round.

    Args:
        logits: [N, 1, h, w].
        boundary: float, 1 on a boundary, 0 off it; anything else is ignored.
        negative_weight: lambda; larger means fewer false boundaries. 1.1 for NYUD-MT and Hypersim, 1.7 for OB-FUTURE.
        importance: [N, 1, h, w], by which pixels count more; None: all alike.

    With p and n the shares of both classes in the batch the weights are n and 1.1 * lambda * p.
    """
    positive, negative = boundary == 1, boundary == 0
    share_positive, share_negative = positive.float().mean(), negative.float().mean()
    weight = share_negative * positive + (1.1 * negative_weight * share_positive) * negative
    if importance is not None:
        weight = weight * importance
    target = positive.to(logits.dtype)
    return (weight * F.binary_cross_entropy_with_logits(logits, target, reduction="none")).mean()


def boundary_depth_constraint(predicted_m: Tensor, true_m: Tensor, boundary: Tensor, valid: Tensor,
                              full_step: float = 0.2) -> tuple[Tensor, Tensor]:
    """OBDCL as its text means it: a depth step on every boundary, a smooth surface off it.

    The official code differs in four ways that are put right here: it averages over all pixels, so the term vanishes
    where boundaries are rare; it takes the smaller of the two central differences, so an axis-aligned boundary earns
    nothing; it pads with zeros, which pulls depth at the picture's border to the camera; and its smoothness is a first
    difference in metres, which flattens every floor.

    Args:
        predicted_m, true_m: z.
        boundary: 1 on the occluder's boundary pixels, else 0.
        valid: where `true_m` may be believed.
        full_step: log-depth step that is enough; larger true steps ask for no more, smaller ones only for their own.

    Returns:
        (jump, smooth), both >= 0. jump: mean shortfall on boundary pixels, 1 = no step at all where one is due.
        smooth: mean relative second difference of inverse depth, zero on every plane however it slants, over triples
        of pixels without a boundary pixel.
    """
    safe = torch.where(valid, true_m, torch.ones_like(true_m))
    due = _largest_step(safe.log()).clamp(max=full_step)
    shortfall = (due - _largest_step(predicted_m.log())).clamp(min=0) / full_step
    jump = _mean(shortfall, (boundary == 1) & _surrounded(valid))

    inverse = 1.0 / predicted_m
    off = valid & (boundary == 0)
    smooth = predicted_m.new_zeros(())
    for axis in (-1, -2):
        size = inverse.shape[axis] - 2
        before, here, after = (inverse.narrow(axis, i, size) for i in range(3))
        clear = off.narrow(axis, 0, size) & off.narrow(axis, 1, size) & off.narrow(axis, 2, size)
        smooth = smooth + _mean((before - 2 * here + after).abs() / here.detach(), clear)
    return jump, smooth


def class_cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross entropy of semantic classes, mean over pixels whose class is known; rare classes of the batch count more.

    A class weighs by (1 / share of the known pixels) ** CLASS_BALANCE. logits [N, C, h, w], classes uint8 [N, 1, H, W] with H a
    multiple of h, ids from 0 to C - 1, UNKNOWN_CLASS ignored.
    """
    step = classes.shape[-1] // logits.shape[-1]
    target = classes[:, 0, ::step, ::step].long()
    known = target != UNKNOWN_CLASS
    counts = torch.bincount(target[known], minlength=logits.shape[1]).float()
    weights = torch.where(counts > 0, (counts.sum() / counts.clamp(min=1)) ** CLASS_BALANCE, 0.0)
    total = F.cross_entropy(logits, target, weights, ignore_index=UNKNOWN_CLASS, reduction="sum")
    return total / (weights * counts).sum().clamp(min=1)


def _largest_step(x: Tensor) -> Tensor:
    """Larger of the two absolute central differences, [N, 1, h, w]; the picture's border repeats."""
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]).abs()
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]).abs()
    return torch.maximum(across, down)


def _surrounded(valid: Tensor) -> Tensor:
    """True where a pixel and its four neighbours are valid; never on the picture's border, which lacks one."""
    inside = torch.zeros_like(valid)
    inside[..., 1:-1, 1:-1] = (valid[..., 1:-1, 1:-1] & valid[..., :-2, 1:-1] & valid[..., 2:, 1:-1]
                               & valid[..., 1:-1, :-2] & valid[..., 1:-1, 2:])
    return inside


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the mask; 0 when it is empty."""
    return torch.where(mask, values, torch.zeros_like(values)).sum() / mask.sum().clamp(min=1)
