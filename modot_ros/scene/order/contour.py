# SPDX-License-Identifier: Apache-2.0
"""The shared contours of instances, crossing by crossing, and the evidence of each crossing for front and back.

A crossing is a pair of 4-neighbours with different labels. Three cues are read at it:

- depth: the step of inverse depth over the crossing. Inverse depth of a plane is affine in the image, so each
  surface is carried from behind the blur of its edge to the contour by a straight line; a step counts only as
  far as the plain values and the carried ones show it, on the last pixel of either side. A box on a floor
  touches it, and a steep floor is no step;
- junction: where a third region is near, the contour that runs on is the occluder's, so that the front region
  fills half of a disc about the crossing and the others share the rest (T-junctions: Guzman 1968; Hoiem, Efros
  and Hebert, "Recovering Occlusion Boundaries from an Image", IJCV 2011);
- convexity: elsewhere the region that fills less than half of the disc is the figure (Fowlkes, Martin and
  Malik, "Local Figure-Ground Cues are Valid for Natural Images", Journal of Vision 2007).

All cost grows with the pixels of the contours, not with the number of instances.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

INNER_PX, OUTER_PX = 3, 6               # depth is read behind the blur of its edge, and in there for slope
NO_STEP, FULL_STEP = 0.005, 0.03        # relative step of inverse depth: evidence begins, is complete
SHARP = 3.0                             # times the bend beside it: a step that no blur has spread
AT_LEAST = 0.1                          # what a step weighs that the last two pixels do not show
COUNTS = 0.1                            # evidence of one crossing that counts
MEASURED_SHARE = 0.6                    # of the steps that count are sharp where depth was measured or rendered
DISC_PX = 2.6                           # radius of the disc that junctions and convexity are read from
JUNCTION_PX = 3                         # so many of its pixels on a third region make a junction

_MARGIN = OUTER_PX + 1
# Pixels (along, beside) of the disc about the middle between a crossing's two, the first being (0, 0).
_DISC = [(along, beside) for along in range(-2, 4) for beside in range(-2, 3)
         if (along - 0.5) ** 2 + beside ** 2 <= DISC_PX ** 2]


@dataclass(frozen=True)
class Contour:
    """Crossings [n] between instances, grouped by pair [p]. Signs: > 0 the pair's smaller id is in front."""

    smaller: np.ndarray                                 # int64 [p] ids of the pairs
    larger: np.ndarray                                  # int64 [p]
    pair: np.ndarray                                    # int [n], index into the pairs
    px_smaller: np.ndarray                              # int [n], flat index into a padded picture
    px_larger: np.ndarray
    evidence: np.ndarray                                # [n] depth, in [-1, 1]
    sharp: np.ndarray                                   # bool [n], its step is one that no blur has spread
    seen: np.ndarray                                    # [n] probability of a boundary, 0 where none is known
    gap_m: np.ndarray                                   # [n] step of depth, >= 0
    junction: np.ndarray                                # [n] in [-1, 1]; NaN where there is none
    convexity: np.ndarray                               # [n] in [-1, 1]; NaN where a third region is near
    perimeter_smaller: np.ndarray                       # int [p] crossings from this id to anything
    perimeter_larger: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """bool [n]: crossings whose step of depth counts."""
        return np.abs(self.evidence) > COUNTS

    @property
    def measured(self) -> bool:
        """Whether depth was measured or rendered: no network's steps are mostly sharp, enlarged ones are in parts."""
        sharp = self.sharp[self.counts]
        return len(sharp) > 0 and bool(np.count_nonzero(sharp) >= MEASURED_SHARE * len(sharp))


