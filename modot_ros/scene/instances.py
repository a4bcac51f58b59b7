# SPDX-License-Identifier: Apache-2.0
"""Instances: labels that come in are checked, and where none come in the picture is parted by its geometry.

The partition knows no classes. Two facts carry it, both in inverse depth, where every plane is affine in the
image and no camera matrix is needed: at an occlusion its second derivative is large; at a crease it is
positive where two surfaces form a hollow (an object standing on a floor) and negative where they form an edge
(the two faces of a box). Regions therefore end at boundaries, depth steps and hollows, but not at edges: the
idea of locally convex connected patches (Stein et al., "Object Partitioning using Local Convexity", CVPR
2014).
"""
from __future__ import annotations

import cv2
import numpy as np

MAX_LABEL = 65535                       # instance labels are published as 16UC1
MAX_INSTANCES = 64
WORKING_WIDTH = 256                     # objects are found at this width: a finer picture only moves edges

BARRIER = 0.40                          # evidence of an edge that a patch may not cross
CORE_PX = 4                             # a patch starts where no barrier is nearer than this
FULL_STEP = 0.20                        # relative second difference of inverse depth: certainly an edge
FULL_HOLLOW = 0.012                     # the same for a hollow crease, after smoothing
NOISE = 8.0                             # times the median second difference: no noise
WEAK = 0.40                             # mean evidence along a border below which two large patches are one,
SMALL = 0.30                            # and what is added to it for one of MIN_AREA, less for larger ones
MIN_AREA = 0.005                        # of the picture; smaller regions join a neighbour
SHELL_AREA = 0.02                       # of the picture; the background's parts have at least this
SHELL_STEP = 0.03                       # relative step of inverse depth at which one region hides the other
SHELL_HIDES = 0.12                      # share of its border, plus that of the picture, that may be nearer


def validate_labels(labels: np.ndarray, shape: tuple[int, int], max_instances: int = 1024) -> np.ndarray:
    """Checks labels that come from outside.

    labels   integer [H, W], 0 = background, 1..65535
    shape    (H, W) of the picture they belong to
    returns  int32 [H, W]
    raises   ValueError naming what is wrong and the limit
    """
    labels = np.asarray(labels)
    if labels.shape != tuple(shape):
        raise ValueError(f"labels have shape {labels.shape}, the picture asks for {tuple(shape)}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels have dtype {labels.dtype}: uint8, uint16 or int32 is needed")
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0:
        raise ValueError(f"label {low} is negative: labels go from 0 (background) to {MAX_LABEL}")
    if high > MAX_LABEL:
        raise ValueError(f"label {high} is too large: labels go from 0 (background) to {MAX_LABEL}")
    if high > max_instances:            # only then can there be too many
        count = int(np.count_nonzero(np.bincount(labels.ravel())[1:]))
        if count > max_instances:
            raise ValueError(f"{count} instances in one picture: at most {max_instances} are taken")
    return labels.astype(np.int32)


def partition(depth_m: np.ndarray, probability: np.ndarray, boundary_mask: np.ndarray | None = None,
              max_instances: int = MAX_INSTANCES) -> np.ndarray:
    """Parts a picture into instances without knowing classes.

    Patches grow from the middle of edge-free areas (so that a contour with a hole still holds), neighbours
    with weak evidence on their common border become one, and what hides nothing is background: walls, floor
    and ceiling touch the picture's border or fill much of it, and hardly anywhere stand before something
    else.

    depth_m        float32 [H, W], NaN = no estimate, +inf = beyond range (background)
    probability    float32 [H, W] of an occlusion boundary
    boundary_mask  bool [H, W], boundaries that count as certain (a thinned and thresholded probability)
    returns        int32 [H, W], 0 = background, instances 1.. by falling area
    raises         ValueError when the shapes differ or max_instances is not in 1..65535
    """
    for name, array in (("probability", probability), ("boundary_mask", boundary_mask)):
        if array is not None and array.shape != depth_m.shape:
            raise ValueError(f"{name} {array.shape} and depth {depth_m.shape} must be [H, W] of one size")
    if not 1 <= max_instances <= MAX_LABEL:
        raise ValueError(f"max_instances is {max_instances}: it must lie in 1..{MAX_LABEL}")
    height, width = depth_m.shape
    working = (min(width, WORKING_WIDTH), max(1, round(height * min(1, WORKING_WIDTH / width))))
    depth = cv2.resize(np.asarray(depth_m, np.float32), working, interpolation=cv2.INTER_NEAREST_EXACT)
    edge = cv2.resize(np.asarray(probability, np.float32), working, interpolation=cv2.INTER_AREA)
    cv2.patchNaNs(edge, 0.0)
    if boundary_mask is not None:
        certain = cv2.resize(boundary_mask.astype(np.float32), working, interpolation=cv2.INTER_AREA)
        edge = cv2.max(edge, (certain > 0).astype(np.float32))

    nearness = _nearness(depth)
    evidence = _evidence(nearness, edge)
    patches = _patches(evidence)
    regions = _merge(patches, evidence)
    labels = _name(regions, nearness, depth, max_instances)
    if labels.shape != (height, width):
        labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return labels.astype(np.int32)


