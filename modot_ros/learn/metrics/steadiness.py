# SPDX-License-Identifier: Apache-2.0
"""How steady a sequence's depth and ids are from frame to frame."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FOUND_IOU = 0.5                                         # of a region that finds a true instance
MIN_AREA_PX = 50                                        # of a true instance; what is smaller is no instance here


@dataclass(frozen=True)
class Movement:
    """What changes between consecutive frames of a sequence that should not. Without two frames NaN."""

    pixel_percent: float                                # median |change of ln z| of a pixel
    picture_percent: float                              # median |median change of ln z over the picture|
    largest_to_smallest: float                          # of the pictures' scales: how far they drift


def movement(log_depths: Sequence[np.ndarray]) -> Movement:
    """log_depths: float [h, w] of consecutive frames, NaN = unknown.

    With truth, give ln(predicted / true): what moves is then the error, however the camera moves. Without, give ln of the
    predicted depth of a camera that hardly moves.
    """
    if len(log_depths) < 2:
        return Movement(np.nan, np.nan, np.nan)
    logs = np.stack(log_depths)
    steps, scales = np.diff(logs, axis=0), np.nanmedian(logs, axis=(1, 2))
    return Movement(100 * float(np.nanmedian(np.abs(steps))),
                    100 * float(np.nanmedian(np.abs(np.nanmedian(steps, axis=(1, 2))))), float(np.exp(np.ptp(scales))))


class Switches:
    """Switches of id over a sequence whose true instances are known.

    An id switch is that of CLEAR MOT (Bernardin and Stiefelhagen, 2008): a true instance, found by a region with IoU of at
    least FOUND_IOU, has another id than when it was found last. memory_s: how long an id outlives its last sight.
    """

    def __init__(self, memory_s: float) -> None:
        self.memory_s = memory_s
        self.frames = self.true = self.found = self.switches = self.forgotten = self.lost = 0
        self._last: dict[int, tuple[float, int]] = {}   # true id -> time and id when it was found last
        self._before: set[int] = set()                  # true ids that the last frame found

    def add(self, true: np.ndarray, labels: np.ndarray, stamp_s: float) -> None:
        """The next frame's true instances and found regions, both int [H, W], 0 = none."""
        visible = set((np.flatnonzero(np.bincount(true.ravel())[1:] >= MIN_AREA_PX) + 1).tolist())
        found = found_by(true, labels)
        self.true += len(visible)
        self.found += len(found)
        self.lost += len((self._before & visible) - set(found))
        for instance, number in found.items():
            seen_s, before = self._last.get(instance, (stamp_s, number))
            self.switches += number != before
            self.forgotten += number != before and stamp_s - seen_s > self.memory_s
            self._last[instance] = stamp_s, number
        self._before = set(found)
        self.frames += 1

    def per_100_frames(self, count: int) -> float:
        return 100 * count / self.frames if self.frames else np.nan


def found_by(true: np.ndarray, labels: np.ndarray) -> dict[int, int]:
    """True id -> label of the region that finds it, both int [H, W]."""
    columns = int(labels.max()) + 1
    common = np.bincount((true.astype(np.int64) * columns + labels).ravel(), minlength=(int(true.max()) + 1) * columns)
    common = common.reshape(-1, columns)
    iou = common / np.maximum(common.sum(1)[:, None] + common.sum(0) - common, 1)
    iou[0], iou[:, 0], iou[common.sum(1) < MIN_AREA_PX] = 0, 0, 0
    return {row: int(iou[row].argmax()) for row in np.flatnonzero(iou.max(1) >= FOUND_IOU).tolist()}