def contour(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray | None) -> Contour:
    """Crossings of instances that touch or are at most two background pixels apart.

    Gaps count only in masks that mostly leave them, and not where a farther background is seen through.

    labels       uint16 [H, W], 0 = background
    depth_m      float32 [H, W], NaN = no estimate, +inf = beyond range
    probability  float32 [H, W] of an occlusion boundary, or None: weighs the evidence of depth
    """
    pad = (_MARGIN,) * 4
    filled = cv2.dilate(labels, np.ones((3, 3), np.uint8))      # a gap of one or two pixels closes
    cv2.copyTo(labels, (labels > 0).view(np.uint8), filled)
    given = cv2.copyMakeBorder(labels, *pad, cv2.BORDER_CONSTANT, value=0).ravel()
    filled = cv2.copyMakeBorder(filled, *pad, cv2.BORDER_CONSTANT, value=0)
    high, wide = filled.shape
    owner = filled.ravel()
    depth = cv2.copyMakeBorder(depth_m, *pad, cv2.BORDER_REPLICATE).ravel()

    first, step = [], []
    bins = int(labels.max(initial=0)) + 1
    perimeter = np.zeros(bins, np.intp)
    for offset in (1, wide):
        at = np.flatnonzero(owner[:-offset] != owner[offset:])
        here, there = owner[at], owner[at + offset]
        perimeter += np.bincount(here, minlength=bins) + np.bincount(there, minlength=bins)
        at = at[(here > 0) & (there > 0)]
        first.append(at)
        step.append(np.full(len(at), offset))
    first, step = np.concatenate(first), np.concatenate(step)
    junction, convexity = _figure(given, first, step, (high, wide))
    second = first + step
    id_first, id_second = owner[first], owner[second]

    front = _surface(owner, given, depth, first, -step)
    back = _surface(owner, given, depth, second, step)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = _step_behind_blur(front, back)
        sharp = _step_between_last(front, back)
        size = np.where(np.isnan(sharp), size, sharp) / np.maximum(front.plain, back.plain)
        gap_m = np.abs(1 / front.plain - 1 / back.plain)
        strip_m = np.maximum(np.where(given[first] == 0, depth[first], 0),
                             np.where(given[second] == 0, depth[second], 0))
        seen_through = 1 / strip_m < (1 - FULL_STEP) * np.minimum(front.plain, back.plain)
    size[np.isnan(size)] = 0
    evidence = np.sign(size) * np.clip((np.abs(size) - NO_STEP) / (FULL_STEP - NO_STEP), 0, 1)
    seen = np.zeros_like(evidence)
    if probability is not None:
        # The boundary may lie a pixel or two off the labels' border.
        weight = cv2.copyMakeBorder(np.asarray(probability, np.float32), *pad, cv2.BORDER_REPLICATE).ravel()
        for k in range(-2, 4):
            np.fmax(seen, weight[first + k * step], out=seen)       # NaN loses
        np.minimum(seen, 1, out=seen)
        evidence *= seen

    key = np.minimum(id_first, id_second).astype(np.int64) << 16 | np.maximum(id_first, id_second)
    direct = (given[first] > 0) & (given[second] > 0)
    tight = 2 * np.count_nonzero(direct) > len(direct)          # masks that meet elsewhere are apart where they are
    kept = direct if tight else direct | ~seen_through
    pairs, pair = np.unique(key[kept], return_inverse=True)
    sign = np.where(id_first < id_second, 1, -1)[kept]
    first, second = first[kept], second[kept]
    smaller, larger = pairs >> 16, pairs & 0xFFFF
    return Contour(smaller, larger, pair, np.where(sign > 0, first, second), np.where(sign > 0, second, first),
                   sign * evidence[kept], ~np.isnan(sharp[kept]), seen[kept], gap_m[kept], sign * junction[kept],
                   sign * convexity[kept], perimeter[smaller], perimeter[larger])


