# SPDX-License-Identifier: Apache-2.0
"""Multi-object tracking: instances keep their ids from frame to frame, and with them the order graph.

Frame-by-frame association by linear assignment is that of SORT (Bewley et al., ICIP 2016), with appearance beside
overlap and the visible matched before the lost as in DeepSORT (Wojke et al., ICIP 2017). Beyond these, the
order graph gives the instance behind which one disappeared; it is kept until it reappears or times out.

Ids are given before the order graph is made, which so needs no renaming. What is done per pixel is done on a grid of
about GRID_PX pixels, all else per pair of regions.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.ndimage import find_objects
from scipy.optimize import linear_sum_assignment

from modot_ros.prediction import Instance, OrderGraph

MAX_ID = 65535                          # labels are published as 16UC1
GRID_PX = 20_000                        # pixels that regions are compared on
BINS = 4                                # of each colour channel
SHIFT_SIZE = (64, 48)                   # of the picture in which the camera's turn is read as a shift
SURE_SHIFT = 0.15                       # response of phase correlation from which the shift is used

MIN_AFFINITY = 0.15                     # overlap times likeness, of a region and a visible instance, 0..1
MIN_LIKENESS = 0.4                      # of a region and a lost instance, which have no overlap
BOX_WEIGHT = 0.7                        # weight of the overlap of boxes: thin instances miss their own mask
DEPTH_SPREAD = 0.35                     # |ln(z_a / z_b)| at which the likeness in depth has fallen to 1/e
AREA_SPREAD = 1.0                       # the same for boxes' areas
RETURN_REACH = 0.75                     # a lost instance comes back within so many of its own widths and heights from
                                        # where it was, or from what hides it
MIN_AGE = 3                             # frames of an instance before it can be reported as hidden
MIN_COVER = 0.2                         # share of its last place that the one known to occlude it must cover, unless
SHRUNK = 0.6                            # only this share of it was left to be seen;
MIN_ANY_COVER = 0.5                     # and the share that any nearer one must cover
NEARER, CLEARLY_NEARER = 0.97, 0.8      # ratios of depths below which something is nearer; the second where it grew by
SWALLOWED = 0.5                         # this share of what it is to hide: then the two may just have been merged

STEP_BACK_S = 1.0                                       # stamps of a camera go back by less; by more, a recording began anew


@dataclass
class _Track:
    """One instance over time."""

    colour: np.ndarray                                  # as of _Regions
    place: np.ndarray                                   # as of _Regions; moves on with the picture
    depth: float
    area: int                                           # the largest that it was seen with, pixels of the grid
    age: int
    seen_s: float
    seen: Instance | None = None                        # as in the last graph it was in
    hidden_by: int = 0


class _Regions:
    """The regions of one frame by ascending label, on the grid.

    grid    int32 [h, w], 0 = background, else 1 + index of the region
    colour  float64 [regions, BINS ** 3], square root of the share of each colour
    place   float64 [regions, 4]: left, top, right, bottom as shares of the picture's size
    depth   float64 [regions], geometric mean, NaN = unknown
    area    int64 [regions], pixels of the grid
    """

    def __init__(self, labels: np.ndarray, rgb: np.ndarray, depth: np.ndarray | None) -> None:
        height, width = labels.shape
        scale = min(1.0, (GRID_PX / labels.size) ** 0.5)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        sampled = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST_EXACT)
        present = np.bincount(sampled.ravel(), minlength=1) > 0
        present[0] = False
        self.labels = np.flatnonzero(present)
        count = len(self.labels) + 1
        self.grid = np.where(present, np.cumsum(present), 0).astype(np.int32).take(sampled)
        red, green, blue = cv2.split(rgb // (256 // BINS))
        bins = (red * BINS + green) * BINS + blue       # below 256
        colour = np.bincount((self.grid * BINS ** 3 + bins).ravel(), minlength=count * BINS ** 3)
        colour = colour.reshape(count, -1)[1:]
        self.area = colour.sum(1)
        self.colour = np.sqrt(colour / self.area[:, None])
        boxes = [(u.start, v.start, u.stop, v.stop) for v, u in find_objects(self.grid)]
        self.place = np.array(boxes, float).reshape(-1, 4) / (size * 2)
        self.depth = np.full(count - 1, np.nan)
        if depth is not None:
            z = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST_EXACT)
            known = (z > 0) & (z < np.inf)
            owner = self.grid[known]
            pixels = np.bincount(owner, minlength=count)[1:]
            total = np.bincount(owner, np.log(z[known]), minlength=count)[1:]
            np.divide(total, pixels, out=self.depth, where=pixels > 0)
            self.depth = np.exp(self.depth)
        grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), SHIFT_SIZE, interpolation=cv2.INTER_AREA)
        self.grey = grey.astype(np.float32)


class Tracker:
    """Feed it every frame of one camera in turn: `recognise`, then `remember` when there is a graph of the frame.

    hidden_timeout_s   how long an instance is remembered after it was seen last; 0 = not at all
    """

    def __init__(self, hidden_timeout_s: float = 2.0) -> None:
        self.hidden_timeout_s = hidden_timeout_s
        self._window = cv2.createHanningWindow(SHIFT_SIZE, cv2.CV_32F)
        self._given = False
        self._forget()

    def _forget(self) -> None:
        self._stamp_s = -np.inf
        self._next_id = 1
        self._tracks: dict[int, _Track] = {}            # the living: visible or remembered
        self._visible: list[int] = []                   # ids in the order of the last frame's regions
        self._regions: _Regions | None = None
        self._in_front: dict[int, dict[int, float]] = {}    # who was seen to occlude whom, and how surely

    def recognise(self, labels: np.ndarray, rgb: np.ndarray, depth: np.ndarray | None, stamp_s: float,
                  given: bool = False) -> tuple[np.ndarray, dict[int, int]]:
        """The labels under ids that last, and the lasting id of every label.

        labels   int32 [H, W], 0 = background
        rgb      uint8 [H, W, 3]
        depth    float32 [H, W], grows with distance, NaN = no estimate; None = nothing is known of it
        stamp_s  of the picture; when it goes back by more than STEP_BACK_S, everything is forgotten
        given    the labels last already, because a tracker or a segmentation node gave them: they are returned as they
                 are, and only ages and hidden instances are kept
        returns  int32 [H, W], 0 = background; an id is new, that of a visible or that of a remembered instance
        """
        regions = _Regions(labels, rgb, depth)
        given = given if len(regions.labels) else self._given       # without regions the source of ids stays as it was
        if stamp_s < self._stamp_s - STEP_BACK_S or given != self._given:
            self._forget()
        self._stamp_s, self._given = stamp_s, given
        shift = self._shift(regions)
        if self._tracks:
            tracks = self._tracks.values()
            for track, place in zip(tracks, np.stack([track.place for track in tracks]) + np.tile(shift, 2)):
                track.place = place
        common = self._common(regions, shift)
        ids = regions.labels.tolist() if given else self._ids_of(regions, common)
        columns = regions.colour, regions.place, regions.depth.tolist(), regions.area.tolist()
        for number, colour, place, z, area in zip(ids, *columns):
            before = self._tracks.get(number)
            largest, age = (before.area, before.age) if before else (0, 0)
            self._tracks[number] = _Track(colour, place, z, max(area, largest), age + 1, stamp_s)
        self._lose(regions, common, ids)
        self._visible, self._regions, self._in_front = ids, regions, {}
        lasting = dict(zip(regions.labels.tolist(), ids))
        if given:
            return labels, lasting
        name = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
        name[regions.labels] = ids                      # what is too small for the grid becomes background
        return name.take(labels, mode="clip"), lasting

    def remember(self, graph: OrderGraph) -> OrderGraph:
        """The graph of the frame that was just recognised, with ages and with what is hidden, which comes last."""
        instances = []
        for instance in graph.instances:
            track = self._tracks.get(instance.id)
            if track is not None:
                aged = object.__new__(Instance)         # a fifth of the time that calling a frozen dataclass takes
                vars(aged).update(vars(instance), age=track.age)
                instance = track.seen = aged
            instances.append(instance)
        self._in_front = {}
        for order in graph.occlusions:
            self._in_front.setdefault(order.occludee, {})[order.occluder] = order.confidence
        return replace(graph, instances=(*instances, *self._hidden()))

    def _shift(self, regions: _Regions) -> np.ndarray:
        """float64 [2]: how far the picture moved to the right and down, as a share of its size."""
        if self._regions is None:
            return np.zeros(2)
        moved, response = cv2.phaseCorrelate(self._regions.grey, regions.grey, self._window)
        return np.array(moved) / SHIFT_SIZE * (response > SURE_SHIFT)

    def _common(self, regions: _Regions, shift: np.ndarray) -> np.ndarray:
        """float64 [visible + 1, regions + 1]: grid pixels in common with the last frame's regions, moved by `shift`."""
        rows, columns = len(self._visible) + 1, len(regions.labels) + 1
        if self._regions is None:
            return np.zeros((rows, columns))
        height, width = regions.grid.shape
        right, down = round(shift[0] * width), round(shift[1] * height)
        before = self._regions.grid
        if before.shape != (height, width):
            before = cv2.resize(before, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        before = before[max(0, -down):height - max(0, down), max(0, -right):width - max(0, right)]
        now = regions.grid[max(0, down):height - max(0, -down), max(0, right):width - max(0, -right)]
        pairs = np.bincount((before * columns + now).ravel(), minlength=rows * columns)
        return pairs.reshape(rows, columns).astype(float)

    def _ids_of(self, regions: _Regions, common: np.ndarray) -> list[int]:
        """Lasting ids of the regions: those of what was visible, then of what was lost, then new ones."""
        ids = [0] * len(regions.labels)
        before = self._regions
        if before is not None and self._visible and ids:
            place = np.stack([self._tracks[number].place for number in self._visible])
            union = common[1:].sum(1)[:, None] + common[:, 1:].sum(0) - common[1:, 1:]
            overlap = np.maximum(common[1:, 1:] / np.maximum(union, 1), BOX_WEIGHT * _box_iou(place, regions.place))
            likeness = _likeness(before.colour, place, before.depth, regions)
            for row, column in _assign(overlap * likeness, MIN_AFFINITY):
                ids[column] = self._visible[row]
        left = [column for column, number in enumerate(ids) if not number]
        lost = sorted(set(self._tracks) - set(ids))
        if left and lost:
            tracks = [self._tracks[number] for number in lost]
            colour, place = np.stack([one.colour for one in tracks]), np.stack([one.place for one in tracks])
            likeness = _likeness(colour, place, np.array([one.depth for one in tracks]), regions)
            likeness *= self._may_return(tracks, regions)
            for row, column in _assign(likeness[:, left], MIN_LIKENESS):
                ids[left[column]] = lost[row]
        taken = (set(self._tracks) | set(ids)) - {0}
        for column in left:
            if not ids[column]:
                ids[column] = self._new_id(taken)
                taken.add(ids[column])
        return ids

    def _may_return(self, tracks: list[_Track], regions: _Regions) -> np.ndarray:
        """bool [tracks, regions]: whether the region is near where the instance was, or near what hides it."""
        own = np.stack([track.place for track in tracks])
        hider = np.stack([self._tracks.get(track.hidden_by, track).place for track in tracks])
        grow = RETURN_REACH * (own[:, 2:] - own[:, :2])
        middle = (regions.place[:, :2] + regions.place[:, 2:]) / 2
        return np.any([((middle >= (boxes[:, :2] - grow)[:, None]) & (middle <= (boxes[:, 2:] + grow)[:, None])).all(-1)
                       for boxes in (own, hider)], axis=0)

    def _new_id(self, taken: set[int]) -> int:
        """The next id that no living instance has; when there is none, the one lost longest ago gives its own."""
        if len(taken) >= MAX_ID:
            return min(taken - set(self._visible), key=lambda number: self._tracks[number].seen_s)
        while self._next_id in taken:
            self._next_id = self._next_id % MAX_ID + 1
        number, self._next_id = self._next_id, self._next_id % MAX_ID + 1
        return number

    def _lose(self, regions: _Regions, common: np.ndarray, ids: list[int]) -> None:
        """Say of what has just gone who hides it, and forget what has been away for too long."""
        here, areas = set(ids), self._areas()
        for row, number in enumerate(self._visible, 1):
            if number not in here:
                self._tracks[number].hidden_by = self._who_hides(number, common[row], areas[number], regions, ids)
        self._tracks = {number: track for number, track in self._tracks.items()
                        if number in here or self._stamp_s - track.seen_s < self.hidden_timeout_s}

    def _areas(self) -> dict[int, int]:
        """Grid pixels of what was visible in the last frame, by id."""
        return {} if self._regions is None else dict(zip(self._visible, self._regions.area.tolist()))

    def _who_hides(self, number: int, common: np.ndarray, area: int, regions: _Regions, ids: list[int]) -> int:
        """Id of what stands where the instance was: who was seen in front of it, else who is nearer; 0 = nobody.

        common is its row of `_common`, area the pixels it had.
        """
        if not ids:
            return 0
        track, known = self._tracks[number], self._in_front.get(number, {})
        covers = common[1:] / area                      # what has left the picture is covered by nothing
        inside = (track.place[:2] > 0).all() and (track.place[2:] < 1).all()
        going = area < SHRUNK * track.area and inside   # but not over the picture's edge
        sure = np.array([known.get(one, 0.0) for one in ids]) * ((covers >= MIN_COVER) | going)
        if sure.any():
            return ids[int(sure.argmax())]
        before = self._areas()
        growth = regions.area - np.array([before.get(one, 0) for one in ids])
        ratio = np.where(growth < SWALLOWED * area, NEARER, CLEARLY_NEARER)
        covers = covers * ~(regions.depth > ratio * track.depth)     # unknown may be nearer
        return ids[int(covers.argmax())] if covers.max() >= MIN_ANY_COVER else 0

    def _hidden(self) -> list[Instance]:
        """Hidden instances: inside the picture, behind an instance of the graph; by ascending ids."""
        there = set(self._visible)
        hidden: list[Instance] = []
        lost = [(number, track) for number, track in self._tracks.items() if number not in there]
        lost.sort(key=lambda one: -one[1].seen_s)       # what hides something was lost after it, or not at all
        for number, track in lost:
            middle = (track.place[:2] + track.place[2:]) / 2
            if track.seen and track.age >= MIN_AGE and track.hidden_by in there and (0 <= middle).all() and (middle <= 1).all():
                there.add(number)
                hidden.append(replace(track.seen, area_px=0, hidden_by=track.hidden_by))
        return sorted(hidden, key=lambda instance: instance.id)


def _likeness(colour: np.ndarray, place: np.ndarray, depth: np.ndarray, regions: _Regions) -> np.ndarray:
    """float64 [n, regions] in 0..1: of colours (Bhattacharyya), depth and size; unknown depth counts 0.5."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.subtract.outer(np.log(depth), np.log(regions.depth)))
    depths = np.where(np.isnan(apart), 0.5, np.exp(-apart / DEPTH_SPREAD))
    size, other = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (place, regions.place))
    sizes = np.exp(-np.abs(np.subtract.outer(np.log(size), np.log(other))) / AREA_SPREAD)
    return colour @ regions.colour.T * (0.4 + 0.35 * depths + 0.25 * sizes)


def _box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64 [n, m]: intersection over union of boxes [n, 4] and [m, 4]."""
    def common(low: int) -> np.ndarray:
        return np.minimum.outer(a[:, low + 2], b[:, low + 2]) - np.maximum.outer(a[:, low], b[:, low])
    both = np.maximum(common(0), 0) * np.maximum(common(1), 0)
    sizes = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (a, b))
    return both / (np.add.outer(*sizes) - both)


def _assign(affinity: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of the best one-to-one assignment, without those below `least`."""
    rows, columns = linear_sum_assignment(np.where(affinity >= least, affinity, 0.0), maximize=True)
    return [(row, column) for row, column in zip(rows.tolist(), columns.tolist()) if affinity[row, column] >= least]
