# SPDX-License-Identifier: Apache-2.0
"""Annotated pictures -> pairs that order networks train on, drawn as InstaOrder draws them (Lee and Park, CVPR 2022).

Every draw comes from a `numpy.random.RandomState` in the official order, so one seed gives the pairs that the official
code draws after `numpy.random.seed`. What training sees differs from what evaluation sees (`model.pair_input`), as
officially: a patch is tighter, for boxes are not enlarged, and whole pictures are resized as uint8, linearly.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import RandomState
from torch.utils.data import Dataset

from modot_ros.learn.datasets.layout import choose
from modot_ros.learn.datasets.order_sample import DepthRelation, OrderSample, OrderTruth
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.orders.losses import CLOSER, EQUAL, FARTHER
from modot_ros.model.instaorder.pair_input import centred_square, crop, normalised, resized_mask

MODES = ("patch", "resize", "image")
POSITIVE_SHARE = 0.7                                    # of the occlusion pairs that are drawn
PATCH_AREA = 2.0                                        # of a patch, over that of the box around both instances
LARGEST_SHIFT, LARGEST_SCALING = 0.2, 0.2               # of a patch, as shares of its side
B_OVER_A, A_OVER_B, NONE, BOTH = 0, 1, 2, 3             # OrderNet's classes


@dataclass(frozen=True)
class PairItem:
    """One pair (A, B) and what was annotated; None where the draw gives none."""

    rgb: np.ndarray                                     # float32 [3, size, size], normalised
    mask_a: np.ndarray                                  # uint8 [size, size]
    mask_b: np.ndarray
    occlusion: np.ndarray | None = None                 # float32 [2], "B over A", "A over B"
    order_class: int | None = None                      # OrderNet's
    depth: int | None = None                            # CLOSER, FARTHER or EQUAL: A to B
    overlap: bool | None = None
    count: int | None = None


class OcclusionItems(Dataset):
    """One random pair of every picture; of another picture where none occludes another, as officially."""

    def __init__(self, pictures: PictureSet[OrderSample], random: RandomState, mode: str = "patch", size: int = 256,
                 training: bool = True):
        self.pictures, self.random, self.mode, self.size, self.training = pictures, random, mode, size, training

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> PairItem:
        """Raises ValueError for a picture that can't be read, or when a hundred random ones have no occlusion."""
        for _ in range(100):
            found = self.pictures[index]
            if (found.truth.occlusion == 1).any():
                return occlusion_item(found.rgb, found.truth, self.random, self.mode, self.size, self.training)
            index = self.random.randint(len(self))
        raise ValueError(f"{self.pictures.title}: no occlusion in a hundred random pictures")


class DepthItems(Dataset):
    """One item of every annotated depth order; with its occlusion order as well."""

    def __init__(self, pictures: PictureSet[OrderSample], annotated: Sequence[tuple[int, int]], random: RandomState,
                 mode: str = "resize", size: int = 384, training: bool = True):
        """annotated: (index of a picture, index of an order in it), as `datasets.instaorder.annotated_depths` says."""
        self.pictures, self.annotated, self.random = pictures, annotated, random
        self.mode, self.size, self.training = mode, size, training

    def __len__(self) -> int:
        return len(self.annotated)

    def __getitem__(self, index: int) -> PairItem:
        """Raises ValueError for a picture that can't be read."""
        picture, order = self.annotated[index]
        found = self.pictures[picture]
        return depth_item(found.rgb, found.truth, found.truth.depths[order], self.random, self.mode, self.size,
                          self.training)


