# SPDX-License-Identifier: Apache-2.0
"""Pictures in which nothing can be seen, or no longer what is there: black, over-exposed, covered, blurred, frozen.

A network gives depth for those as well. Everything is judged at WORK_WIDTH_PX, about what a network sees, so that thresholds
hold for any camera: over a third of the real pictures of the tests the brightest percent was 163 at least, 15 % were white at
most, the steepest percent of steps was 9 at least and the effect of blur 0.47 at most. Blur is Crete et al.'s effect of
blurring once more (The Blur Effect, SPIE 2007): the sharper a picture is, the more of its contrast between neighbours goes when
it is blurred again along a line; the blurred line is taken.
"""
from __future__ import annotations

import math
import zlib

import cv2
import numpy as np

WORK_WIDTH_PX = 192
BLACK_LEVEL = 20                        # 99 % of a black picture are at most so bright, of 255
WHITE_LEVEL, MOST_WHITE = 250, 0.5      # all colours of a white pixel; share of them in a picture that is over-exposed
LEAST_EDGE = 5.0                        # step in grey levels that 1 % of the neighbours of a picture have
BLUR_PX, LARGEST_BLUR = 9, 0.55         # width of the second blur; effect from which a picture is blurred
LASTING_S, LASTING_FRAMES = 0.5, 5      # how long a fault must last, and in how many judged pictures in a row
JUDGED_S = 0.09                         # between pictures that are judged, which takes 2 ms: a fault lasts
FROZEN_S = 1.0                          # how long a picture must be the same
LIVE_FRAMES = 30                        # so many pictures that differed before: a camera, whose noise is never the same

TEXTS = {"black": "pictures are black: lens covered, no light, or no exposure",
         "overexposed": "pictures are over-exposed: more than half of them is white",
         "covered": "pictures show nothing: lens covered or fogged, or a blank wall",
         "blurred": "pictures are blurred: camera or robot moves fast, or the lens is out of focus or wet",
         "frozen": "pictures are frozen: the same bytes again and again"}
USELESS = ("black", "overexposed", "covered", "frozen")     # depth of these is about nothing that is there


def fault_of(rgb: np.ndarray) -> str:
    """What of TEXTS one picture uint8 [H, W, 3] suffers from, "frozen" aside; empty when it is good.

    A picture without any detail, not even noise, is drawn and not taken: such a one is not called covered.
    """
    height, width = rgb.shape[:2]
    scale = WORK_WIDTH_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    red, green, blue = cv2.split(small)                 # OpenCV compares planes thirty times as fast as NumPy along an axis
    if np.quantile(cv2.max(cv2.max(red, green), blue), 0.99) <= BLACK_LEVEL:
        return "black"
    if np.mean(cv2.min(cv2.min(red, green), blue) >= WHITE_LEVEL) > MOST_WHITE:
        return "overexposed"
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = np.concatenate([np.abs(np.diff(grey, axis=axis)).ravel() for axis in (0, 1)])
    if np.quantile(steps, 0.99) < LEAST_EDGE:
        return "covered" if grey.max() > grey.min() else ""
    return "blurred" if max(blur_effect(grey, 0), blur_effect(grey, 1)) > LARGEST_BLUR else ""


def blur_effect(grey: np.ndarray, axis: int) -> float:
    """0 (sharp) to 1 (blurred) of a picture float32 [H, W] along the rows' (1) or the columns' (0) direction."""
    size = (BLUR_PX, 1) if axis == 1 else (1, BLUR_PX)
    again = cv2.blur(grey, size, borderType=cv2.BORDER_REPLICATE)
    before, after = (np.abs(np.diff(picture, axis=axis)) for picture in (grey, again))
    total = float(before.sum())
    return 1.0 - float(np.maximum(0, before - after).sum()) / total if total > 0 else 0.0


class PictureWatch:
    """Feed it the pictures of one camera. Faults count when they last; a picture that stays the same is "frozen" when the ones
    before differed, as a camera's do, and nothing where it has never been another, as a picture from a file."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._kind, self._since_s, self._count = "", -math.inf, 0
        self._digest, self._same_since_s, self._same, self._changes = -1, -math.inf, 0, 0
        self._last_s = self._judged_s = -math.inf

    def fault(self, rgb: np.ndarray, time_s: float) -> str:
        """The lasting fault at the picture uint8 [H, W, 3] of this time, one of TEXTS; empty when there is none."""
        if time_s < self._last_s - 1.0:                 # a bag that began anew, not a stamp that jitters
            self._forget()
        self._last_s = time_s
        if not 0 <= time_s - self._judged_s < JUDGED_S:
            self._judged_s, kind = time_s, fault_of(rgb)
            if kind != self._kind:
                self._kind, self._since_s, self._count = kind, time_s, 0
            self._count += 1
        digest = zlib.crc32(rgb[::4].tobytes())
        if digest != self._digest:
            self._changes = self._changes + 1 if self._same < LASTING_FRAMES else 1
            self._digest, self._same_since_s, self._same = digest, time_s, 0
        self._same += 1
        if self._same >= LASTING_FRAMES and time_s - self._same_since_s >= FROZEN_S and self._changes > LIVE_FRAMES:
            return "frozen"
        return self._kind if self._count >= LASTING_FRAMES and time_s - self._since_s >= LASTING_S else ""
