# SPDX-License-Identifier: Apache-2.0
"""Exact occlusion boundaries and orders, from rays alone.

Two neighbouring pixels are a boundary pair when the visible surface is discontinuous somewhere between their centres.
The segment between them is bisected, every half that is not certified continuous again, down to 2^-16 px, where a
continuous surface has shrunk to nothing and a jump has not (operational form of Wang et al.'s self-occlusion-aware
definition). Object identity plays no role: self-occlusion counts; creases and contact do not.
"""
from __future__ import annotations

import numpy as np
import torch

BISECTIONS = 16
CONTACT = 1e-4                                          # gaps below this share of the nearer depth are contact


def boundary_pairs(first_px: torch.Tensor, second_px: torch.Tensor, first: tuple, second: tuple, look) -> torch.Tensor:
    """Which neighbouring pixel pairs hide something between them, and which of the two is in front.

    first_px, second_px [N, 2] image points (u, v), float64; first, second = (depth_m [N], solid [N]) seen there;
    look(points_px [K, 2]) -> (depth_m [K], solid [K]) casts more rays.
    Returns int8 [N]: +1 the first pixel's surface occludes, -1 the second's, 0 continuous.
    """
    label = torch.zeros(len(first_px), dtype=torch.int8, device=first_px.device)
    widest = torch.zeros(len(first_px), dtype=torch.float64, device=first_px.device)
    # a pair that sees one convex solid sees a continuous surface: only the others are looked into
    open_ = (first[1] != second[1]).nonzero()[:, 0]
    pair, a_px, b_px = open_, first_px[open_], second_px[open_]
    a, b = tuple(x[open_] for x in first), tuple(x[open_] for x in second)
    for _ in range(BISECTIONS):
        middle_px = (a_px + b_px) / 2
        middle = look(middle_px)
        left, right = middle[1] != a[1], middle[1] != b[1]
        pair = torch.cat([pair[left], pair[right]])
        a_px, b_px = torch.cat([a_px[left], middle_px[right]]), torch.cat([middle_px[left], b_px[right]])
        a, b = (tuple(torch.cat([x[left], m[right]]) for x, m in zip(a, middle)),
                tuple(torch.cat([m[left], x[right]]) for x, m in zip(b, middle)))
    gap = (a[0] - b[0]).abs()
    real = gap > CONTACT * torch.minimum(a[0], b[0])
    pair, gap, sign = pair[real], gap[real], torch.where(a[0] < b[0], 1, -1).to(torch.int8)[real]
    # several jumps between two pixels: the widest decides
    widest.scatter_reduce_(0, pair, gap, "amax")
    decisive = gap == widest[pair]
    label[pair[decisive]] = sign[decisive]
    return label


def boundary_map(right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair labels to the one-pixel map on the occluder's side.

    right int8 [H, W-1], down int8 [H-1, W]: +1 the left / upper pixel occludes, -1 the other one.
    Returns mask bool [H, W] and side uint8 [H, W]: 0 off the mask, else 1 + direction / 45 degrees, y down, towards the
    hidden surface (the mean direction where there are several; opposite ones that cancel fall back on the first).
    """
    rows, columns = right.shape[0], down.shape[1]
    count = np.zeros((4, rows, columns), bool)          # hides something to the right, below, to the left, above
    count[0, :, :-1], count[2, :, 1:] = right > 0, right < 0
    count[1, :-1], count[3, 1:] = down > 0, down < 0
    mask = count.any(0)
    du = count[0].astype(int) - count[2]
    dv = count[1].astype(int) - count[3]
    angle = np.degrees(np.arctan2(dv, du))
    cancelled = (du == 0) & (dv == 0)
    angle = np.where(cancelled, 90.0 * count.argmax(0), angle)
    side = np.where(mask, (np.round(angle / 45).astype(int) % 8) + 1, 0).astype(np.uint8)
    return mask, side


def occlusion_pairs(labels: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Who occludes whom: int64 [M, 3] rows (occluder id, occludee id, boundary length in pixel pairs), sorted.

    labels int32 [H, W], 0 = room shell (left out); right, down as in boundary_map. Self-occlusion is left out.
    """
    left_right = labels[:, :-1][right != 0], labels[:, 1:][right != 0], right[right != 0]
    up_down = labels[:-1][down != 0], labels[1:][down != 0], down[down != 0]
    a, b, sign = (np.concatenate(both) for both in zip(left_right, up_down))
    front, back = np.where(sign > 0, a, b), np.where(sign > 0, b, a)
    between = (front != back) & (front > 0) & (back > 0)
    pairs, counts = np.unique(np.column_stack([front, back])[between], axis=0, return_counts=True)
    return np.column_stack([pairs.reshape(-1, 2), counts]).astype(np.int64)


def depth_order_pairs(labels: np.ndarray, depth_m: np.ndarray, equal_share: float = 0.05) -> list[tuple]:
    """Depth order of every pair of visible instances: (near id, far id, equal, overlapping).

    The median z decides; within equal_share of it two instances are equal (ids ascending then). They overlap when
    their 5 % to 95 % ranges of z do (the depth relations of InstaOrder, Lee and Park, CVPR 2022).
    """
    ids = [int(i) for i in np.unique(labels) if i > 0]
    ranges = {i: np.quantile(depth_m[labels == i], [0.05, 0.5, 0.95]) for i in ids}
    orders = []
    for k, i in enumerate(ids):
        for j in ids[k + 1:]:
            (low_i, middle_i, high_i), (low_j, middle_j, high_j) = ranges[i], ranges[j]
            equal = bool(abs(middle_i - middle_j) <= equal_share * min(middle_i, middle_j))
            near, far = (i, j) if equal or middle_i < middle_j else (j, i)
            orders.append((near, far, equal, bool(low_i <= high_j and low_j <= high_i)))
    return orders
