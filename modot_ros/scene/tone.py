# SPDX-License-Identifier: Apache-2.0
"""Eight bits of pictures that have more: 12-bit cameras in 16-bit words, 16-bit files, thermal cameras."""
from __future__ import annotations

import math

import cv2
import numpy as np

SAMPLES = 40_000                                        # values that a range is measured on
TAIL = 0.005                                            # share of grey values beyond either end: hot and dead pixels
WHITE_TAIL = 0.001
LEAST_SPAN = 1 / 128                                    # of the largest value; below it is a sensor's noise
FOLLOW = 0.1                                            # share of the way to a new range that one picture goes


class Tone:
    """Feed it the pictures of one camera in turn: its range follows theirs slowly, so that brightness does not flicker."""

    def __init__(self) -> None:
        self._range: tuple[float, float] | None = None
        self._bits = 8

    def grey(self, values: np.ndarray) -> np.ndarray:
        """uint8 [H, W] of one channel [H, W] of any type: black is its low, white its high end, but for the tails.

        What is not finite is black. A range that has no value in common with the last one (another camera, a calibration
        of a thermal one) is taken at once.
        """
        values = _native(values)
        low, high = _quantiles(values, TAIL, 1 - TAIL)
        if self._range is not None and low <= self._range[1] and high >= self._range[0]:
            low, high = (FOLLOW * new + (1 - FOLLOW) * old for new, old in zip((low, high), self._range))
        self._range = low, high
        span = max(high - low, LEAST_SPAN * max(abs(low), abs(high)))
        if not span:
            return np.zeros(values.shape, np.uint8)
        low = (low + high - span) / 2                   # a flat picture is middle grey
        if values.dtype.kind == "f":
            values = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
            floor = np.float32(low)
        else:
            floor = values.dtype.type(math.ceil(low))
        # what lies below the range first, because convertScaleAbs takes absolute values
        return cv2.convertScaleAbs(np.maximum(values, floor), alpha=255 / span, beta=-255 / span * low)

    def colour(self, values: np.ndarray) -> np.ndarray:
        """uint8 of uint16 [H, W] (mosaic) or [H, W, C], all channels scaled by one factor.

        White is 2 ** n - 1 for the bits n that the pictures so far have used: it stays when a picture is dark.
        """
        values = _native(values)
        seen = values[..., :3] if values.ndim == 3 else values          # without alpha, which is always white
        self._bits = max(self._bits, int(_quantiles(seen, 1 - WHITE_TAIL)[0]).bit_length())
        return cv2.convertScaleAbs(values, alpha=255 / (2 ** self._bits - 1))


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def _quantiles(values: np.ndarray, *shares: float) -> list[float]:
    """Of the finite values, 0 without any; sampled with an odd step, which meets every colour of a mosaic."""
    step = int((values.size / SAMPLES) ** 0.5) // 2 * 2 + 1
    sample = values[::step, ::step].ravel()
    sample = sample[np.isfinite(sample)]
    return np.quantile(sample.astype(float), shares).tolist() if sample.size else [0.0] * len(shares)
