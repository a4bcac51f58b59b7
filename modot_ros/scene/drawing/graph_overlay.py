# SPDX-License-Identifier: Apache-2.0
"""The order graph over a picture: short arrows where one instance hides another, and the instances' names.

An arrow stands across the contour that two instances share, where the step in depth is largest: its tail is on the
occluder, its head on what is hidden, so that arrows never cross the picture. It is the thicker the surer; its colour is
the occluder's rank in depth, from yellow for the nearest to blue for the farthest. An instance that is hidden is a dashed
box where it was last seen.
"""
from __future__ import annotations

import math

import cv2
import numpy as np

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph
from modot_ros.scene.order.places import centres_of

MAX_ARROWS = 40                         # the surest ones; more hide the picture
ARM_PX = 13                             # of an arrow to either side of the contour, in a picture 640 px wide
DEPTH_PX = 3                            # depth is read so far from the contour, behind the blur of its edge
BEYOND = 5.0                            # logarithm of the step to what is beyond range
ALIKE_PX = 9                            # the direction across the contour is its mean within this radius
PLATE = 4                               # under letters the picture is darker by this factor
LIGHT, UNRANKED = (255, 255, 255), (200, 200, 200)
FONT = cv2.FONT_HERSHEY_SIMPLEX

# Yellow to blue in equal steps, for eyes of all kinds: Nunez, Anderton and Renslow, PLOS ONE 2018.
_CIVIDIS = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_CIVIDIS).reshape(256, 3)[:, ::-1]
_FRACTION_BITS = 4                      # OpenCV takes points in sixteenths of a pixel


def draw_graph(picture: np.ndarray, labels: np.ndarray, graph: OrderGraph, depth: np.ndarray | None = None) -> None:
    """Draws onto `picture`, uint8 [H, W, 3] RGB.

    labels   integer [H, W] that the graph's ids refer to, 0 = background
    depth    float32 [H, W] that grows with distance; None puts arrows at the middle of the contours
    """
    scale = max(picture.shape[1] / 640, 0.5)
    colours = rank_colours(graph.instances)
    visible = [instance for instance in graph.instances if instance.area_px]
    for instance in graph.instances:
        if not instance.area_px:
            _draw_dashed_box(picture, instance.bbox_px, colours[instance.id], max(round(scale), 1))
    centres = centres_of(labels, visible)
    surest = sorted(graph.occlusions, key=lambda order: -order.confidence)[:MAX_ARROWS]
    placed = place_arrows(labels, surest, depth, {id: (u, v) for id, (u, v, _) in centres.items()})
    for order, point, direction in reversed(list(zip(surest, *placed))):
        room = min(centres[order.occluder][2], centres[order.occludee][2])
        arm = min(max(1.5 * room, 0.6 * ARM_PX * scale), ARM_PX * scale)    # short between what is small
        draw_arrow(picture, point, direction, arm, colours[order.occluder], scale, order.confidence)
    _draw_names(picture, graph.instances, centres, scale)


def rank_colours(instances: tuple[Instance, ...]) -> dict[int, tuple[int, int, int]]:
    """RGB per id: yellow for the nearest of the instances, dark blue for the farthest, grey for those without depth.

    The colours differ in lightness as well, so that they are told apart by the colour-blind and in print.
    """
    known = sorted((instance for instance in instances if not math.isnan(instance.depth_m)),
                   key=lambda instance: instance.depth_m)
    colours = {instance.id: UNRANKED for instance in instances}
    for rank, instance in enumerate(known):
        level = round(255 * (1 - rank / max(len(known) - 1, 1)))
        colours[instance.id] = tuple(_CIVIDIS[level].tolist())
    return colours


def rank_ramp(steps: int) -> np.ndarray:
    """The colours of ranks from the nearest to the farthest for a legend, uint8 [steps, 3] RGB."""
    return _CIVIDIS[np.linspace(255, 0, steps).round().astype(int)]


