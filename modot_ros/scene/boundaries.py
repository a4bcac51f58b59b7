# SPDX-License-Identifier: Apache-2.0
"""Occlusion boundaries as thin lines that lie on the occluder and know which side they hide.

A network gives a smooth probability; a robot needs one pixel per crossing, on the surface that ends there,
with the direction of what is hidden. Non-maximum suppression with an orientation from smoothed second
derivatives follows Dollar and Zitnick, "Fast Edge Detection Using Structured Forests" (PAMI 2015); the
occluder's side follows the definition of DOC (Wang and Yuille, ECCV 2016): the nearer surface owns the
boundary.
"""
from __future__ import annotations

import cv2
import numpy as np

from modot_ros.prediction import SIDE_STEPS

SEARCH_PX = 3                           # how far from the probability's ridge the depth step may lie
MIN_STEP = 0.01                         # relative step of inverse depth that counts as one
# A depth edge knows better than the ridge where the occluder ends only if it is sharp: a step of this size from one
# pixel to the next, which is this share of all the change within SEARCH_PX. A network's own depth mostly has ramps, and
# where it has small steps they lie beside the edge oftener than its boundaries do.
SHARP_STEP = 0.2
SHARP_SHARE = 0.8

_CODE_OF_STEP = np.zeros(9, np.uint8)                   # index 3 * (dv + 1) + (du + 1)
for _code, (_du, _dv) in enumerate(SIDE_STEPS, start=1):
    _CODE_OF_STEP[3 * (_dv + 1) + _du + 1] = _code


def _thinning_table() -> np.ndarray:
    """bool [256]: may a pixel with these neighbours (bit k: SIDE_STEPS[k]) go and the drawing stay the same?

    It may when its neighbours stay one 8-connected piece, it is not the end of a line and not the inside of
    an area.
    """
    table = np.zeros(256, bool)
    for code in range(256):
        ring = [(code >> k) & 1 for k in range(8)]
        # Number of 8-connected pieces of the ring (Yokoi, Toriwaki and Fukumura 1975), counted at the edges.
        pieces = sum((1 - ring[k]) - (1 - ring[k]) * (1 - ring[(k + 1) % 8]) * (1 - ring[(k + 2) % 8])
                     for k in (0, 2, 4, 6))
        table[code] = pieces == 1 and sum(ring) >= 2
    return table


_REMOVABLE = _thinning_table()