def _nearness(depth: np.ndarray) -> np.ndarray:
    """Inverse depth, float32; 0 where nothing is known or near."""
    with np.errstate(divide="ignore", invalid="ignore"):
        nearness = 1 / depth
    nearness[~(depth > 0)] = 0
    return nearness


def _evidence(nearness: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """float32 [h, w] in [0, 1]: how sure it is that an object ends here."""
    scale = cv2.max(cv2.blur(nearness, (5, 5)), 1e-3)
    step = cv2.absdiff(cv2.Laplacian(nearness, cv2.CV_32F, ksize=1), 0.0)
    step = cv2.divide(step, scale)
    bend = cv2.Laplacian(cv2.GaussianBlur(nearness, (5, 5), 1.2), cv2.CV_32F, ksize=1)
    # A blurred step bends as much to the one side as to the other, a hollow to one side only.
    bend = cv2.add(bend, cv2.erode(bend, np.ones((7, 7), np.uint8)))
    hollow = cv2.divide(bend, scale)
    # What bends everywhere is the noise of the depth.
    rough = float(np.median(step[::4, ::4]))
    geometry = cv2.max(cv2.multiply(step, 1 / max(FULL_STEP, NOISE * rough)),
                       cv2.multiply(hollow, 1 / max(FULL_HOLLOW, NOISE * rough)))
    # Beside a boundary that was seen, the depth's own edge is the same one, blurred and beside its place.
    seen = cv2.dilate(edge, np.ones((9, 9), np.uint8))
    geometry = cv2.multiply(geometry, cv2.subtract(1.0, seen))
    return cv2.min(cv2.max(cv2.max(geometry, edge), 0.0), 1.0)


def _patches(evidence: np.ndarray) -> np.ndarray:
    """int32 [h, w], 0..n-1: areas grown from cores, every pixel going to the nearest core.

    Cores are what lies CORE_PX from any barrier, and what narrow parts remain outside their reach: where two
    areas meet through a hole in a contour that is narrower than two cores, the hole is cut.
    """
    free = (evidence < BARRIER).astype(np.uint8)
    away = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_3)
    core = cv2.compare(away, CORE_PX, cv2.CMP_GT)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CORE_PX + 3,) * 2)
    narrow = cv2.bitwise_and(cv2.compare(away, 1.5, cv2.CMP_GT), cv2.bitwise_not(cv2.dilate(core, reach)))
    seeds = cv2.bitwise_or(core, narrow)
    if not seeds.any():
        return np.zeros(evidence.shape, np.int32)
    _, patches = cv2.distanceTransformWithLabels(cv2.bitwise_not(seeds), cv2.DIST_L2, cv2.DIST_MASK_5,
                                                 labelType=cv2.DIST_LABEL_CCOMP)
    return patches - 1


