# SPDX-License-Identifier: Apache-2.0
"""Class-agnostic segmentation where no labels are given: by boundaries, depth and colours.

Patches grow where no edge is; neighbours that are more probably one instance than two are merged, the most probable first
(Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004; with a learned
rule: Nunez-Iglesias et al., "Machine Learning of Hierarchical Clustering to Segment 2D and 3D Images", PLOS ONE 2013).
Regions that are more probably wall, floor or ceiling than an instance become background. Both rules are logistic; depth
counts by its ratios, so that its unit does not matter. Weights: `benchmarks/partition.py --fit`.
"""
from __future__ import annotations

import cv2
import numpy as np

from modot_ros.scene.instances import MAX_LABEL

MAX_INSTANCES = 64
WORKING_WIDTH = 256                     # objects are found at this width: a finer picture only moves edges

BARRIER = 0.40                          # evidence of an edge that a patch may not cross
CORE_PX = 4                             # a patch starts where no barrier is nearer than this
FULL_STEP = 0.20                        # relative second difference of inverse depth: certainly an edge
NOISE = 8.0                             # times the median second difference: no noise
MIN_AREA = 0.003                        # of the picture; smaller regions join a neighbour
HIDING_STEP = 0.03                      # relative step of inverse depth at which one region hides the other

# Log-odds that two neighbours are one instance, per unit of `Regions.cues`.
ONE = {"edge": -2.41, "colour": -0.43, "depth": -3.34, "relief": -1, "area": -0.24, "cut": -2.13}
ONE_BIAS = 2.26
SURE = 1.0                              # log-odds from which one joins even a neighbour that has a likelier one
# Log-odds that a region is background, per unit of `Regions.background_cues`.
BACKGROUND = {"hides": -5.17, "cut": 1.61, "sides": 0.91, "row": 2.14, "relief": 5.14, "depth": 1.85, "area": 0.09}
BACKGROUND_BIAS = -1.36


