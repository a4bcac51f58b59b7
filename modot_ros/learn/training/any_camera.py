# SPDX-License-Identifier: Apache-2.0
"""Batches as any camera gives them: other aspects, off-centre crops, frames and borders, grey and dark pictures, paint.

An input for another aspect than the working size's has its area and is padded as `preprocess.to_input` pads a picture, so
that a network is trained on what it will be run on.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.training.views import UNKNOWN, UNSEEN, Batch, Viewable, training_batch
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN, STRIDE, fit_size

# Width / height of pictures, and how often each is drawn: 4:3, 16:9, 3:2, 1:1, portrait 3:4.
ASPECTS = ((4 / 3, 0.45), (16 / 9, 0.2), (3 / 2, 0.1), (1.0, 0.1), (3 / 4, 0.15))
WIDE_CROP_SHARE, WIDE_CROP = 0.4, 0.5                   # of the batches have crops down to half of the picture
BORDER_SHARE, LARGEST_BORDER = 0.12, 0.12               # of the pictures have borders, up to so much of a side
PAINT_SHARE, GREY_SHARE, DARK_SHARE = 0.15, 0.1, 0.03
COVERED_SHARE = 0.015                                   # of the pictures show nothing: a covered or blinded lens


def any_camera_batch(views: Viewable, indices: Tensor, width: int, height: int, canonical_focal: float,
                     generator: torch.Generator, whole: float = 0.0) -> Batch:
    """Like `training_batch`, of one aspect drawn for all its views, with the area of width x height.

    Padding has no depth (NaN), boundary (UNKNOWN) or class to learn from; borders and covered pictures are UNSEEN.
    """
    aspects, weights = zip(*ASPECTS)
    aspect = aspects[int(torch.multinomial(torch.tensor(weights), 1, generator=generator))]
    columns, rows = fit_size(round(1000 * aspect), 1000, (width, height))
    crop = {"smallest_crop": WIDE_CROP} if _uniform(generator) < WIDE_CROP_SHARE else {}
    batch = training_batch(views, indices, columns, rows, canonical_focal, generator, whole, **crop)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGE_MEAN, IMAGE_DEVIATION))
    rgb = batch.image * deviation + mean
    depth_m, boundary, classes = batch.depth_m.clone(), batch.boundary.clone(), batch.classes.clone()
    for k in range(len(rgb)):
        if _uniform(generator) < PAINT_SHARE:
            rgb[k] = _paint(rgb[k], generator)
        if _uniform(generator) < GREY_SHARE:
            rgb[k] = rgb[k].mean(dim=0, keepdim=True)
        if _uniform(generator) < DARK_SHARE:
            dark = rgb[k] * (0.02 + 0.1 * _uniform(generator))
            rgb[k] = (dark + 0.02 * torch.randn(dark.shape, generator=generator)).clamp(0.0, 1.0)
        if _uniform(generator) < BORDER_SHARE:
            border = _border(rows, columns, generator)
            rgb[k] = torch.where(border, _border_colour(generator), rgb[k])
            depth_m[k].masked_fill_(border, UNSEEN)
            boundary[k].masked_fill_(border, UNKNOWN)
            classes[k].masked_fill_(border, UNKNOWN_CLASS)
        if _uniform(generator) < COVERED_SHARE:
            rgb[k] = _covered(rows, columns, generator)
            depth_m[k].fill_(UNSEEN)
            boundary[k].fill_(UNKNOWN)
            classes[k].fill_(UNKNOWN_CLASS)
    pad = (0, -columns % STRIDE, 0, -rows % STRIDE)
    return Batch(F.pad((rgb - mean) / deviation, pad, mode="replicate"), F.pad(depth_m, pad, value=math.nan),
                 F.pad(boundary, pad, value=UNKNOWN), batch.metric, batch.teaches_metres,
                 F.pad(classes, pad, value=UNKNOWN_CLASS))


def _paint(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Another albedo on a rectangle, with hard edges that are none of a surface: doors, posters, floor paint. [3, h, w]."""
    height, width = rgb.shape[-2:]
    top, left = (int(_uniform(generator) * 0.8 * size) for size in (height, width))
    down, across = (int((0.1 + 0.6 * _uniform(generator)) * size) for size in (height, width))
    window = (slice(None), slice(top, top + down), slice(left, left + across))
    colour = torch.rand(3, 1, 1, generator=generator)
    painted = rgb.clone()
    share = 0.3 + 0.5 * _uniform(generator)
    shading = rgb[window].mean(dim=0, keepdim=True) / rgb[window].mean().clamp(min=1e-3)
    painted[window] = ((1.0 - share) * rgb[window] + share * colour * shading).clamp(0.0, 1.0)
    return painted


def _covered(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """One colour with noise, darker to one side. [3, rows, columns]."""
    colour = _border_colour(generator) * (0.7 + 0.3 * torch.rand(3, 1, 1, generator=generator))
    fall = 1.0 - 0.6 * _uniform(generator) * torch.linspace(0.0, 1.0, columns)
    noise = 0.05 * _uniform(generator) * torch.randn(3, rows, columns, generator=generator)
    return (colour * fall + noise).clamp(0.0, 1.0)


def _border(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Mask [1, rows, columns] of a frame: all four sides, two opposite ones (letterbox), or one."""
    kind, share = _uniform(generator), LARGEST_BORDER * _uniform(generator)
    high, wide = max(1, round(share * rows)), max(1, round(share * columns))
    mask = torch.zeros(1, rows, columns, dtype=torch.bool)
    if kind < 0.7:
        mask[:, :high] = True
    if kind < 0.5:
        mask[:, rows - high:] = True
    if kind < 0.3 or kind >= 0.7:
        mask[:, :, :wide] = True
    if kind < 0.3 or kind >= 0.85:
        mask[:, :, columns - wide:] = True
    return mask


def _border_colour(generator: torch.Generator) -> Tensor:
    """Black, white or any grey, [3, 1, 1]."""
    kind = _uniform(generator)
    return torch.full((3, 1, 1), 0.0 if kind < 0.5 else 1.0 if kind < 0.8 else _uniform(generator))


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