def _borders(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the two pixels of every 4-neighbour pair with different labels."""
    across = np.flatnonzero(labels[:, :-1] != labels[:, 1:])
    height, width = labels.shape
    across += across // (width - 1)                     # from a grid of width - 1 to the picture's
    down = np.flatnonzero(labels[:-1] != labels[1:])
    return np.concatenate([across, down]), np.concatenate([across + 1, down + width])


def _merge(patches: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Joins neighbouring patches, weakest border first, until the borders left have evidence enough.

    The smaller the smaller one is, the more evidence its border needs: of a few pixels a mean says little (Felzenszwalb
    and Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004). Each round joins the pairs that are each
    other's weakest neighbour. Regions below MIN_AREA then join their weakest neighbour whatever the border says.
    """
    count = int(patches.max()) + 1
    first, second = _borders(patches)
    # The barrier lies a pixel or two beside the border, which runs half way between the cores. A border that
    # leads across a barrier finds it on either side as well: the flank of a passage, which parts nothing.
    ridge = cv2.dilate(evidence, np.ones((3, 3), np.uint8)).ravel()
    out = CORE_PX * (second - first)
    flanks = np.minimum(evidence.ravel()[np.maximum(first - out, 0)],
                        evidence.ravel()[np.minimum(second + out, patches.size - 1)])
    strength = np.maximum(np.maximum(ridge[first], ridge[second]) - flanks, 0)
    a, b = patches.ravel()[first], patches.ravel()[second]
    key, index = np.unique(np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b), return_inverse=True)
    length = np.bincount(index).astype(float)
    total = np.bincount(index, strength)
    a, b = np.divmod(key, count)
    area = np.bincount(patches.ravel(), minlength=count)
    region = np.arange(count)
    small_too = False
    while len(a):
        mean = total / length
        weakest = np.full(count, np.inf)
        np.minimum.at(weakest, a, mean)
        np.minimum.at(weakest, b, mean)
        if small_too:
            tiny = area < MIN_AREA * patches.size
            join = (tiny[a] & (mean <= weakest[a])) | (tiny[b] & (mean <= weakest[b]))
        else:
            smaller = np.maximum(np.minimum(area[a], area[b]), MIN_AREA * patches.size)
            join = (mean < WEAK + SMALL * MIN_AREA * patches.size / smaller) & (mean <= weakest[a]) \
                & (mean <= weakest[b])
        if not join.any():
            if small_too:
                break
            small_too = True
            continue
        group = _connected(count, a[join], b[join])
        count = int(group.max()) + 1
        region, area = group[region], np.bincount(group, area).astype(int)
        a, b = group[a], group[b]
        apart = a != b
        key, index = np.unique((np.minimum(a, b) * count + np.maximum(a, b))[apart], return_inverse=True)
        length, total = np.bincount(index, length[apart]), np.bincount(index, total[apart])
        a, b = np.divmod(key, count)
    return region.astype(np.int32)[patches]


def _connected(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int [count], 0..: one number for what pairs (a, b) connect. For few nodes: asking scipy takes longer."""
    lowest = np.arange(count)
    while True:
        before = lowest
        lowest = before.copy()
        np.minimum.at(lowest, a, before[b])
        np.minimum.at(lowest, b, before[a])
        lowest = np.minimum(lowest, lowest[lowest])
        if (lowest == before).all():
            return np.unique(lowest, return_inverse=True)[1]


def _name(regions: np.ndarray, nearness: np.ndarray, depth: np.ndarray, max_instances: int) -> np.ndarray:
    """uint16 [h, w]: 0 for the background, then instances by falling area, at most `max_instances`."""
    count = int(regions.max()) + 1
    area = np.bincount(regions.ravel(), minlength=count)
    first, second = _borders(regions)
    flat = regions.ravel()
    ahead, same = _step_at_border(flat, nearness.ravel(), first, second)
    first, second = flat[first[same]], flat[second[same]]
    hides = (np.bincount(first, ahead[same] > SHELL_STEP, count)
             + np.bincount(second, ahead[same] < -SHELL_STEP, count))
    border = np.bincount(first, minlength=count) + np.bincount(second, minlength=count)
    frame = np.zeros(count, bool)
    for edge in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        frame[edge] = True
    unknown = np.bincount(regions[~np.isfinite(depth)], minlength=count) > 0.5 * area
    shell = (area >= SHELL_AREA * regions.size) & frame \
        & (hides <= (SHELL_HIDES + area / regions.size) * border)
    keep = np.flatnonzero(~shell & ~unknown & (area >= MIN_AREA * regions.size))
    keep = keep[np.argsort(-area[keep], kind="stable")][:max_instances]
    names = np.zeros(count, np.uint16)
    names[keep] = np.arange(1, len(keep) + 1)
    return names[regions]


def _step_at_border(labels: np.ndarray, nearness: np.ndarray, first: np.ndarray, second: np.ndarray
                    ) -> tuple[np.ndarray, np.ndarray]:
    """Relative step of inverse depth over a border (> 0: `first` is nearer), and where it could be read.

    Read two pixels in, behind the blur of the edge, and carried from four pixels in along the surface's
    slope; where the two disagree in sign the surfaces meet and there is no step.
    """
    inward = first - second
    at = [np.clip(pixel + reach * way * inward, 0, labels.size - 1)
          for pixel, way in ((first, 1), (second, -1)) for reach in (2, 4)]
    readable = np.ones(len(first), bool)
    for place, pixel in zip(at, (first, first, second, second)):
        readable &= labels[place] == labels[pixel]
    here, here_in, there, there_in = (nearness[place] for place in at)
    plain = here - there
    carried = plain + 1.25 * ((here - here_in) - (there - there_in))
    step = np.where(plain * carried > 0, np.sign(plain) * np.minimum(np.abs(plain), np.abs(carried)), 0)
    return step / np.maximum(np.maximum(here, there), 1e-6), readable
