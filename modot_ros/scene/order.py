# SPDX-License-Identifier: Apache-2.0
"""Order graph from geometry: who occludes whom along shared contours, and who is nearer.

The relations are those of InstaOrder (Lee and Park, "Instance-wise Occlusion and Depth Orders in Natural
Scenes", CVPR 2022): occlusion is decided per direction, so that two instances may occlude each other; depth
order is nearer, farther or equal, with a flag when the two depth ranges overlap. Nothing here is learned: the
evidence is the depth on the two sides of every contour pixel, weighted by the boundary probability.

Inverse depth of a plane is affine in the image, so a surface is carried from inside an instance to its
contour by a straight line in inverse depth. A step counts only as far as the plain values and the carried
ones show it, on the last pixel of either side: a box on a floor touches it, and a steep floor is no step.

The cost grows with the pixels and the touching pairs: labels become runs, contour pixels are gathered once.
"""
from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph

METHOD = "geometric"
INNER_PX, OUTER_PX = 3, 6               # depth is read behind the blur of its edge, and in there for slope
NO_STEP, FULL_STEP = 0.005, 0.03        # relative step of inverse depth: evidence begins, is complete
SPEAKS = 0.1                            # evidence of one contour pixel that counts into the boundary's length
MIN_EVIDENCE_PX = 4.0                   # summed evidence that a direction needs at least,
MIN_SHARE = 0.05                        # as a share of the shared contour,
MIN_MUTUAL_SHARE = 0.15                 # and as a share of the evidence for both directions
EQUAL_BAND = 0.05                       # |ln(z_a / z_b)| of the medians up to which the depths are equal

_MARGIN = OUTER_PX + 1
_INF_BITS = 0x7F800000                  # +inf as float32; NaN lies above, negative numbers farther above
_BEYOND, _UNKNOWN = 65534, 65535        # depth levels that are no number


def order_graph(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray | None = None,
                names: Mapping[int, str] | None = None, scores: Mapping[int, float] | None = None
                ) -> OrderGraph:
    """Says who occludes whom and who is nearer.

    labels       integer [H, W], 0 = background, at most 65535; the background is not in the graph
    depth_m      float32 [H, W], NaN = no estimate, +inf = beyond range; unit-free depth that grows with
                 distance gives the same relations
    probability  float32 [H, W] in [0, 1] of an occlusion boundary; None weighs all contour pixels alike
    names        class name per label; scores: confidence per label
    raises       ValueError when shapes differ
    """
    for name, array in (("depth", depth_m), ("probability", probability)):
        if array is not None and array.shape != labels.shape:
            raise ValueError(f"{name} {array.shape} and labels {labels.shape} must be [H, W] of one size")
    labels = labels.astype(np.uint16)
    depth_m = np.asarray(depth_m, np.float32)
    instances = describe(labels, depth_m, names or {}, scores or {})
    return OrderGraph(METHOD, instances, occlusions(labels, depth_m, probability), depth_orders(instances))


def describe(labels: np.ndarray, depth_m: np.ndarray, names: Mapping[int, str], scores: Mapping[int, float]
             ) -> tuple[Instance, ...]:
    """Area, box and depth quantiles of every label of uint16 [H, W] but 0, in ascending order of labels.

    Quantiles are read from depth in levels of equal float32 codes (relative error below 2.5e-4 when the
    farthest depth is at most 200 times the nearest).
    """
    height, width = labels.shape
    flat = labels.ravel()
    change = np.empty(flat.size, bool)
    change[0] = True
    np.not_equal(flat[1:], flat[:-1], out=change[1:])
    change[::width] = True
    start = np.flatnonzero(change)
    length = np.diff(start, append=flat.size)
    label = flat[start]
    run = np.flatnonzero(label)
    if not len(run):
        return ()
    start, length, label = start[run], length[run], label[run]
    by_label = np.argsort(label, kind="stable")
    start, length, label = start[by_label], length[by_label], label[by_label]
    first = np.flatnonzero(np.diff(label, prepend=0))
    ids = label[first]
    row, column = np.divmod(start, width)
    area = np.add.reduceat(length, first)
    top, bottom = np.minimum.reduceat(row, first), np.maximum.reduceat(row, first)
    left, right = np.minimum.reduceat(column, first), np.maximum.reduceat(column + length, first)
    quantiles = _quantiles(labels, depth_m, ids, (0.05, 0.5, 0.95))
    columns = zip(ids.tolist(), area.tolist(), left.tolist(), top.tolist(), (right - left).tolist(),
                  (bottom - top + 1).tolist(), *(q.tolist() for q in quantiles))
    return tuple(Instance(i, a, (u, v, w, h), median, near, far, names.get(i, ""), scores.get(i, 1.0))
                 for i, a, u, v, w, h, near, median, far in columns)


