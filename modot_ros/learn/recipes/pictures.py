# SPDX-License-Identifier: Apache-2.0
"""Pictures that the published MoDOT trains on: a data set as its authors read it, or rendered rooms to try it with."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modot_ros.learn.datasets import open_dataset
from modot_ros.learn.recipes.photometric import distorted, window
from modot_ros.learn.training.views import UNKNOWN, load_views
from modot_ros.model.preprocess import normalise

# Kinds of folders, and the data set whose losses they are trained with.
KINDS = {"nyud_mt": "nyud-mt", "ob_future": "ob-future", "ob_hypersim": "ob-hypersim", "rooms": "ob-future"}
MOST_HELD_OUT = 200


@dataclass(frozen=True)
class Truth:
    """One picture and what is known of it, in the unit of its data set."""

    name: str
    rgb: np.ndarray                                     # uint8 [H, W, 3]
    depth: np.ndarray                                   # float32 [H, W]; NaN = unknown
    boundary: np.ndarray                                # float32 [H, W]; 1 on a boundary, 0 off it, else unknown


@dataclass(frozen=True)
class Pictures:
    """Every twentieth picture, at most MOST_HELD_OUT, is held out for validation; the others are trained on."""

    kind: str
    read: Callable[[int], Truth]                        # raises ValueError, which names the file
    count: int

    @property
    def held_out(self) -> tuple[int, ...]:
        return tuple(range(0, self.count, 20))[:MOST_HELD_OUT]

    @property
    def shown(self) -> tuple[int, ...]:
        return tuple(sorted(set(range(self.count)) - set(self.held_out)))


def open_pictures(folder: str) -> Pictures:
    """Of KIND=FOLDER, the training split of a kind of KINDS; a folder alone is one of shards of rendered rooms.

    Raises ValueError for another kind or fewer than three pictures, and what `open_dataset` and `load_views` raise.
    """
    kind, found, path = folder.partition("=")
    if not found:
        kind, path = "rooms", folder
    if kind not in KINDS:
        raise ValueError(f"kind of pictures {kind!r} in {folder!r} is unknown: choose one of {', '.join(KINDS)}")
    if kind == "rooms":
        views = load_views(path)

        def read(index: int) -> Truth:
            depth, boundary = (x[index, 0].numpy().astype(np.float32) for x in (views.depth_m, views.boundary))
            return Truth(f"view {index} of {path}", views.rgb[index].permute(1, 2, 0).numpy(),
                         np.where(np.isfinite(depth), depth, np.nan), boundary)
        count = len(views)
    else:
        samples = open_dataset(kind, path, "train", as_published=True)

        def read(index: int) -> Truth:
            one = samples[index]
            depth = np.where(one.valid, one.depth_m, np.nan).astype(np.float32)
            return Truth(f"{samples.title}, {one.name}", one.rgb, depth, one.boundary.astype(np.float32))
        count = len(samples)
    if count < 3:
        raise ValueError(f"{folder}: holds {count} pictures, 3 at least are needed to train and validate")
    return Pictures(kind, read, count)


def batch_of(pictures: Pictures, indices: Sequence[int], crop: int | None, seeds: Sequence[int] | None
             ) -> tuple[Tensor, Tensor, Tensor]:
    """Image [N, 3, h, w], normalised; depth and boundary [N, 1, h, w]. Unknown depth is 255 for NYUD-MT, NaN otherwise.

    crop: side of the square that is cut out, None for the whole picture. seeds: of each picture's augmentation, which flips
    and distorts it; None leaves it as it is and cuts out the middle.

    Raises ValueError for a picture that can't be read, is smaller than the crop, or not of the size of the others.
    """
    rows = []
    for k, index in enumerate(indices):
        one = pictures.read(index)
        random = np.random.default_rng(seeds[k]) if seeds is not None else None
        height, width = one.depth.shape
        parts = (one.rgb, one.depth, one.boundary)
        try:
            if crop is not None and random is not None:
                where = window(height, width, crop, random)
            elif crop is not None:
                top, left = max(0, (height - crop) // 2), max(0, (width - crop) // 2)
                where = slice(top, top + crop), slice(left, left + crop)
            else:
                where = slice(None), slice(None)
        except ValueError as error:
            raise ValueError(f"{one.name}: {error}; give a smaller one with --crop") from error
        parts = tuple(part[where] for part in parts)
        if random is not None:
            if random.random() < 0.5:
                parts = tuple(part[:, ::-1] for part in parts)
            parts = (distorted(np.ascontiguousarray(parts[0]), random), *parts[1:])
        if rows and parts[1].shape != rows[0][1].shape:
            raise ValueError(f"{one.name}: is {parts[1].shape[1]}x{parts[1].shape[0]}, others of the batch are "
                             f"{rows[0][1].shape[1]}x{rows[0][1].shape[0]}: they can't be trained on uncropped")
        rows.append(parts)
    rgb, depth, boundary = (np.stack(part) for part in zip(*rows))
    if pictures.kind == "nyud_mt":
        depth = np.nan_to_num(depth, nan=255.0)
    boundary = np.where(boundary == UNKNOWN, 0.5, boundary).astype(np.float32)      # neither class: no loss reads it
    image = normalise(torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255.0)
    return image, torch.from_numpy(depth)[:, None], torch.from_numpy(boundary)[:, None]
