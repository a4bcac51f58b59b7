# SPDX-License-Identifier: Apache-2.0
"""Features of the instances of a picture and of their pairs: the input of `nearness`.

Each instance is described by its range of depth, its place and shape, how depth steps and how surely a boundary was seen
along its outline on four sides, and what the whole picture is like; each pair by the cues of `depth_order`, who occludes
whom, and the outline that the two share. Depth counts as its logarithm less that of the picture's median, so that
neither scale nor unit matters. All is read at one size of the picture, whatever its own.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from modot_ros.prediction import Instance, OcclusionOrder
from modot_ros.scene.order.depth_order import cues, pairs_of

SIZE_PX = 256 * 192                     # of the picture that is read, about: its shape is kept
IN_PX, OUT_PX = 2, 3                    # where depth is read beside a crossing of an outline, behind the blur of its edge
LARGEST_STEP = 1.0                      # of the logarithm of depth, at which the feature saturates
FARTHEST = 5.0                          # from the picture's median, likewise
PART = 0.12                             # of its height: an instance's top and foot
GRID = (6, 4)                           # columns, rows of the whole picture's depth
INSTANCE_FEATURES = 44 + GRID[0] * GRID[1]          # numbers per instance, and
PAIR_FEATURES = 14                                  # per pair


def pair_features(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray, instances: Sequence[Instance],
                  occlusions: Sequence[OcclusionOrder], focal: float) -> tuple[np.ndarray, np.ndarray]:
    """Features of every instance, float32 [n, INSTANCE_FEATURES], and of every ordered pair, float32 [n, n, PAIR_FEATURES].

    Row i of the pairs describes instance i against the others.

    labels       uint16 [H, W], 0 = background
    depth_m      float32 [H, W]; NaN and +inf are taken for the picture's median
    probability  float32 [H, W] of an occlusion boundary; NaN = none
    instances    n of the labels, in ascending order, of known and finite depth; the others are background
    occlusions   among any labels; those of others are left out
    focal        focal length / picture width
    """
    height, width = labels.shape
    scale = (SIZE_PX / (height * width)) ** 0.5
    size = max(1, round(width * scale)), max(1, round(height * scale))
    labels, depth_m, seen = (cv2.resize(map_, size, interpolation=cv2.INTER_NEAREST_EXACT)
                             for map_ in (labels, depth_m, np.nan_to_num(probability).astype(np.float32)))
    n = len(instances)
    number = np.zeros(65536, np.int32)
    number[[i.id for i in instances]] = np.arange(1, n + 1)
    occlusions = [order for order in occlusions if number[order.occluder] and number[order.occludee]]
    owner = number[labels]                                              # 1..n, 0 = background

    known = (depth_m > 0) & np.isfinite(depth_m)
    some = depth_m[::4, ::4][known[::4, ::4]]
    middle = np.float32(np.median(some) if some.size else 1.0)
    log = np.log(np.where(known, depth_m, middle) / middle)
    ranges = np.array([(i.depth_near_m, i.depth_m, i.depth_far_m) for i in instances])
    near, median, far = np.clip(np.log(ranges) - math.log(middle), -FARTHEST, FARTHEST).T
    u, v, w, h = np.array([i.bbox_px for i in instances], float).T / np.array([width, height, width, height])[:, None]
    area = np.array([i.area_px for i in instances]) / (height * width)

    rows, columns = np.nonzero(owner[::2, ::2])                         # every fourth pixel is enough for means
    rows, columns = 2 * rows, 2 * columns
    own, value = owner[rows, columns], log[rows, columns]
    count = np.bincount(own, minlength=n + 1)[1:]

    def mean(values: np.ndarray, otherwise: np.ndarray, of: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Per instance [n], of the values at its pixels; `otherwise` where none of them is left."""
        counted = count if isinstance(of, slice) else np.bincount(own[of], minlength=n + 1)[1:]
        return np.where(counted, np.bincount(own[of], values[of], n + 1)[1:] / np.maximum(counted, 1), otherwise)

    within = ((rows + 0.5) / size[1] - np.append(0, v)[own]) / np.append(1, h)[own]     # 0 top .. 1 foot
    deviation = np.sqrt(np.maximum(mean(value ** 2, median ** 2) - mean(value, median) ** 2, 0))
    outline, shared = _outlines(owner, log, cv2.dilate(seen, np.ones((3, 3), np.uint8)), median, w * size[0], h * size[1])
    quantiles = np.quantile(log[::4, ::4], (0.02, 0.25, 0.75, 0.98))
    grid = cv2.resize(log, GRID, interpolation=cv2.INTER_AREA).ravel()
    across, down = mean((columns + 0.5) / size[0], u + w / 2), mean((rows + 0.5) / size[1], v + h / 2)
    steep = height / (width * focal)                                    # tangent of the angle that the height takes
    instance_features = np.column_stack([
        median, near - median, far - median, deviation, mean(value, median, within > 1 - PART) - median,
        mean(value, median, within < PART) - median, u, v, u + w, v + h,
        across, down, (across - 0.5) / focal, (down - 0.5) * steep, (v + h - 0.5) * steep, np.log(area), np.log(w),
        np.log(h), outline, np.tile([n / 20, math.log(focal), *quantiles, *grid], (n, 1))]).astype(np.float32)

    a, b = pairs_of(median)
    odds, level = cues(instances, occlusions, height)
    pairs = np.zeros((n, n, PAIR_FEATURES), np.float32)
    pairs[a, b, :5], pairs[b, a, :5] = odds.T, -odds.T
    pairs[a, b, 5] = pairs[b, a, 5] = level
    for order in occlusions:
        front, back = number[order.occluder] - 1, number[order.occludee] - 1
        pairs[front, back, 6] = pairs[back, front, 7] = order.confidence
    pairs[:, :, 8:] = shared
    return instance_features, pairs