def _quantiles(labels: np.ndarray, depth_m: np.ndarray, ids: np.ndarray, at: tuple[float, ...]
               ) -> list[np.ndarray]:
    """Quantiles of the known depth per label, float64 [len(ids)] each; NaN where a label has none.

    One sort of (label, depth level) packed into 32 bits replaces a sort per instance.
    """
    bits = depth_m.view(np.uint32)  # of positive floats: in their order, and linear per octave
    low, high = int(bits.min()), int(bits.max())
    clean = 0 < low and high < _INF_BITS
    if not clean:
        known = bits[(bits > 0) & (bits < _INF_BITS)]
        low, high = (int(known.min()), int(known.max())) if known.size else (1, 1)
    shift = max((high - low).bit_length() - 16, 0)
    if (high - low) >> shift >= _BEYOND:                # the last two codes are taken
        shift += 1
    key = bits - np.uint32(low)                         # wraps for what lies below, and so ends above
    key >>= shift
    if not clean:
        np.minimum(key, _UNKNOWN, out=key)
        key[bits == _INF_BITS] = _BEYOND
    key |= labels.astype(np.uint32) << 16
    key = np.sort(key, axis=None)
    ids = ids.astype(np.uint32) << 16
    begin = np.searchsorted(key, ids)
    known = np.searchsorted(key, ids | _UNKNOWN) - begin
    result = []
    for fraction in at:
        level = key[begin + np.rint(fraction * np.maximum(known - 1, 0)).astype(np.intp)] & 0xFFFF
        middle = (1 << shift) >> 1
        value = ((level << shift) + np.uint32(low + middle)).view(np.float32).astype(np.float64)
        value[level == _BEYOND] = np.inf
        value[known == 0] = np.nan
        result.append(value)
    return result


def depth_orders(instances: tuple[Instance, ...]) -> tuple[DepthOrder, ...]:
    """Depth order of all pairs whose depth is known.

    Medians decide; within EQUAL_BAND (a ratio, so that scale does not matter) the pair is equal. Confidence
    is 0.5 at the edge of the band and goes to 1 with growing ratio, or for equal pairs with growing likeness.
    Two instances that are both beyond range cannot be told apart and give no order.
    """
    ids = np.array([i.id for i in instances])
    ranges = np.array([(i.depth_m, i.depth_near_m, i.depth_far_m) for i in instances])
    median, near, far = ranges.reshape(-1, 3).T
    a, b = np.triu_indices(len(instances), 1)
    usable = ~np.isnan(median[a]) & ~np.isnan(median[b]) & (np.isfinite(median[a]) | np.isfinite(median[b]))
    a, b = a[usable], b[usable]
    with np.errstate(divide="ignore"):                  # one of the two beyond range: infinitely farther
        ratio = np.abs(np.log(median[a] / median[b])) / EQUAL_BAND
    equal = ratio <= 1
    overlapping = (near[a] <= far[b]) & (near[b] <= far[a])
    confidence = np.where(equal, 1 - 0.5 * ratio, 1 - 0.5 / np.maximum(ratio, 1))
    swap = ~equal & (median[b] < median[a])
    nearer, farther = np.where(swap, b, a), np.where(swap, a, b)
    columns = (ids[nearer], ids[farther], equal, overlapping, confidence)
    return tuple(map(DepthOrder, *(column.tolist() for column in columns)))