def _skeleton(flat: np.ndarray, canvas: np.ndarray) -> np.ndarray:
    """Flat indices that remain of `flat`, the set pixels of `canvas`, when its lines are one pixel thick.

    canvas is uint8 with a border of zeros, and is changed. Pixels go in four turns by the parity of row and
    column: no two of one turn are neighbours, so that removing all removable ones of a turn at once keeps
    every line connected. After a round only neighbours of what went can follow.
    """
    width = canvas.shape[1]
    pixels = canvas.ravel()
    offsets = [dv * width + du for du, dv in SIDE_STEPS]

    def removable(members: np.ndarray) -> np.ndarray:
        code = np.zeros(len(members), np.uint8)
        for bit, offset in enumerate(offsets):
            code |= pixels[members + offset] << bit
        return members[_REMOVABLE[code]]

    candidates = flat
    while len(candidates):
        candidates = removable(candidates)
        turn = (candidates // width % 2) * 2 + candidates % width % 2
        removed = []
        for number in range(4):
            removed.append(removable(candidates[turn == number]))
            pixels[removed[-1]] = 0
        beside = (np.concatenate(removed)[:, None] + offsets).ravel()
        candidates = np.unique(beside[pixels[beside] > 0])
    return flat[pixels[flat] > 0]


def thin(probability: np.ndarray, depth_m: np.ndarray, threshold: float = 0.5
         ) -> tuple[np.ndarray, np.ndarray]:
    """Thins boundaries to one pixel, on the occluder's side.

    The ridge of the probability is kept where it reaches `threshold`; each of its pixels then moves, along
    the normal and at most SEARCH_PX, to the nearer side of the strongest depth step if that is a sharp one.
    Where it is a ramp the pixel stays, for the ridge is the better estimate, and the step gives the hidden side
    only. Without a step (equal depth, NaN) that is the side without depth, else the farther one however small
    the difference, else the upper.

    probability  float32 [H, W] in [0, 1]; NaN counts as 0
    depth_m      float32 [H, W], NaN = no estimate, +inf = beyond range; unit-free depth that grows with
                 distance will do
    returns      mask bool [H, W], side uint8 [H, W] (0 off the mask, else 1..8, see prediction.SIDE_STEPS)
    raises       ValueError when the shapes differ or the threshold is not in (0, 1]
    """
    if probability.ndim != 2 or probability.shape != depth_m.shape:
        raise ValueError(f"probability {probability.shape} and depth {depth_m.shape} must be of one size")
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold is {threshold}: it must lie in (0, 1]")
    height, width = probability.shape
    margin = SEARCH_PX + 2
    canvas = cv2.copyMakeBorder(np.asarray(probability, np.float32), *(margin,) * 4, cv2.BORDER_REPLICATE)
    wide = canvas.shape[1]
    candidates = np.flatnonzero(canvas >= threshold)    # NaN compares false
    candidates = candidates[_inside(candidates, wide, margin, height, width)]
    cv2.patchNaNs(canvas, 0.0)
    smooth = cv2.GaussianBlur(canvas, (9, 9), 2.0)      # what the orientation is read from
    # A saturated probability has a flat top: the smoothed map on top of it keeps one highest line.
    ridge = cv2.add(canvas, smooth, dst=canvas).ravel()
    # Whatever its direction, a ridge is highest along the row or along the column: most pixels end here.
    height_here = ridge[candidates]
    highest = (((height_here >= ridge[candidates - 1]) & (height_here >= ridge[candidates + 1]))
               | ((height_here >= ridge[candidates - wide]) & (height_here >= ridge[candidates + wide])))
    candidates, height_here = candidates[highest], height_here[highest]
    normal_u, normal_v = _ridge_normal(smooth.ravel(), candidates, wide)
    peak = ((height_here >= _bilinear(ridge, candidates, normal_u, normal_v, wide))
            & (height_here >= _bilinear(ridge, candidates, -normal_u, -normal_v, wide)))
    line, normal_u, normal_v = candidates[peak], normal_u[peak], normal_v[peak]

    depth = cv2.copyMakeBorder(np.asarray(depth_m, np.float32), *(margin,) * 4, cv2.BORDER_REPLICATE)
    moved, side_code = _to_occluder(depth.ravel(), line, normal_u, normal_v, wide)
    bridges, bridge_code = _bridges(line, moved, side_code, canvas.shape)
    codes = np.zeros(canvas.shape, np.uint8)
    codes.ravel()[bridges] = bridge_code
    codes.ravel()[moved] = side_code
    codes[:margin], codes[-margin:], codes[:, :margin], codes[:, -margin:] = 0, 0, 0, 0
    drawing = codes > 0
    thinned = _skeleton(np.flatnonzero(drawing), drawing.view(np.uint8))
    side = np.zeros((height, width), np.uint8)
    side[thinned // wide - margin, thinned % wide - margin] = codes.ravel()[thinned]
    return side > 0, side


def _inside(flat: np.ndarray, wide: int, margin: int, height: int, width: int) -> np.ndarray:
    """bool: which flat indices of the canvas with a margin lie in the picture."""
    v, u = np.divmod(flat, wide)
    return (u >= margin) & (u < margin + width) & (v >= margin) & (v < margin + height)


def _ridge_normal(smooth: np.ndarray, at: np.ndarray, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (u, v) across the ridge: the direction of the most negative second derivative."""
    step = 2
    centre = smooth[at]
    uu = smooth[at + step] + smooth[at - step] - 2 * centre
    vv = smooth[at + step * wide] + smooth[at - step * wide] - 2 * centre
    uv = (smooth[at + step * (wide + 1)] + smooth[at - step * (wide + 1)]
          - smooth[at + step * (wide - 1)] - smooth[at - step * (wide - 1)]) / 4
    angle = 0.5 * np.arctan2(-2 * uv, vv - uu)
    return np.cos(angle), np.sin(angle)


def _bilinear(values: np.ndarray, at: np.ndarray, du: np.ndarray, dv: np.ndarray, wide: int) -> np.ndarray:
    """Values at pixel + (du, dv), |du|, |dv| <= 1."""
    step_u, step_v = np.where(du < 0, -1, 1), np.where(dv < 0, -wide, wide)
    a, b = np.abs(du), np.abs(dv)
    return ((1 - b) * ((1 - a) * values[at] + a * values[at + step_u])
            + b * ((1 - a) * values[at + step_v] + a * values[at + step_v + step_u]))


def _to_occluder(depth: np.ndarray, at: np.ndarray, normal_u: np.ndarray, normal_v: np.ndarray, wide: int
                 ) -> tuple[np.ndarray, np.ndarray]:
    """New flat indices, on the nearer side of the strongest step where it is sharp, and the codes of the hidden side."""
    reach = np.arange(-SEARCH_PX, SEARCH_PX + 1, dtype=np.float32)[:, None]
    path = at + (np.rint(reach * normal_v) * wide + np.rint(reach * normal_u)).astype(np.intp)
    with np.errstate(divide="ignore"):
        nearness = 1 / depth[path]                      # [2 * SEARCH_PX + 1, N]; 0 beyond range
    step = nearness[:-1] - nearness[1:]                 # > 0: the near side comes first
    with np.errstate(invalid="ignore"):
        relative = np.abs(step) / np.maximum(nearness[:-1], nearness[1:])
    relative[np.isnan(relative)] = 0
    # Among steps of like size the one next to the ridge wins.
    best = np.argmax(relative * (1 - 0.25 * np.abs(reach[:-1] + 0.5)), axis=0)
    column = np.arange(len(at))
    largest = relative[best, column]
    has_step = largest > MIN_STEP
    with np.errstate(invalid="ignore"):                 # fmin and fmax pass over pixels without depth
        change = 1 - np.fmin.reduce(nearness) / np.fmax.reduce(nearness)
        is_sharp = (largest >= SHARP_STEP) & (largest >= SHARP_SHARE * change)

    known = np.where(np.isfinite(nearness), nearness, 0)
    tilt = known[:SEARCH_PX].sum(0) - known[SEARCH_PX + 1:].sum(0)
    first_is_near = np.where(tilt == 0, normal_v < 0, tilt > 0)
    # Forward: the normal points to the hidden side.
    forward = np.where(has_step, step[best, column] > 0, first_is_near)
    index = np.where(is_sharp, np.where(forward, best, best + 1), SEARCH_PX)
    # Rounded after this scale, a unit vector is the nearest of the eight steps: they change at 22.5 degrees.
    scale = np.where(forward, 1, -1) * (0.5 / np.sin(np.pi / 8))
    step_index = 3 * (np.rint(scale * normal_v) + 1) + np.rint(scale * normal_u) + 1
    return path[index, column], _CODE_OF_STEP[step_index.astype(np.intp)]


def _bridges(line: np.ndarray, moved: np.ndarray, code: np.ndarray, shape: tuple[int, int]
             ) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that join what were neighbours on the line and lie two or three pixels apart after the move."""
    wide = shape[1]
    order = np.full(shape[0] * wide, -1, np.int32)
    order[line] = np.arange(len(line), dtype=np.int32)
    pixels, codes = [], []
    for offset in (1, wide - 1, wide, wide + 1):
        other = order[line + offset]
        one = np.flatnonzero(other >= 0)
        one = one[moved[other[one]] - moved[one] != offset]     # the others moved alike
        v0, u0 = np.divmod(moved[one], wide)
        v1, u1 = np.divmod(moved[other[one]], wide)
        apart = np.maximum(np.abs(v1 - v0), np.abs(u1 - u0))
        for gap in (2, 3):
            wants = apart == gap
            for part in range(1, gap):
                pixels.append(np.rint((v0 + (v1 - v0) * part / gap)[wants]).astype(np.intp) * wide
                              + np.rint((u0 + (u1 - u0) * part / gap)[wants]).astype(np.intp))
                codes.append(code[one[wants]])
    return np.concatenate(pixels), np.concatenate(codes)


def from_pairs(right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One-pixel boundary on the occluder's side from labels of neighbouring pixel pairs.

    right    int8 [H, W-1]: pair (u, u + 1): +1 the left pixel occludes, -1 the right one, 0 none
    down     int8 [H-1, W]: pair (v, v + 1): +1 the upper pixel occludes, -1 the lower one, 0 none
    returns  mask bool [H, W], side uint8 [H, W]: the mean direction of what the pixel hides, 1..8; a pixel
             that hides something on opposite sides takes right before down
    raises   ValueError when the shapes do not belong together
    """
    height, width = right.shape[0], right.shape[1] + 1
    if down.shape != (height - 1, width):
        raise ValueError(f"right {right.shape} asks for down {(height - 1, width)}, got {down.shape}")
    hides = np.zeros((4, height, width), np.int8)       # right, left, down, up
    hides[0, :, :-1] = right > 0
    hides[1, :, 1:] = right < 0
    hides[2, :-1] = down > 0
    hides[3, 1:] = down < 0
    du, dv = hides[0] - hides[1], hides[2] - hides[3]
    mask = np.logical_or.reduce(hides)
    torn = mask & (du == 0) & (dv == 0)
    du += torn & (hides[0] > 0)
    dv += torn & (hides[0] == 0)
    return mask, _CODE_OF_STEP[3 * (dv.astype(np.intp) + 1) + du + 1]
