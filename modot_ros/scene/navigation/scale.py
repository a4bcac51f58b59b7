# SPDX-License-Identifier: Apache-2.0
"""By which factor depth is wrong, told by the floor and the known height of the camera above it, and how it is filtered.

The height of the fitted plane says less: a predicted floor is tilted by some degrees, which tells on the height below the
camera. Where up is known the floor's points are measured along it instead (`benchmarks/floor.py` compares both).
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from modot_ros.scene.navigation.ground import TOLERANCE, Ground

WINDOW_S = 2.0                          # the median of the measurements of so long is used
ENOUGH = 5                              # as many of them as confidence wants
ALIKE = 0.10                            # measurements that agree differ by no more, in ln


def scale_of_floor(points: np.ndarray, ground: Ground, up: tuple[float, float, float], camera_height_m: float) -> float | None:
    """Factor that depth must be multiplied with; None when no point lies on the floor.

    points           float [N, 3] in the optical frame, in the scale that is to be put right; also those off the floor
    ground           the floor in the same scale
    up               unit vector, the true up in the optical frame
    camera_height_m  the true height of the camera above the floor
    """
    floor = points[np.abs(ground.heights(points)) < TOLERANCE * ground.height_m]
    height = np.median(floor @ -np.asarray(up, points.dtype)) if len(floor) else 0.0
    return camera_height_m / float(height) if height > 0 else None


def scale_of_plane(ground: Ground, camera_height_m: float) -> float:
    """The same from the height of the camera above the fitted plane, whatever its tilt: for mounts whose pitch is not known.
    A predicted floor is tilted by some degrees, so this is worse than `scale_of_floor` where up is known."""
    return camera_height_m / ground.height_m


@dataclass(frozen=True)
class Scale:
    """factor to multiply depth with; confidence in 0..1: enough measurements, and alike; age_s of the newest of them."""

    factor: float
    confidence: float
    age_s: float


class ScaleFilter:
    """The median of what was measured lately. The last scale stays when nothing is measured, and grows old."""

    def __init__(self) -> None:
        self._measured: deque[tuple[float, float, float]] = deque()     # time in seconds, ln of the factor, share
        self._last: tuple[float, float, float] | None = None        # time, factor, confidence

    def update(self, factor: float | None, time_s: float, share: float = 1.0) -> Scale | None:
        """The scale at `time_s`, given what was measured in that picture, if anything; None before the first measurement.

        share: in 0..1, of what was measured in that picture, that agrees on the factor; confidence is in proportion.
        When time jumps back by more than WINDOW_S, all is forgotten.
        """
        if self._last is not None and time_s < self._last[0] - WINDOW_S:
            self._measured.clear()
            self._last = None
        if factor is not None:
            self._measured.append((time_s, float(np.log(factor)), share))
            self._measured = deque(one for one in self._measured if one[0] >= time_s - WINDOW_S)
            logs, shares = np.array([one[1:] for one in self._measured]).T
            middle = float(np.median(logs))
            alike = float(np.mean((np.abs(logs - middle) < ALIKE) * shares))
            self._last = time_s, float(np.exp(middle)), alike * min(1.0, len(logs) / ENOUGH)
        if self._last is None:
            return None
        measured_s, factor, confidence = self._last
        return Scale(factor, confidence, max(0.0, time_s - measured_s))
