# SPDX-License-Identifier: Apache-2.0
"""What MoDOT's training does to a picture and its truth (WACV 2026): crop, flip and photometric distortion."""
from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

LARGEST_BRIGHTNESS = 32.0                               # added, of 255
CONTRAST = SATURATION = (0.5, 1.5)                      # factors
LARGEST_HUE = 18                                        # of OpenCV's 180


def distorted(rgb: np.ndarray, random: Generator) -> np.ndarray:
    """uint8 [H, W, 3] with another brightness, contrast, saturation and hue, each every other time.

    Contrast changes before saturation and hue or after them; all are cut to 0..255 and rounded down, as officially.
    """
    if random.random() < 0.5:
        rgb = _scaled(rgb, 1.0, random.uniform(-LARGEST_BRIGHTNESS, LARGEST_BRIGHTNESS))
    early = random.random() < 0.5
    contrast = random.uniform(*CONTRAST) if random.random() < 0.5 else 1.0
    if early:
        rgb = _scaled(rgb, contrast)
    saturation = random.uniform(*SATURATION) if random.random() < 0.5 else 1.0
    hue = int(random.integers(-LARGEST_HUE, LARGEST_HUE)) if random.random() < 0.5 else 0
    if saturation != 1.0 or hue:
        hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
        hsv[..., 1] = _scaled(hsv[..., 1], saturation)
        hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
        rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return rgb if early else _scaled(rgb, contrast)


def window(height: int, width: int, side: int, random: Generator) -> tuple[slice, slice]:
    """Rows and columns of a random square. Raises ValueError for a picture that is smaller."""
    if height < side or width < side:
        raise ValueError(f"picture is {width}x{height}: smaller than the crop of {side}x{side}")
    top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
    return slice(top, top + side), slice(left, left + side)


def _scaled(values: np.ndarray, factor: float, offset: float = 0.0) -> np.ndarray:
    return (values.astype(np.float32) * factor + offset).clip(0, 255).astype(np.uint8)
