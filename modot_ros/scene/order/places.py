# SPDX-License-Identifier: Apache-2.0
"""Where the instances of an order graph are: in the picture and in space."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from modot_ros.prediction import Instance

# Class names of people, as COCO, Cityscapes, KITTI, ADE20K and Open Images have them.
PEOPLE = re.compile(r"\b(person|people|pedestrian|human|man|woman|boy|girl|child|rider|worker)s?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where an instance is, in the optical frame (x right, y down, z forward), metres.

    centre_m   on its surface: the ray of its innermost pixel at its median depth
    size_m     width and height of its box at that depth, and how far its depth reaches (5 % to 95 %)
    """

    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]


def is_person(name: str) -> bool:
    """Whether a class name is one of people."""
    return PEOPLE.search(name) is not None


def places(instances: Iterable[Instance], labels: np.ndarray, rays: np.ndarray) -> dict[int, Place]:
    """Place per id; instances without depth or ray have none. Hidden ones are where they were seen last.

    labels  integer [H, W], 0 = background
    rays    float32 [H, W, 3], z = 1, of the camera that the graph's boxes are in
    """
    instances = list(instances)
    centres = centres_of(labels, [one for one in instances if one.area_px])
    last_v, last_u = rays.shape[0] - 1, rays.shape[1] - 1
    found = {}
    for one in instances:
        left, top, width, height = one.bbox_px
        u, v, _ = centres.get(one.id, (left + width // 2, top + height // 2, 0.0))
        ray = rays[min(v, last_v), min(u, last_u)]
        begin = rays[min(top, last_v), min(left, last_u)]
        end = rays[min(top + height, last_v), min(left + width, last_u)]
        across, down, _ = (np.abs(end - begin) * one.depth_m).tolist()
        x, y, z = (ray * one.depth_m).tolist()
        deep = one.depth_far_m - one.depth_near_m
        if np.isfinite([x, y, z, across, down, deep]).all():
            found[one.id] = Place((x, y, z), (across, down, deep))
    return found


def centres_of(labels: np.ndarray, instances: Iterable[Instance]) -> dict[int, tuple[int, int, float]]:
    """Per id the pixel (u, v) of the instance that is farthest from its outline, and that distance in pixels."""
    half = np.ascontiguousarray(labels[::2, ::2]).astype(np.uint16)
    inside = np.zeros((half.shape[0] + 2, half.shape[1] + 2), np.uint8)
    core = inside[1:-1, 1:-1]
    core[:] = half > 0
    core[:, :-1][half[:, :-1] != half[:, 1:]] = 0
    core[:-1][half[:-1] != half[1:]] = 0
    away = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]
    centres = {}
    for instance in instances:
        left, top, width, height = instance.bbox_px
        window = np.s_[top // 2:(top + height + 1) // 2, left // 2:(left + width + 1) // 2]
        own = (half[window] == instance.id).astype(np.uint8)
        if own.any():
            _, radius, _, (u, v) = cv2.minMaxLoc(away[window], own)
            centres[instance.id] = 2 * (u + left // 2), 2 * (v + top // 2), 2 * radius
        else:                                           # between the rows and columns that were looked at
            centres[instance.id] = left + width // 2, top + height // 2, 0.0
    return centres
