# SPDX-License-Identifier: Apache-2.0
"""Picture, masks and boxes -> what an order network sees of one pair (InstaOrder, CVPR 2022, official evaluation).

Modes, by what the network's input shows:
    patch   a square window around both instances
    resize  the whole picture, squeezed into a square
    image   the whole picture, padded to a square around its centre
    orig    the whole picture, its sides rounded to multiples of 32
Every rounding and every filter is that of the official code, of which some differ from mode to mode: masks are
resized to the nearest pixel; patches and padded pictures as uint8, whole pictures as float64 without clipping.
Boxes and windows are x, y, width, height in pixels.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN

MODES = ("patch", "resize", "image", "orig")
ENLARGEMENT = 3.0                                       # area of an instance's square over that of its box
PAIR_ENLARGEMENT = 2.0                                  # area of a pair's window over that of both squares' box
MULTIPLE = 32

Window = tuple[int, int, int, int]


def check_input(mode: str, size: int) -> None:
    """ValueError for a mode that is none, or a size in pixels that no network takes."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}: choose one of {', '.join(MODES)}")
    if size < MULTIPLE or size % MULTIPLE:
        raise ValueError(f"size is {size}: it must be a positive multiple of {MULTIPLE}")


def mask_box(mask: np.ndarray) -> Window:
    """Tight box of a mask [H, W]; 0, 0, 0, 0 for an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def square_around(box: Sequence[float], enlargement: float) -> Window:
    """Square with the box's centre, `enlargement` times its area and at least 1.1 times its longer side.

    Its numbers are cut towards zero, those of a corner left of the picture as well; that of a tiny box has the side 0.
    """
    x, y, width, height = (float(value) for value in box)
    side = max(math.sqrt(width * height * enlargement), 1.1 * width, 1.1 * height)
    return int(x + width / 2 - side / 2), int(y + height / 2 - side / 2), int(side), int(side)


def enlarged_box(box: Sequence[float]) -> Window:
    """Square that stands for an instance's box in the official evaluation."""
    return square_around(box, ENLARGEMENT)


def pair_window(box_a: Sequence[float], box_b: Sequence[float]) -> Window:
    """Square window around two boxes: enlarged ones in evaluation, in training those of the data set. Never empty."""
    left, top = min(box_a[0], box_b[0]), min(box_a[1], box_b[1])
    right = max(box_a[0] + box_a[2], box_b[0] + box_b[2])
    bottom = max(box_a[1] + box_a[3], box_b[1] + box_b[3])
    return not_empty(square_around((left, top, right - left, bottom - top), PAIR_ENLARGEMENT))


def not_empty(window: Window) -> Window:
    """The window, at least one pixel wide and high."""
    x, y, width, height = window
    return x, y, max(1, width), max(1, height)


def crop(image: np.ndarray, window: Window) -> np.ndarray:
    """The window out of an image [H, W, ...], zeros where there is none of it."""
    x, y, width, height = window
    found = np.zeros((height, width, *image.shape[2:]), image.dtype)
    left, top = max(0, x), max(0, y)
    right, bottom = min(image.shape[1], x + width), min(image.shape[0], y + height)
    if left < right and top < bottom:
        found[top - y:bottom - y, left - x:right - x] = image[top:bottom, left:right]
    return found


def centred_square(height: int, width: int) -> Window:
    """Window that makes a picture square without losing any of it; an odd row or column is added below or right."""
    side = max(height, width)
    return -((side - width) // 2), -((side - height) // 2), side, side


def nearest_multiple(side: int) -> int:
    """The multiple of 32 that is nearest to a side, the larger of two; at least one."""
    return max(MULTIPLE, (side + MULTIPLE // 2) // MULTIPLE * MULTIPLE)


def normalised(rgb: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] -> float32 [3, H, W] by ImageNet's colours."""
    scaled = rgb.astype(np.float32) / np.float32(255)
    return ((scaled - np.float32(IMAGE_MEAN)) / np.float32(IMAGE_DEVIATION)).transpose(2, 0, 1)


def resized_picture(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 [H, W, 3] -> float32 [3, height, width] by ImageNet's colours; cubic in float64, overshoot kept."""
    scaled = cv2.resize(rgb / 255.0, (width, height), interpolation=cv2.INTER_CUBIC)
    return ((scaled - np.array(IMAGE_MEAN)) / np.array(IMAGE_DEVIATION)).transpose(2, 0, 1).astype(np.float32)


def resized_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """[H, W] -> [height, width], every pixel from the nearest one."""
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def whole_input(rgb: np.ndarray, masks: np.ndarray, mode: str, size: int) -> tuple[Tensor, Tensor]:
    """rgb uint8 [H, W, 3], masks uint8 [N, H, W] -> float32 [1, 3, h, w] and uint8 [N, h, w], in any mode but patch."""
    if mode == "image":
        window = centred_square(*rgb.shape[:2])
        picture = normalised(cv2.resize(crop(rgb, window), (size, size), interpolation=cv2.INTER_LINEAR))
        shown = [resized_mask(crop(mask, window), size, size) for mask in masks]
    else:
        height, width = (size, size) if mode == "resize" else [nearest_multiple(side) for side in rgb.shape[:2]]
        picture = resized_picture(rgb, height, width)
        shown = [resized_mask(mask, height, width) for mask in masks]
    return torch.from_numpy(np.ascontiguousarray(picture))[None], torch.from_numpy(np.stack(shown))


def patch_input(rgb: np.ndarray, mask_a: np.ndarray, mask_b: np.ndarray, window: Window,
                size: int) -> tuple[Tensor, Tensor]:
    """Picture and masks in the window of a pair: float32 [3, size, size] and masks uint8 [2, size, size]."""
    picture = normalised(cv2.resize(crop(rgb, window), (size, size), interpolation=cv2.INTER_CUBIC))
    shown = [resized_mask(crop(mask, window), size, size) for mask in (mask_a, mask_b)]
    return torch.from_numpy(np.ascontiguousarray(picture)), torch.from_numpy(np.stack(shown))