def occlusions(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray | None
               ) -> tuple[OcclusionOrder, ...]:
    """Occlusion orders of all pairs that touch or are at most two background pixels apart.

    labels are uint16 [H, W]. Confidence of a direction is the mean evidence of the contour pixels that speak
    for it, times n / (n + 2) for n of them: a short contour convinces less.
    """
    near_id, far_id, occluder_px, evidence, gap_m, contour = _contour_evidence(labels, depth_m, probability)
    if not len(near_id):
        return ()
    pair = near_id.astype(np.int64) << 16 | far_id
    order = np.lexsort((gap_m, pair))
    pair, evidence, gap_m, occluder_px = pair[order], evidence[order], gap_m[order], occluder_px[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    pairs, count = pair[first], np.diff(first, append=len(pair))
    total = np.add.reduceat(evidence, first)
    # A slanted contour crosses a pixel twice, down and across: its length counts pixels, not crossings.
    index = np.repeat(np.arange(len(first)), count)
    span = int(occluder_px.max()) + 1
    pixels = np.unique(index * span + occluder_px)
    length = np.bincount(pixels // span, minlength=len(first))
    gap = gap_m[first + (count - 1) // 2]

    opposite = (pairs & 0xFFFF) << 16 | pairs >> 16
    there = np.minimum(np.searchsorted(pairs, opposite), len(pairs) - 1)
    against = np.where(pairs[there] == opposite, total[there], 0.0)
    touching = np.array([contour[p] for p in np.minimum(pairs, opposite).tolist()])
    holds = (total >= MIN_EVIDENCE_PX) & (total >= MIN_SHARE * touching) \
        & (total >= MIN_MUTUAL_SHARE * (total + against))
    mutual = holds & (pairs[there] == opposite) & holds[there]
    confidence = np.minimum(total / count * (count / (count + 2)), 1.0)
    columns = (pairs >> 16, pairs & 0xFFFF, confidence, mutual, length.astype(float), gap)
    return tuple(map(OcclusionOrder, *(column[holds].tolist() for column in columns)))


def _contour_evidence(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray | None):
    """Contour pixels at which one instance stands before another.

    Returns arrays [n] of the nearer label, the farther label, the nearer side's pixel (flat index into a
    padded picture), evidence in (SPEAKS, 1] and the depth step, and the number of contour crossings per
    touching pair, keyed by smaller label << 16 | larger label.
    """
    filled = cv2.dilate(labels, np.ones((3, 3), np.uint8))      # a gap of one or two pixels closes
    np.copyto(filled, labels, where=labels > 0)
    pad = (_MARGIN,) * 4
    filled = cv2.copyMakeBorder(filled, *pad, cv2.BORDER_CONSTANT, value=0)
    wide = filled.shape[1]
    owner = filled.ravel()
    depth = cv2.copyMakeBorder(depth_m, *pad, cv2.BORDER_REPLICATE).ravel()

    first, step = [], []
    for offset in (1, wide):
        a, b = owner[:-offset], owner[offset:]
        crossing = np.flatnonzero(a != b)
        crossing = crossing[(a[crossing] > 0) & (b[crossing] > 0)]
        first.append(crossing)
        step.append(np.full(len(crossing), offset))
    first, step = np.concatenate(first), np.concatenate(step)
    second = first + step
    id_first, id_second = owner[first], owner[second]
    keys = np.minimum(id_first, id_second).astype(np.int64) << 16 | np.maximum(id_first, id_second)
    contour = dict(zip(*(column.tolist() for column in np.unique(keys, return_counts=True))))

    plain_first, here_first, beyond_first = _nearness_at_contour(owner, depth, first, -step, id_first)
    plain_second, here_second, beyond_second = _nearness_at_contour(owner, depth, second, step, id_second)
    # Where these disagree in sign the surfaces meet at the contour: contact, or a crease.
    steps = np.stack([plain_first - plain_second, here_first - beyond_second, beyond_first - here_second])
    with np.errstate(invalid="ignore"):
        size = np.abs(steps).min(0) / np.maximum(plain_first, plain_second)
        size *= (steps > 0).all(0) | (steps < 0).all(0)
    size[np.isnan(size)] = 0
    evidence = np.clip((size - NO_STEP) / (FULL_STEP - NO_STEP), 0, 1)
    if probability is not None:
        # The boundary may lie a pixel or two off the labels' border.
        weight = cv2.copyMakeBorder(np.asarray(probability, np.float32), *pad, cv2.BORDER_REPLICATE).ravel()
        across = [weight[first + k * step] for k in range(-2, 4)]
        evidence *= np.clip(np.fmax.reduce(across), 0, 1)
    speaks = np.flatnonzero(evidence > SPEAKS)
    forward = plain_first[speaks] > plain_second[speaks]
    near_id = np.where(forward, id_first[speaks], id_second[speaks])
    far_id = np.where(forward, id_second[speaks], id_first[speaks])
    occluder_px = np.where(forward, first[speaks], second[speaks])
    with np.errstate(divide="ignore"):
        gap_m = np.abs(1 / plain_first[speaks] - 1 / plain_second[speaks])
    return near_id, far_id, occluder_px, evidence[speaks], gap_m, contour


def _nearness_at_contour(owner: np.ndarray, depth: np.ndarray, at: np.ndarray, inward: np.ndarray,
                         ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inverse depth a few pixels inside, and carried along the surface to `at` and one pixel beyond; [n]."""
    inside_px = np.zeros(len(at), np.intp)
    own = np.ones(len(at), bool)
    for k in range(1, INNER_PX + 1):
        own &= owner[at + k * inward] == ids
        inside_px += own
    outer = at + OUTER_PX * inward
    with np.errstate(divide="ignore"):
        plain, farther_in = 1 / depth[at + inside_px * inward], 1 / depth[outer]
    plain[plain < 0] = np.nan
    # Thin parts have no second reading: their surface is taken to face the camera.
    usable = own & (owner[outer] == ids) & (farther_in >= 0) & np.isfinite(plain)
    slope = np.zeros_like(plain)
    np.subtract(plain, farther_in, out=slope, where=usable)
    slope /= OUTER_PX - INNER_PX
    here = np.maximum(plain + slope * inside_px, 0)
    return plain, here, np.maximum(here + slope, 0)
