# SPDX-License-Identifier: Apache-2.0
"""A scale of depth that does not jump from frame to frame, while real motion passes without delay.

A network tells the scale of every picture anew. Points that are followed from one frame to the next by sparse optical flow
(Lucas and Kanade, IJCAI 1981) have known depths before; how the picture grew between the frames tells how much nearer they
have really come. What remains of the change is the network's: it is taken out, and given back over SETTLING_S, so that the
filtered scale follows the network's in the long run and never drifts from it. It is given back sooner when the camera turns to
another scene, whose scale the old one is no better guess of.
"""
from __future__ import annotations

import math

import cv2
import numpy as np

WORK_WIDTH_PX = 192                                     # of the picture that points are followed in
MOST_POINTS, LEAST_POINTS = 100, 15
SEARCH = {"winSize": (11, 11), "maxLevel": 2, "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)}
LARGEST_RETURN_ERROR_PX = 0.7                           # of a point that is followed there and back
SETTLING_S = 2.0                                        # in which the filtered scale comes to the network's
OVERLAP_POWER = 8                                       # of the share of the picture that stays in view, kept of a correction
LONGEST_GAP_S = 1.0                                     # between frames that are compared
LARGEST_CORRECTION = math.log(3.0)                      # of a scale: beyond, the picture is another one


class SteadyScale:
    """Feed it the frames of one camera, in their order."""

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray] | None = None     # grey picture and filtered ln depth of the last frame
        self._stamp_s = -math.inf

    def factor(self, rgb: np.ndarray, depth: np.ndarray, stamp_s: float, log_depth_std: np.ndarray | None = None) -> float:
        """What depth of this frame should be multiplied by.

        rgb            uint8 [H, W, 3]
        depth          float32 [H, W], of any unit; NaN and inf count as unknown
        stamp_s        of the frame; the first one, one after a gap or a cut, and one of an earlier time begin anew with 1
        log_depth_std  float32 [H, W], standard deviation of ln depth, by which points weigh; None: all weigh alike
        """
        size = (WORK_WIDTH_PX, max(8, round(WORK_WIDTH_PX * rgb.shape[0] / rgb.shape[1])))
        grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(np.asarray(depth, np.float32), size, interpolation=cv2.INTER_NEAREST)
        log_depth = np.log(np.where(np.isfinite(small) & (small > 0), small, np.float32(np.nan)))
        std = None if log_depth_std is None else cv2.resize(log_depth_std, size, interpolation=cv2.INTER_NEAREST)
        correction, step_s = 0.0, stamp_s - self._stamp_s
        before = self._last
        if before is not None and before[0].shape == grey.shape and 0 < step_s <= LONGEST_GAP_S:
            found = change_beyond_motion(before, (grey, log_depth), std)
            if found is not None and abs(found[0]) < LARGEST_CORRECTION:
                jump, in_view = found
                correction = -jump * math.exp(-step_s / SETTLING_S) * in_view ** OVERLAP_POWER
        self._last, self._stamp_s = (grey, log_depth + np.float32(correction)), stamp_s
        return math.exp(correction)


def change_beyond_motion(last: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray],
                         std: np.ndarray | None) -> tuple[float, float] | None:
    """Change of ln depth of the points that both frames show, beyond what their motion explains, and the share of the picture
    that both frames show; None without enough points.

    last, now   grey picture uint8 [h, w] and ln depth float32 [h, w] of two frames, NaN = unknown
    std         float32 [h, w] of ln depth of `now`; None: all points weigh alike
    """
    (last_grey, last_log_depth), (grey, log_depth) = last, now
    before = cv2.goodFeaturesToTrack(last_grey, MOST_POINTS, 0.01, 5)
    if before is None or len(before) < LEAST_POINTS:
        return None
    after, found, _ = cv2.calcOpticalFlowPyrLK(last_grey, grey, before, None, **SEARCH)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(grey, last_grey, after, None, **SEARCH)
    error_px = np.linalg.norm((back - before).reshape(-1, 2), axis=1)
    kept = (found.ravel() == 1) & (returned.ravel() == 1) & (error_px < LARGEST_RETURN_ERROR_PX)
    height, width = grey.shape
    first, second = before.reshape(-1, 2)[kept], after.reshape(-1, 2)[kept]
    inside = ((second >= 0) & (second <= [width - 1, height - 1])).all(axis=1)
    first, second = first[inside], second[inside]
    if len(first) < LEAST_POINTS:
        return None
    change = _at(log_depth, second) - _at(last_log_depth, first)
    known = np.isfinite(change)
    if np.count_nonzero(known) < LEAST_POINTS:
        return None
    weight = np.ones(len(first)) if std is None else 1.0 / np.maximum(_at(std, second), 0.01) ** 2
    return (weighted_median(change[known], weight[known]) + math.log(growth(first[known], second[known])),
            overlap(first[known], second[known], width, height))


def growth(first: np.ndarray, second: np.ndarray) -> float:
    """How many times larger the picture became between points [N, 2] and where they went: 1 / the ratio of their depths.

    The median over pairs of the ratio of their distances, which neither shift nor roll changes; 1 where points lie too close.
    """
    half = len(first) // 2
    pairs = [(first[:half] - first[half:2 * half], second[:half] - second[half:2 * half]),
             (first[:half] - first[half:2 * half][::-1], second[:half] - second[half:2 * half][::-1])]
    apart, later = (np.concatenate([np.linalg.norm(pair[k], axis=1) for pair in pairs]) for k in (0, 1))
    far = (apart > 10) & (later > 0)
    return float(np.median(later[far] / apart[far])) if far.any() else 1.0


def overlap(first: np.ndarray, second: np.ndarray, width: int, height: int) -> float:
    """Share of the picture that is still in it after the median shift from points [N, 2] to where they went."""
    across, down = np.abs(np.median(second - first, axis=0)) / (width, height)
    return max(0.0, 1.0 - float(across)) * max(0.0, 1.0 - float(down))


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The value below which half of the weight lies."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)])


def _at(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values [N] of a map at the pixels nearest to points [N, 2] (u, v)."""
    u, v = np.rint(points).astype(int).T
    return values[np.clip(v, 0, values.shape[0] - 1), np.clip(u, 0, values.shape[1] - 1)]