def partition(depth_m: np.ndarray, probability: np.ndarray, rgb: np.ndarray, max_instances: int = MAX_INSTANCES
              ) -> np.ndarray:
    """Segments a picture into instances without classes.

    depth_m      float32 [H, W], NaN = no estimate, +inf = beyond range (background)
    probability  float32 [H, W] of an occlusion boundary
    rgb          uint8 [h, w, 3], the picture, of any size
    returns      int32 [H, W], 0 = background, instances 1.. by falling area
    raises       ValueError when the shapes differ or max_instances is not in 1..65535
    """
    if probability.shape != depth_m.shape:
        raise ValueError(f"probability {probability.shape} and depth {depth_m.shape} must be [H, W] of one size")
    if not 1 <= max_instances <= MAX_LABEL:
        raise ValueError(f"max_instances is {max_instances}: it must lie in 1..{MAX_LABEL}")
    regions = Regions(depth_m, probability, rgb)
    regions.join()
    objects = np.flatnonzero((regions.background_odds() < 0) & (regions.area >= MIN_AREA))
    objects = objects[np.argsort(-regions.area[objects], kind="stable")][:max_instances]
    names = np.zeros(len(regions.area), np.uint16)
    names[objects] = np.arange(1, len(objects) + 1)
    height, width = depth_m.shape
    return cv2.resize(names[regions.labels], (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.int32)


class Regions:
    """Regions of a picture at the working width, and the borders between them: at first patches, to be joined.

    Arguments as of `partition`. All that is known of regions are sums, which add up when two become one; odds are
    logarithms of odds.
    """

    def __init__(self, depth_m: np.ndarray, probability: np.ndarray, rgb: np.ndarray) -> None:
        height, width = depth_m.shape
        size = (min(width, WORKING_WIDTH), max(1, round(height * min(1, WORKING_WIDTH / width))))
        depth = cv2.resize(np.asarray(depth_m, np.float32), size, interpolation=cv2.INTER_NEAREST_EXACT)
        edge = cv2.resize(np.asarray(probability, np.float32), size, interpolation=cv2.INTER_AREA)
        cv2.patchNaNs(edge, 0.0)
        self._nearness = _nearness(depth)
        p = self._patches = _patches(_evidence(self._nearness, edge))
        # Of what is summed over pixels every second one of every second row is enough, and takes a quarter of the time.
        sampled, nearness = p[::2, ::2], self._nearness[::2, ::2]
        rows, columns = sampled.shape
        colours = cv2.cvtColor(cv2.resize(rgb, (columns, rows)), cv2.COLOR_RGB2LAB)
        known = nearness > 0
        # What is unknown is taken to be as far as anything in the picture.
        log_depth = -np.log(np.where(known, nearness, nearness[known].min() if known.any() else 1)).ravel()
        row = np.repeat(np.arange(rows) / rows, columns)
        flat, count = sampled.ravel().astype(np.intp), int(p.max()) + 1
        weights = (None, *colours.reshape(-1, 3).T, log_depth, log_depth ** 2, known.ravel(), row)
        frame = np.concatenate([p[0], p[-1], p[:, 0], p[:, -1]])
        self._region = np.arange(count)                 # of each patch
        self._sums = np.stack([*(np.bincount(flat, weight, count) for weight in weights),
                               np.bincount(frame, minlength=count)], axis=1)
        self._sampled = sampled.size
        flat = p.ravel()
        first, second = _borders(p)
        # The boundary lies a pixel beside the border, which runs half way between the cores.
        ridge = cv2.dilate(edge, np.ones((3, 3), np.uint8)).ravel()
        self._share(flat[first], flat[second],
                    np.stack([np.ones(len(first)), np.maximum(ridge[first], ridge[second])], axis=1))

    @property
    def labels(self) -> np.ndarray:
        """int32 [h, w], 0..n-1: the region of every pixel."""
        return self._region.astype(np.int32)[self._patches]

    @property
    def area(self) -> np.ndarray:
        """[n], of the picture, by the pixels that are summed up."""
        return self._sums[:, 0] / self._sampled

    @property
    def cut(self) -> np.ndarray:
        """[n], the part of each outline that the picture's border is."""
        length, frame = self._shared[:, 0], self._sums[:, 8]
        inside = np.bincount(self.a, length, len(frame)) + np.bincount(self.b, length, len(frame))
        return frame / (inside + frame)

    @property
    def relief(self) -> np.ndarray:
        """[n], deviation of the logarithm of depth."""
        mean, square = self._means()[:, 3:5].T
        return np.sqrt(np.maximum(square - mean ** 2, 0))

    def cues(self) -> np.ndarray:
        """[p, 6] of the borders between regions `a` and `b` [p], in the order of ONE.

        Mean probability of a boundary; difference of mean colours in L*a*b*, lightness counting half, in steps of 20;
        difference of the means of ln depth; sum of the reliefs; ln of the larger area; the larger cut, as walls and
        floors take nothing in.
        """
        length, edge = self._shared.T
        mean = self._means()
        lightness, green_red, blue_yellow, depth = (mean[self.a] - mean[self.b])[:, :4].T
        colour = np.sqrt(lightness ** 2 / 4 + green_red ** 2 + blue_yellow ** 2)
        area, cut, relief = np.maximum(self.area, 1 / self._sampled), self.cut, self.relief
        return np.stack([edge / length, colour / 20, np.abs(depth), relief[self.a] + relief[self.b],
                         np.log(np.maximum(area[self.a], area[self.b])), np.maximum(cut[self.a], cut[self.b])], axis=1)

    def likeliest(self, least_odds: float = 0.0) -> np.ndarray:
        """bool [p]: the borders to be taken away next.

        Those between regions that are each other's likeliest other half, with more than the least odds; those to one's
        own likeliest that are SURE, which spares rounds; where there is none of these, those of small regions.
        """
        odds = self.cues() @ np.array(list(ONE.values())) + ONE_BIAS
        best = np.full(len(self._sums), -np.inf)
        np.maximum.at(best, self.a, odds)
        np.maximum.at(best, self.b, odds)
        for_a, for_b = odds >= best[self.a], odds >= best[self.b]
        together = for_a & for_b & (odds > least_odds) | (for_a | for_b) & (odds > SURE)
        if not together.any():
            small = self.area < MIN_AREA
            together = small[self.a] & for_a | small[self.b] & for_b
        return together

    def unite(self, together: np.ndarray) -> None:
        """Makes one region of the two beside each border in `together`, bool [p]."""
        group = _connected(len(self._sums), self.a[together], self.b[together])
        self._region = group[self._region]
        self._sums = np.stack([np.bincount(group, column) for column in self._sums.T], axis=1)
        a, b = group[self.a], group[self.b]
        apart = a != b
        self._share(a[apart], b[apart], self._shared[apart])

    def join(self) -> None:
        """Unites until no two regions are rather one and none is small."""
        while (together := self.likeliest()).any():
            self.unite(together)

    def background_odds(self) -> np.ndarray:
        """[n], the logarithm of the odds that a region is background; +inf where most of it has no depth."""
        odds = self.background_cues() @ np.array(list(BACKGROUND.values())) + BACKGROUND_BIAS
        return np.where(self._sums[:, 6] <= 0.5 * self._sums[:, 0], np.inf, odds)

    def background_cues(self) -> np.ndarray:
        """[n, 7] in the order of BACKGROUND.

        Part of the borders to others where it is the nearer one; cut; part of the picture's left and right border; mean
        row, 0 at the top, 1 at the bottom; relief; mean of ln depth less that of the picture; ln of the area.
        """
        labels, area = self.labels, self.area
        flat, count = labels.ravel(), len(area)
        first, second = _borders(labels)
        ahead, readable = _step_at_border(flat, self._nearness.ravel(), first, second)
        first, second, ahead = flat[first[readable]], flat[second[readable]], ahead[readable]
        hides = np.bincount(first, ahead > HIDING_STEP, count) + np.bincount(second, ahead < -HIDING_STEP, count)
        border = np.bincount(first, minlength=count) + np.bincount(second, minlength=count)
        sides = np.bincount(labels[:, [0, -1]].ravel(), minlength=count) / len(labels)
        _, _, _, depth, _, _, row = self._means().T
        return np.stack([hides / np.maximum(border, 1), self.cut, sides, row, self.relief,
                         depth - np.average(depth, weights=area), np.log(np.maximum(area, 1 / self._sampled))], axis=1)

    def _means(self) -> np.ndarray:
        """[n, 7]: L*a*b*, ln depth, its square, whether depth is known, row; 0 for a region between the samples."""
        return self._sums[:, 1:8] / np.maximum(self._sums[:, :1], 1)

    def _share(self, a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> None:
        """Takes pieces of border between regions a and b [k] with their length and edge [k, 2]; one border per pair."""
        count = len(self._sums)
        key, index = np.unique(np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b), return_inverse=True)
        self.a, self.b = np.divmod(key, count)
        self._shared = np.stack([np.bincount(index, weight, len(key)) for weight in weights.T], axis=1)


def _nearness(depth: np.ndarray) -> np.ndarray:
    """Inverse depth, float32; 0 where nothing is known or near."""
    with np.errstate(divide="ignore", invalid="ignore"):
        nearness = 1 / depth
    nearness[~(depth > 0)] = 0
    return nearness


def _evidence(nearness: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """float32 [h, w] in [0, 1]: how sure it is that an object ends here."""
    scale = np.maximum(cv2.blur(nearness, (5, 5)), 1e-3)
    # A plane's inverse depth is affine in the image, whatever the camera matrix: only edges have second differences.
    step = np.abs(cv2.Laplacian(nearness, cv2.CV_32F, ksize=1)) / scale
    rough = float(np.median(step[::4, ::4]))            # what bends everywhere is the noise of the depth
    step *= 1 / max(FULL_STEP, NOISE * rough)
    # Beside a boundary that was seen, the depth's own edge is the same one, blurred and beside its place.
    step *= 1 - cv2.dilate(edge, np.ones((9, 9), np.uint8))
    return np.minimum(np.maximum(step, edge), 1)


def _patches(evidence: np.ndarray) -> np.ndarray:
    """int32 [h, w], 0..n-1: areas grown from cores, every pixel going to the nearest core.

    Cores are what lies CORE_PX from any barrier, and what narrow parts remain outside their reach: where two
    areas meet through a hole in a contour that is narrower than two cores, the hole is cut.
    """
    free = (evidence < BARRIER).astype(np.uint8)
    away = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_3)
    core = (away > CORE_PX).astype(np.uint8)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CORE_PX + 3,) * 2)
    narrow = (away > 1.5) & (cv2.dilate(core, reach) == 0)
    seeds = core | narrow
    if not seeds.any():
        return np.zeros(evidence.shape, np.int32)
    _, patches = cv2.distanceTransformWithLabels(1 - seeds, cv2.DIST_L2, cv2.DIST_MASK_5,
                                                 labelType=cv2.DIST_LABEL_CCOMP)
    return patches - 1


def _borders(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the two pixels of every 4-neighbour pair with different labels."""
    across = np.flatnonzero(labels[:, :-1] != labels[:, 1:])
    height, width = labels.shape
    across += across // (width - 1)                     # from a grid of width - 1 to the picture's
    down = np.flatnonzero(labels[:-1] != labels[1:])
    return np.concatenate([across, down]), np.concatenate([across + 1, down + width])


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