def _outlines(owner: np.ndarray, log: np.ndarray, seen: np.ndarray, median: np.ndarray, w: np.ndarray, h: np.ndarray
              ) -> tuple[np.ndarray, np.ndarray]:
    """Of every outline [n, 20]: right, left, below and above. Of what two share [n, n, 6].

    A side is described by the means over its crossings of: step to the depth outside, depth outside and inside less the
    median, boundary seen; and by the number of crossings over the box's side. Two share: part of either's outline, step,
    boundary, how far the other one is below, whether they meet.
    """
    n = len(median)
    pad = (OUT_PX,) * 4
    owner = cv2.copyMakeBorder(owner, *pad, cv2.BORDER_CONSTANT, value=-1)
    wide = owner.shape[1]
    owner = owner.ravel()
    log, seen = (cv2.copyMakeBorder(map_, *pad, cv2.BORDER_REPLICATE).ravel() for map_ in (log, seen))
    at, step = [], []
    for offset in (1, wide):
        first = np.flatnonzero(owner[:-offset] != owner[offset:])
        first = first[(owner[first] >= 0) & (owner[first + offset] >= 0)]
        for me, towards in ((first, offset), (first + offset, -offset)):
            me = me[owner[me] > 0]
            at.append(me)
            step.append(np.full(len(me), towards))
    side = np.repeat(np.arange(4), [len(me) for me in at])
    at, step = np.concatenate(at), np.concatenate(step)
    me, other = owner[at], owner[at + step]
    inner, outer = at - IN_PX * step, at + OUT_PX * step
    inside = np.where(owner[inner] == me, log[inner], log[at])
    outside = log[outer]
    jump = np.clip(np.where(owner[outer] != me, outside - inside, 0), -LARGEST_STEP, LARGEST_STEP)
    boundary = np.maximum(seen[at], seen[at + step])

    key, bins = 4 * (me - 1) + side, 4 * n
    count = np.bincount(key, minlength=bins)
    own = np.append(median, 0)[me - 1]
    sides = [np.bincount(key, values, bins) / np.maximum(count, 1)
             for values in (jump, outside - own, inside - own, boundary)]
    sides.append(count / np.maximum(np.stack([h, h, w, w], 1).ravel(), 1))
    outline = np.stack(sides, 1).reshape(n, 20)

    key, bins = me * (n + 1) + other, (n + 1) ** 2
    count, *sums = (np.bincount(key, values, bins).reshape(n + 1, n + 1)
                    for values in (None, jump, boundary, np.select([side == 2, side == 3], [1.0, -1.0])))
    share = count / np.maximum(count.sum(1, keepdims=True), 1)
    means = [total / np.maximum(count, 1) for total in sums]
    return outline, np.stack([share, share.T, *means, count > 0], 2)[1:, 1:]