def _figure(labels: np.ndarray, at: np.ndarray, step: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Junction and convexity at each crossing, float [2, n], > 0 where the first side is in front, NaN where not read.

    labels [H * W] are those that were given: what closes a gap has no shape of its own.
    """
    across = np.where(step == 1, shape[1], 1)
    middles = {along: at + along * step for along in range(-2, 4)}
    aside = {beside: beside * across for beside in range(-2, 3)}
    mine, other = labels[at], labels[at + step]
    here, there = np.zeros(len(at), np.int8), np.zeros(len(at), np.int8)
    for along, beside in _DISC:
        seen = labels[middles[along] + aside[beside]]
        here += (seen == mine).view(np.int8)
        there += (seen == other).view(np.int8)
    v, u = np.divmod(at, shape[1])
    reach = _MARGIN + int(DISC_PX)
    readable = (mine > 0) & (other > 0) & (u >= reach) & (u < shape[1] - reach - 1) \
        & (v >= reach) & (v < shape[0] - reach - 1)
    third = len(_DISC) - here - there
    lead = (here - there) / len(_DISC)
    return np.stack([np.where(readable & (third >= JUNCTION_PX), lead, np.nan),
                     np.where(readable & (third == 0), -lead, np.nan)])


@dataclass(frozen=True)
class _Surface:
    """Inverse depth of one side of each crossing, float [n]; NaN where nothing is known."""

    plain: np.ndarray                                   # a few pixels in, behind the blur
    here: np.ndarray                                    # carried from there to the last pixel
    beyond: np.ndarray                                  # and one pixel on
    last: np.ndarray                                    # of the last pixel itself
    next: np.ndarray                                    # carried one pixel on from the last two
    bend: np.ndarray                                    # by which the last three are off a straight line


def _surface(owner: np.ndarray, given: np.ndarray, depth: np.ndarray, at: np.ndarray, inward: np.ndarray) -> _Surface:
    """Reads where the label was given; `owner` has the small gaps filled, and `at` may lie in one."""
    ids = owner[at]
    own = True
    inside_px = np.zeros(len(at), np.intp)
    read = []
    with np.errstate(divide="ignore", invalid="ignore"):
        last = plain = 1 / depth[at]
        for k in range(1, INNER_PX + 1):
            own = own & (given[at + k * inward] == ids)
            inside_px += own
            plain = np.where(own, 1 / depth[at + k * inward], plain)
            read.append(plain)
        slope = last - read[0]                          # 0 for what is one pixel thin
        bend = np.abs(slope - np.where(inside_px > 1, read[0] - read[1], 0))
        outer = at + OUTER_PX * inward
        farther_in = 1 / depth[outer]
    plain[(plain < 0) | (given[at + inside_px * inward] == 0)] = np.nan
    # Thin parts have no second reading: their surface is taken to face the camera.
    usable = own & (given[outer] == ids) & (farther_in >= 0) & np.isfinite(plain)
    inner_slope = np.zeros_like(plain)
    np.subtract(plain, farther_in, out=inner_slope, where=usable)
    inner_slope /= OUTER_PX - INNER_PX
    here = np.maximum(plain + inner_slope * inside_px, 0)
    return _Surface(plain, here, np.maximum(here + inner_slope, 0), last, last + slope, bend)


def _step_behind_blur(front: _Surface, back: _Surface) -> np.ndarray:
    """Step of inverse depth over each crossing, > 0 where the first side is in front, as far as all readings agree."""
    # Where these disagree in sign the surfaces meet at the contour: contact, or a crease.
    steps = np.stack([front.plain - back.plain, front.here - back.beyond, front.beyond - back.here])
    size = np.abs(steps).min(0) * ((steps > 0).all(0) | (steps < 0).all(0)) * np.sign(steps[0])
    # Part of the step is there between the last pixels already, even where a blur has spread it.
    return size * np.clip(AT_LEAST + (front.last - back.last) / steps[0], AT_LEAST, 1)


def _step_between_last(front: _Surface, back: _Surface) -> np.ndarray:
    """The step between the last pixels where it is sharp, that is many times what the surfaces bend by; else NaN.

    Two planes that meet between the pixels are the one in front on the one pixel and the other on the other.
    """
    on_back, on_front = front.next - back.last, front.last - back.next
    step = np.where(on_back * on_front > 0, np.sign(on_back) * np.minimum(np.abs(on_back), np.abs(on_front)), np.nan)
    return np.where(np.abs(step) > SHARP * np.fmax(front.bend, back.bend), step, np.nan)