def occlusion_item(rgb: np.ndarray, truth: OrderTruth, random: RandomState, mode: str = "patch", size: int = 256,
                   training: bool = True, classes: int = 4, as_published: bool = False) -> PairItem:
    """A random pair: 7 of 10 times one of which A occludes B, else one of which A does not occlude B.

    Args:
        training: shift and scale patches; flips are drawn in any case, as officially.
        classes: 4, or 3, in which a mutual occlusion counts as the direction that was drawn.
        as_published: OrderNet's class of a pair that was drawn because A does not occlude B is "none", even when B
            occludes A.

    Raises:
        ValueError: unknown mode, or no instance occludes another.
    """
    order = truth.occlusion.copy()
    np.fill_diagonal(order, -1)
    positives, negatives = np.argwhere(order == 1), np.argwhere(order == 0)
    if not len(positives):
        raise ValueError(f"{truth.name}: no instance occludes another")
    positive = random.random_sample() < POSITIVE_SHARE or not len(negatives)
    pairs = positives if positive else negatives
    a, b = pairs[random.randint(len(pairs))].tolist()
    shown, (a, b), swapped = _shown(rgb, truth, a, b, random, mode, size, training)
    occlusion = np.array([order[b, a] == 1, order[a, b] == 1], np.float32)
    if not positive and as_published:
        order_class = NONE
    elif occlusion.all() and classes == 3:
        order_class = B_OVER_A if swapped else A_OVER_B
    else:
        order_class = {(1, 0): B_OVER_A, (0, 1): A_OVER_B, (0, 0): NONE, (1, 1): BOTH}[tuple(occlusion.tolist())]
    return PairItem(*shown, occlusion, order_class)


def depth_item(rgb: np.ndarray, truth: OrderTruth, relation: DepthRelation, random: RandomState, mode: str = "resize",
               size: int = 384, training: bool = True) -> PairItem:
    """An annotated depth order and the occlusion order of the same pair. Raises ValueError for an unknown mode.

    training: as in `occlusion_item`.
    """
    shown, (a, b), swapped = _shown(rgb, truth, relation.first, relation.second, random, mode, size, training)
    depth = EQUAL if relation.equal else FARTHER if swapped else CLOSER
    occlusion = np.array([truth.occlusion[b, a] == 1, truth.occlusion[a, b] == 1], np.float32)
    return PairItem(*shown, occlusion, None, depth, relation.overlap, relation.count)


def _shown(rgb: np.ndarray, truth: OrderTruth, a: int, b: int, random: RandomState, mode: str, size: int,
           training: bool) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], tuple[int, int], bool]:
    """((picture, first mask, second mask), (first, second), whether they changed places)."""
    choose("mode", mode, MODES)
    window, resizing = None, cv2.INTER_LINEAR
    if mode == "patch":
        window = _patch(truth.boxes_xywh[a], truth.boxes_xywh[b], random if training else None)
        resizing = cv2.INTER_CUBIC
    elif mode == "image":
        window = centred_square(*rgb.shape[:2])
    flipped = random.random_sample() > 0.5
    swapped = random.random_sample() >= 0.5
    if swapped:
        a, b = b, a
    images = [rgb, truth.modal[a], truth.modal[b]]
    if window is not None:
        images = [crop(image, window) for image in images]
    picture = cv2.resize(images[0], (size, size), interpolation=resizing)
    shown = [picture, *(resized_mask(mask, size, size) for mask in images[1:])]
    if flipped:
        shown = [np.ascontiguousarray(image[:, ::-1]) for image in shown]
    return (normalised(shown[0]), *shown[1:]), (a, b), swapped


def _patch(box_a: Sequence[float], box_b: Sequence[float], random: RandomState | None) -> tuple[int, int, int, int]:
    """Square window x, y, width, height around both boxes; shifted and scaled when there is something to draw from."""
    left, top = min(box_a[0], box_b[0]), min(box_a[1], box_b[1])
    width = max(box_a[0] + box_a[2], box_b[0] + box_b[2]) - left
    height = max(box_a[1] + box_a[3], box_b[1] + box_b[3]) - top
    x, y = left + width / 2, top + height / 2
    side = max(math.sqrt(PATCH_AREA * width * height), 1.1 * width, 1.1 * height)
    if random is not None:
        x += random.uniform(-LARGEST_SHIFT, LARGEST_SHIFT) * side
        y += random.uniform(-LARGEST_SHIFT, LARGEST_SHIFT) * side
        side /= random.uniform(1.0 - LARGEST_SCALING, 1.0 + LARGEST_SCALING)
    return int(x - side / 2), int(y - side / 2), max(1, int(side)), max(1, int(side))
