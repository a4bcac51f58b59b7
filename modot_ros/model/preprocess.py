# SPDX-License-Identifier: Apache-2.0
"""Picture of any size -> network input at about the working size, and the way back to the unpadded map."""
from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

STRIDE = 32                                             # sides of a network's input are multiples of it

# Mean and deviation of ImageNet's colours in 0..1.
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_DEVIATION = (0.229, 0.224, 0.225)


def fit_size(width: int, height: int, working_size: tuple[int, int] | None) -> tuple[int, int]:
    """(width, height) with the picture's aspect and the working size's area; at least one pixel a side.

    Without a working size, those of the picture.
    """
    if working_size is None:
        return width, height
    scale = math.sqrt(working_size[0] * working_size[1] / (width * height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(rgb: np.ndarray, working_size: tuple[int, int] | None) -> np.ndarray:
    """The picture, uint8 [H, W, 3], at the size that `fit_size` names. Raises ValueError when it is no colour picture."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"picture is {rgb.dtype} {list(rgb.shape)}: must be uint8 [H, W, 3] and not empty")
    size = fit_size(rgb.shape[1], rgb.shape[0], working_size)
    if size == (rgb.shape[1], rgb.shape[0]):
        return rgb
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if size[0] < rgb.shape[1] else cv2.INTER_LINEAR)


def padded(rgb: np.ndarray, stride: int) -> np.ndarray:
    """The picture with its border repeated at the right and at the bottom, both sides multiples of `stride`."""
    right, bottom = -rgb.shape[1] % stride, -rgb.shape[0] % stride
    return cv2.copyMakeBorder(rgb, 0, bottom, 0, right, cv2.BORDER_REPLICATE) if right or bottom else rgb


def to_input(rgb: np.ndarray, working_size: tuple[int, int] | None, stride: int) -> tuple[Tensor, tuple[int, int]]:
    """Resize, pad, normalise.

    Args:
        rgb: uint8 [H, W, 3].
        working_size: (width, height) whose area the result has, the picture's aspect kept; None keeps its size.
        stride: both sides of the input are padded at the right and at the bottom to multiples of it.

    Returns:
        float32 [1, 3, h_padded, w_padded] in channels-last memory, and the (width, height) before padding.

    Raises ValueError when `rgb` is no colour picture.
    """
    rgb = resized(rgb, working_size)
    height, width = rgb.shape[:2]
    return batched([padded(rgb, stride)]), (width, height)


def batched(pictures: Sequence[np.ndarray]) -> Tensor:
    """Pictures uint8 [h, w, 3] of one size -> normalised float32 [N, 3, h, w] in channels-last memory."""
    stacked = np.stack(pictures) if len(pictures) > 1 else np.ascontiguousarray(pictures[0])[None]
    return normalise(torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 255.0)


def normalise(rgb: Tensor, mean: Sequence[float] = IMAGE_MEAN, deviation: Sequence[float] = IMAGE_DEVIATION) -> Tensor:
    """[N, 3, h, w] in 0..1 -> the network's input, by a mean and deviation of each colour; without them ImageNet's."""
    return (rgb - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(deviation).view(1, 3, 1, 1)