def place_arrows(labels: np.ndarray, orders: list[OcclusionOrder], depth: np.ndarray | None,
                 centres: dict[int, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Per order a point (u, v) on the contour that both share and the unit direction towards the occludee; [n, 2].

    Instances that do not touch have no contour: the point lies half way between their centres.
    """
    if not orders:
        return np.zeros((0, 2)), np.zeros((0, 2))
    occluder = np.array([order.occluder for order in orders], np.int64)
    occludee = np.array([order.occludee for order in orders], np.int64)
    start, stop = (np.array([centres.get(id, (0, 0)) for id in ids.tolist()], float) for ids in (occluder, occludee))
    point, direction = (start + stop) / 2, stop - start

    pair, points, across = _crossings(labels)
    wanted = np.minimum(occluder, occludee) << 16 | np.maximum(occluder, occludee)
    begin, count = np.searchsorted(pair, wanted), np.searchsorted(pair, wanted, side="right")
    count -= begin
    # From here on row k of everything belongs to order owner[k], the rows of an order lying together.
    owner = np.repeat(np.arange(len(orders)), count)
    if len(owner):
        rows = np.arange(len(owner)) + np.repeat(begin - np.cumsum(count) + count, count)
        points, across = points[rows], across[rows] * np.where(occluder < occludee, 1, -1)[owner, None]
        if depth is not None:
            step = _depth_step(depth, points, across)
            largest = _of_each(np.maximum, step, owner)
            kept = step >= np.minimum(0.5 * largest, largest)[owner]
            owner, points, across = owner[kept], points[kept], across[kept]
        mutual = np.array([order.mutual for order in orders])[owner]
        if mutual.any():                                # each direction on a half of its own
            first, size = _of_each(np.minimum, np.arange(len(owner)), owner), np.bincount(owner, minlength=len(orders))
            later = 2 * (np.arange(len(owner)) - first[owner]) >= size[owner]
            kept = ~mutual | (later == (occluder > occludee)[owner]) | (size[owner] == 1)
            owner, points, across = owner[kept], points[kept], across[kept]
        size = np.maximum(np.bincount(owner, minlength=len(orders)), 1)
        mean = np.stack([np.bincount(owner, points[:, k], len(orders)) for k in (0, 1)], axis=1) / size[:, None]
        away = np.abs(points - mean[owner]).sum(1)
        middle = np.flatnonzero(away == _of_each(np.minimum, away, owner)[owner])[::-1]
        point[owner[middle]] = points[middle]           # the first of several
        alike = np.abs(points - point[owner]).max(1) <= ALIKE_PX
        sums = np.stack([np.bincount(owner, across[:, k] * alike, len(orders)) for k in (0, 1)], axis=1)
        direction[owner] = sums[owner]
    direction[np.abs(direction).max(1) < 1e-6] = 1, 0    # directions that cancel
    return point, direction / np.hypot(*direction.T)[:, None]


def _of_each(reduce: np.ufunc, values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The largest (np.maximum) or smallest value of every owner up to the last; 0 of those without any."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    found = np.zeros(owner[-1] + 1, values.dtype)
    found[owner[first]] = reduce.reduceat(values, first)
    return found


def _crossings(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where two instances meet, over at most two background pixels, sorted by pair.

    Returns the pair int64 [n], the point (u, v) between the two pixels [n, 2], and the step from the smaller id towards
    the larger one [n, 2].
    """
    labels = labels.astype(np.uint16)
    filled = cv2.dilate(labels, np.ones((3, 3), np.uint8))
    np.copyto(filled, labels, where=labels > 0)
    width, filled = filled.shape[1], filled.ravel()
    pairs, points, across = [], [], []
    for du, dv in ((1, 0), (0, 1)):
        offset = du + dv * width
        at = np.flatnonzero(filled[:-offset] != filled[offset:])
        first, second = filled[at].astype(np.int64), filled[at + offset].astype(np.int64)
        meets = (first > 0) & (second > 0)
        if du:
            meets &= at % width < width - 1             # the next row begins elsewhere
        at, first, second = at[meets], first[meets], second[meets]
        v, u = np.divmod(at, width)
        pairs.append(np.minimum(first, second) << 16 | np.maximum(first, second))
        points.append(np.column_stack([u + du / 2, v + dv / 2]))
        across.append(np.where(first < second, 1.0, -1.0)[:, None] * (du, dv))
    pairs, points, across = map(np.concatenate, (pairs, points, across))
    order = np.argsort(pairs, kind="stable")
    return pairs[order], points[order], across[order]


def _depth_step(depth: np.ndarray, points: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Logarithm of how many times farther it is beyond each point than before it; 0 where that is unknown."""
    last = np.array(depth.shape[::-1]) - 1
    before, beyond = (np.clip(np.rint(points + side * DEPTH_PX * across).astype(int), 0, last) for side in (-1, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.log(depth[beyond[:, 1], beyond[:, 0]] / depth[before[:, 1], before[:, 0]])
    return np.nan_to_num(step, nan=0.0, posinf=BEYOND, neginf=-BEYOND)


def draw_arrow(picture: np.ndarray, point: np.ndarray, direction: np.ndarray, arm: float,
               colour: tuple[int, int, int], scale: float, confidence: float) -> None:
    """An arrow with its middle at `point` (u, v), `arm` pixels long to either side, the thicker the surer (0..1)."""
    half, wing = scale * (0.5 + 1.5 * confidence), scale * (3.2 + 2.8 * confidence)
    neck = arm - min((7 + 2 * confidence) * scale, 1.2 * arm)
    outline = np.array([(-arm, -half), (neck, -half), (neck, -wing), (arm, 0), (neck, wing), (neck, half),
                        (-arm, half)])
    normal = np.array([-direction[1], direction[0]])
    outline = point + outline[:, :1] * direction + outline[:, 1:] * normal
    outline = [np.rint(outline * (1 << _FRACTION_BITS)).astype(np.int32)]
    cv2.polylines(picture, outline, True, LIGHT, 2 * max(round(scale), 1) + 1, cv2.LINE_AA, _FRACTION_BITS)
    cv2.fillPoly(picture, outline, colour, cv2.LINE_AA, _FRACTION_BITS)


def _draw_dashed_box(picture: np.ndarray, box: tuple[int, int, int, int], colour: tuple[int, int, int],
                     thick: int) -> None:
    left, top, width, height = box
    height_px, width_px = picture.shape[:2]
    columns, rows = (np.arange(max(start, 0), min(start + length, size))
                     for start, length, size in ((left, width, width_px), (top, height, height_px)))
    dash = 6 * thick
    columns, rows = columns[columns // dash % 2 == 0], rows[rows // dash % 2 == 0]
    for k in range(thick):
        for row in {top + k, top + height - 1 - k}:
            if 0 <= row < height_px:
                picture[row, columns] = colour
        for column in {left + k, left + width - 1 - k}:
            if 0 <= column < width_px:
                picture[rows, column] = colour


def _draw_names(picture: np.ndarray, instances: tuple[Instance, ...], centres: dict[int, tuple[int, int, float]],
                scale: float) -> None:
    """Id and name, or the id alone, in the middle of every instance that has room for it."""
    size, thick = 0.42 * scale, max(round(scale), 1)
    for instance in instances:
        if instance.area_px:
            u, v, radius = centres[instance.id]
        else:
            left, top, width, height = instance.bbox_px
            u, v, radius = left + width // 2, top + height // 2, min(width, height) / 2
        for text in (f"{instance.id} {instance.name}".rstrip(), str(instance.id)):
            (width, height), _ = cv2.getTextSize(text, FONT, size, thick)
            if math.hypot(width, height) <= 2 * radius + 4 * scale:
                left, low = max(u - width // 2, 1), min(max(v + height // 2, height), picture.shape[0] - 1)
                edge = round(2 * scale)
                plate = picture[max(low - height - edge, 0):low + edge + 1, max(left - edge, 0):left + width + edge]
                plate //= PLATE                         # an outline of the letters alone is lost on bright colours
                cv2.putText(picture, text, (left, low), FONT, size, LIGHT, thick, cv2.LINE_AA)
                break
