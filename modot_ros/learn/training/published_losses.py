# SPDX-License-Identifier: Apache-2.0
"""The losses that the published MoDOT (WACV 2026) was trained with, as its code has them.

For fine-tuning. `losses` holds what we train with: it puts right what is odd here. Scores are in `metrics.published`.
Depth is in the unit of the data set, all maps are [N, 1, h, w].
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from modot_ros.learn.training.losses import balanced_boundary, log_difference, scale_invariant_log

DEPTH_WEIGHT = 1.2
CONSTRAINT_WEIGHT = 0.1


@dataclass(frozen=True)
class Recipe:
    """How one data set is trained on."""

    boundary_weight: float
    map_weights: tuple[float, ...]                      # of the five boundary maps, the final one last
    negative_weight: float                              # lambda of the class-balanced cross entropy
    smooth: bool                                        # whether depth off boundaries shall be flat
    constraint_from: int                                # step from which depth is asked to jump on boundaries


RECIPES = {
    "nyud-mt": Recipe(5.0, (0.1, 0.3, 0.3, 0.5, 1.0), 1.1, True, 9000),
    "ob-future": Recipe(1.0, (0.1, 0.3, 0.3, 0.5, 2.3), 1.7, True, 0),
    "ob-hypersim": Recipe(1.0, (0.1, 0.3, 0.3, 0.5, 2.3), 1.1, False, 20000),
}


def recipe_of(dataset: str) -> Recipe:
    """By its name, with underscores as `open_dataset` has it, too. ValueError with the choices for an unknown one."""
    name = dataset.replace("_", "-")
    if name not in RECIPES:
        raise ValueError(f"data set {dataset!r} is unknown: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]


def learnable(depth: Tensor, dataset: str) -> Tensor:
    """Pixels that the depth loss reads, bool. NYUD-MT keeps zeros: with one, the loss is not finite (skip that batch)."""
    recipe = recipe_of(dataset)
    if recipe is RECIPES["nyud-mt"]:
        return depth != 255
    if recipe is RECIPES["ob-future"]:
        return (depth > 0) & (depth < 10)
    return depth > 0                                    # not a number is not greater


def published_loss(depth: Tensor, boundaries: list[Tensor], true_depth: Tensor, true_boundary: Tensor, dataset: str,
                   step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Loss of depth, of boundaries and of both agreeing; their sum was minimised.

    Args:
        depth: prediction. boundaries: logits, five maps of `modot`, or the single one of `modot_ssr`.
        true_boundary: float, 1 on a boundary.
        dataset: one of RECIPES. step: optimiser steps so far, of the constraint's schedule.

    The weights of the maps do not count for a single one; it also has lambda 1.7 for OB-FUTURE and 1.1 otherwise, no
    weight of its own, and the constraint from the first step on. Raises ValueError for another data set or count.
    """
    recipe, single = recipe_of(dataset), len(boundaries) == 1
    if not single and len(boundaries) != len(recipe.map_weights):
        raise ValueError(f"{len(boundaries)} boundary maps: must be {len(recipe.map_weights)}, or 1 of the second stage")
    valid = learnable(true_depth, dataset)
    depth_loss = DEPTH_WEIGHT * scale_invariant_log(log_difference(depth, true_depth, valid), valid)
    parts = [balanced_boundary(x, true_boundary, recipe.negative_weight) for x in boundaries]
    boundary_loss = parts[0] if single else recipe.boundary_weight * sum(
        weight * part for weight, part in zip(recipe.map_weights, parts))
    constraint = depth.new_zeros(())
    if single or step >= recipe.constraint_from:
        jump, flat = constraint_terms(depth, true_boundary)
        constraint = CONSTRAINT_WEIGHT * (jump + flat if recipe.smooth else jump)
    return depth_loss, boundary_loss, constraint


def constraint_terms(depth: Tensor, true_boundary: Tensor) -> tuple[Tensor, Tensor]:
    """OBDCL as coded: (missing jump on boundaries, unevenness off them), means over all pixels.

    Its oddities are kept: the smaller of the vertical and the horizontal central difference counts, so that a boundary
    along an axis earns nothing; beyond the border depth is 0; means run over all pixels, so that rare boundaries hardly
    count; a jump of one unit is enough. `losses.boundary_depth_constraint` is ours.
    """
    on = (true_boundary > 0).to(depth.dtype)
    padded = F.pad(depth, (1, 1, 1, 1))
    up, down = padded[..., :-2, 1:-1], padded[..., 2:, 1:-1]
    left, right = padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]
    jump = torch.minimum((up - down).abs(), (left - right).abs())
    missing = (on * (1 - jump.clamp(0, 1))).mean()
    uneven = sum(((1 - on) * (depth - neighbour).abs()).mean() for neighbour in (up, down, left, right))
    return missing, uneven
