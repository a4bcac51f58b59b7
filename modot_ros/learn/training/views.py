# SPDX-License-Identifier: Apache-2.0
"""Views on disk -> batches for training: shards in memory, crops and turns with consistent depth, photometric noise.

A shard is an .npz file with `rgb` uint8 [n, H, W, 3], `depth_m` float16 [n, H, W] (z), `boundary` uint8 [n, H, W] (1 on
the occluder's side of a boundary), `focal` float32 [n] (focal length / picture width) and, in newer ones, `classes` uint8
[n, H, W] (ids of CLASS_NAMES). All shards of a folder are of one size.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional as F

from modot_ros.learn.synthetic.shards import shard_classes
from modot_ros.model.preprocess import normalise

# In a boundary map: neither on nor off a boundary is known.
UNKNOWN = 255

# In a depth map: the picture shows no scene here, so that depth is a guess. NaN is a depth that was not measured.
UNSEEN = math.inf

# A random crop keeps at least this share of the width and height of the largest window of its shape.
SMALLEST_CROP = 0.85

# Where a view is made half as large or less, so many are turned instead of cropped, about each axis by up to so much.
# At its own size a boundary of one pixel would not stay one.
TURNED_SHARE = 0.4
LARGEST_TURN_RAD = math.radians(3.0)


class View(NamedTuple):
    """One picture with its truth."""

    rgb: Tensor                                         # uint8 [3, H, W]
    depth_m: Tensor                                     # float [1, H, W], NaN unknown
    boundary: Tensor                                    # uint8 [1, H, W], 0, 1 or UNKNOWN
    focal: float                                        # length / width; NaN where depth is known up to a factor only
    teaches_metres: bool
    classes: Tensor                                     # uint8 [1, H, W], ids of CLASS_NAMES or UNKNOWN_CLASS


class Viewable(Protocol):
    """Views by their numbers: `Views` of one folder, or a `mixture.Mixture` of several."""

    def view(self, index: int) -> View: ...


@dataclass(frozen=True)
class Batch:
    """What one training step sees."""

    image: Tensor                                       # float32 [N, 3, h, w], normalised
    depth_m: Tensor                                     # float32 [N, 1, h, w], z for the canonical camera
    boundary: Tensor                                    # float32 [N, 1, h, w], 0, 1 or UNKNOWN
    metric: Tensor                                      # bool [N]; False: depth is known up to a factor only
    teaches_metres: Tensor                              # bool [N]; False: it teaches shape
    classes: Tensor                                     # uint8 [N, 1, h, w], ids of CLASS_NAMES or UNKNOWN_CLASS

    def to(self, device: torch.device) -> Batch:
        return Batch(*(part.to(device) for part in (self.image, self.depth_m, self.boundary, self.metric,
                                                  self.teaches_metres, self.classes)))


@dataclass(frozen=True)
class Views:
    """All views of a folder in memory, channels first."""

    rgb: Tensor                                         # uint8 [n, 3, H, W]
    depth_m: Tensor                                     # float16 [n, 1, H, W]
    boundary: Tensor                                    # uint8 [n, 1, H, W]
    focal: Tensor                                       # float32 [n], focal length / picture width
    classes: Tensor                                     # uint8 [n, 1, H, W]
    shape_only: bool = False                            # the scale of their depth is not learned from

    def __len__(self) -> int:
        return len(self.rgb)

    def view(self, index: int) -> View:
        """One of them, see `Viewable`."""
        focal = float(self.focal[index])
        return View(self.rgb[index], self.depth_m[index], self.boundary[index], focal,
                    not self.shape_only and math.isfinite(focal), self.classes[index])


def load_views(folder: str | Path, limit: int | None = None) -> Views:
    """Read the shards of a folder in the order of their names, at most `limit` views.

    Raises:
        FileNotFoundError: no folder, or no .npz file in it.
        ValueError: a shard that cannot be read, lacks an array, is of another size than the first, or whose arrays do
            not belong together.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no .npz shards of training views there")
    counts: dict[Path, int] = {}
    for path in paths:
        if limit is not None and sum(counts.values()) >= limit:
            break
        counts[path] = _read(path, "focal")["focal"].size
    total = sum(counts.values()) if limit is None else min(limit, sum(counts.values()))
    views, begin = None, 0                              # filled in place: joining shards afterwards takes half as much again
    for path, count in counts.items():
        arrays = _read(path, "rgb", "depth_m", "boundary", "focal")
        arrays["classes"] = shard_classes(path)
        shapes = {name: array.shape for name, array in arrays.items()}
        size = height, width = (*shapes["rgb"][1:3], 0, 0)[:2]
        if shapes != {"rgb": (count, *size, 3), **dict.fromkeys(("depth_m", "boundary", "classes"), (count, *size)),
                      "focal": (count,)}:
            raise ValueError(f"{path}: arrays do not belong together, they are {shapes}")
        if views is None:
            views = Views(rgb=torch.empty(total, 3, *size, dtype=torch.uint8),
                          depth_m=torch.empty(total, 1, *size, dtype=torch.float16),
                          boundary=torch.empty(total, 1, *size, dtype=torch.uint8), focal=torch.empty(total),
                          classes=torch.empty(total, 1, *size, dtype=torch.uint8))
        if size != views.rgb.shape[2:]:
            raise ValueError(f"{path}: views are {width}x{height}, those before are "
                             f"{views.rgb.shape[3]}x{views.rgb.shape[2]}")
        end = min(begin + count, total)
        parts = {name: torch.from_numpy(array[:end - begin]) for name, array in arrays.items()}
        views.rgb[begin:end] = parts["rgb"].permute(0, 3, 1, 2)
        views.depth_m[begin:end, 0], views.boundary[begin:end, 0] = parts["depth_m"], parts["boundary"]
        views.focal[begin:end], views.classes[begin:end, 0] = parts["focal"], parts["classes"]
        begin = end
    return views


def _read(path: Path, *names: str) -> dict[str, np.ndarray]:
    """These arrays of a shard; no other is read."""
    try:
        with np.load(path, allow_pickle=False) as shard:
            return {name: shard[name] for name in names}
    except Exception as error:                                      # zipfile, zlib, KeyError, OSError: all one to us
        raise ValueError(f"{path}: not a shard of training views ({error})") from error


def training_batch(views: Viewable, indices: Tensor, width: int, height: int, canonical_focal: float,
                   generator: torch.Generator, whole: float = 0.0, smallest_crop: float = SMALLEST_CROP) -> Batch:
    """Augmented batch at width x height; the same generator state gives the same batch.

    whole: share of the views (0..1) that are neither cropped nor turned, so that boundaries are on their own pixels.
    smallest_crop: share of width and height that a crop keeps at least.
    """
    rgb, maps, metric, teaches = [], [], [], []
    for index in indices.tolist():
        image, z, edge, classes, is_metric, teaches_metres = _random_look(views, index, width, height, canonical_focal,
                                                                          generator, whole, smallest_crop)
        looks = image, z, edge, classes
        if _uniform(generator) < 0.5:
            looks = tuple(one.flip(-1) for one in looks)
        rgb.append(_photometric(looks[0], generator))
        maps.append(looks[1:])
        metric.append(is_metric)
        teaches.append(teaches_metres)
    depth_m, boundary, class_ids = map(torch.stack, zip(*maps))
    return Batch(normalise(torch.stack(rgb)), depth_m, boundary, torch.tensor(metric), torch.tensor(teaches), class_ids)


def plain_batch(views: Viewable, indices: Tensor, width: int, height: int, canonical_focal: float) -> Batch:
    """Batch of whole views at width x height, without augmentation, to measure on."""
    maps = []
    for index in indices.tolist():
        view = views.view(index)
        image, z, edge = resample(view.rgb, view.depth_m, view.boundary, width, height)
        maps.append((image, z * canonical_focal / view.focal, edge, _nearest(view.classes, width, height)))
    rgb, depth_m, boundary, classes = map(torch.stack, zip(*maps))
    yes = torch.ones(len(rgb), dtype=torch.bool)
    return Batch(normalise(rgb), depth_m, boundary, metric=yes, teaches_metres=yes, classes=classes)


def resample(rgb: Tensor, depth_m: Tensor, boundary: Tensor, width: int, height: int) -> tuple[Tensor, Tensor, Tensor]:
    """One view at another size, with its truth still exact. uint8 [3, H, W], [1, H, W], [1, H, W] -> floats.

    Smaller: colours are averaged, a cell that holds a boundary pixel is one, and then its depth is the nearest in the
    cell, for boundaries lie on the occluder. Larger: depth is repeated, and of a repeated boundary pixel only the edge
    towards what it hides stays, so that boundaries are one pixel wide at every size.
    """
    image, z, edge = rgb.float() / 255.0, depth_m.float(), boundary.float()
    if (height, width) == image.shape[-2:]:
        return image, z, edge
    centre = _nearest(z, width, height)
    if height <= image.shape[-2]:
        image = F.adaptive_avg_pool2d(image, (height, width))
        nearest = -F.adaptive_max_pool2d(-z, (height, width))
        edge = F.adaptive_max_pool2d(edge, (height, width))
        return image, torch.where(edge == 1, nearest, centre), edge
    image = F.interpolate(image[None], size=(height, width), mode="bilinear", align_corners=False)[0]
    step = _step_behind(centre)
    outer = (step > 0) & (step >= 0.5 * _nearest(_step_behind(z), width, height))
    edge = _nearest(edge, width, height)
    return image, centre, torch.where(edge == 1, outer.float(), edge)


def _random_look(views: Viewable, index: int, width: int, height: int, canonical_focal: float,
                 generator: torch.Generator, whole: float, smallest_crop: float
                 ) -> tuple[Tensor, Tensor, Tensor, Tensor, bool, bool]:
    """A view cropped, turned or whole, resampled; what is seen larger is that much nearer for the canonical camera. And
    whether its depth is metric, and teaches metres."""
    view = views.view(index)
    is_metric = math.isfinite(view.focal)
    view = view if is_metric else view._replace(focal=canonical_focal)
    rows, columns = view.rgb.shape[-2:]
    share = 1.0
    if _uniform(generator) >= whole:
        if 2 * width <= columns and _uniform(generator) < TURNED_SHARE:
            angles = (2.0 * torch.rand(3, generator=generator, dtype=torch.float64) - 1.0) * LARGEST_TURN_RAD
            view = turn(view, angles.numpy())
        else:
            share -= (1.0 - smallest_crop) * _uniform(generator)
    crop_rows = round(min(rows, columns * height / width) * share)
    crop_columns = round(min(columns, rows * width / height) * share)
    top = int(_uniform(generator) * (rows - crop_rows + 1))
    left = int(_uniform(generator) * (columns - crop_columns + 1))
    window = (slice(None), slice(top, top + crop_rows), slice(left, left + crop_columns))
    image, z, edge = resample(view.rgb[window], view.depth_m[window], view.boundary[window], width, height)
    return (image, z * (canonical_focal * crop_columns / (view.focal * columns)), edge,
            _nearest(view.classes[window], width, height), is_metric, view.teaches_metres)


def turn(view: View, angles_rad: np.ndarray) -> View:
    """A view as a camera in the same place would have it that is turned about its own x, y and z axes, in this order.

    Args:
        view: its optical axis goes through the picture's centre.
        angles_rad: [3], right-handed in the optical frame, each small.

    Returns:
        The same view. The focal length is longer, by the least factor of 1.01^k with which all of the picture has been seen.
        A turn shows no surface that was hidden, so that z follows exactly from the rays; z, boundaries and classes are
        those of the nearest pixel, colours are interpolated.
    """
    rows, columns = view.rgb.shape[-2:]
    rotation = Rotation.from_euler("XYZ", angles_rad).as_matrix()
    half = np.array([(columns - 1) / 2, (rows - 1) / 2])
    focal_px = view.focal * columns
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half

    def seen_from(offset_px: np.ndarray, longer: float) -> tuple[np.ndarray, np.ndarray]:
        """Where the turned camera's pixels [..., 2], from the centre, were for the other one; z there over z here."""
        rays = np.concatenate([offset_px / (longer * focal_px), np.ones_like(offset_px[..., :1])], -1) @ rotation.T
        return rays[..., :2] / rays[..., 2:] * focal_px, rays[..., 2]

    longer = 1.0
    while (np.abs(seen_from(corners, longer)[0]) > half).any():
        longer *= 1.01
    v, u = np.mgrid[:rows, :columns]
    former_px, ratio = seen_from(np.stack([u, v], -1) - half, longer)
    grid = torch.from_numpy(former_px / half).float()[None]

    def look(x: Tensor, mode: str) -> Tensor:
        return F.grid_sample(x[None].float(), grid, mode=mode, padding_mode="border", align_corners=True)[0]

    return view._replace(
        rgb=look(view.rgb, "bilinear").round().to(view.rgb.dtype),
        depth_m=look(view.depth_m, "nearest") / torch.from_numpy(ratio).float(),
        boundary=look(view.boundary, "nearest").to(view.boundary.dtype), focal=view.focal * longer,
        classes=look(view.classes, "nearest").to(view.classes.dtype))


def _photometric(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Another camera and another light. [3, h, w] in 0..1 -> the same, each change with its own chance."""
    if _uniform(generator) < 0.15:                                  # out of focus
        sigma = 0.3 + 0.7 * _uniform(generator)
        side = np.exp(-0.5 / sigma ** 2)
        line = torch.tensor([side, 1.0, side], dtype=rgb.dtype) / (1.0 + 2.0 * side)
        padded = F.pad(rgb[None], (1, 1, 1, 1), mode="replicate")
        rgb = F.conv2d(padded, torch.outer(line, line).expand(3, 1, 3, 3), groups=3)[0]
    if _uniform(generator) < 0.2:
        rgb = _patch_of_light(rgb, generator)
    if _uniform(generator) < 0.5:                                   # exposure and white balance
        gain = 2.0 ** (0.8 * (_uniform(generator) - 0.5)) * (1.0 + 0.2 * (torch.rand(3, 1, 1, generator=generator) - 0.5))
        rgb = rgb * gain
    if _uniform(generator) < 0.3:                                   # contrast
        mean = rgb.mean()
        rgb = mean + (rgb - mean) * (0.7 + 0.6 * _uniform(generator))
    if _uniform(generator) < 0.3:                                   # saturation, down to grey
        grey = rgb.mean(dim=0, keepdim=True)
        rgb = grey + (rgb - grey) * (1.5 * _uniform(generator))
    rgb = rgb.clamp(0.0, 1.0)
    if _uniform(generator) < 0.3:                                   # gamma
        rgb = rgb.clamp(min=1e-4) ** (0.8 + 0.5 * _uniform(generator))
    if _uniform(generator) < 0.3:                                   # sensor noise
        rgb = rgb + torch.randn(rgb.shape, generator=generator) * (0.03 * _uniform(generator))
    return rgb.clamp(0.0, 1.0)


def _patch_of_light(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Sun or shadow on a patch with up to three straight edges: edges of brightness that are none of a surface.

    [3, h, w] in 0..1 -> [3, h, w] from 0, in the patch 0.38 to 2 times as bright.
    """
    y = torch.linspace(-1.0, 1.0, rgb.shape[-2])[:, None]
    x = torch.linspace(-1.0, 1.0, rgb.shape[-1])
    softness = 0.005 + 0.03 * _uniform(generator) ** 2
    inside = torch.ones(())
    for _ in range(3):
        angle, reach = 2.0 * np.pi * _uniform(generator), _uniform(generator) - 0.3
        inside = inside * torch.sigmoid((x * np.cos(angle) + y * np.sin(angle) + reach) / softness)
    gain = 2.0 ** (2.4 * _uniform(generator) - 1.4)
    return rgb * (1.0 + (gain - 1.0) * inside)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


def _nearest(x: Tensor, width: int, height: int) -> Tensor:
    return F.interpolate(x[None], size=(height, width), mode="nearest-exact")[0]


def _step_behind(depth_m: Tensor) -> Tensor:
    """How much farther the farthest of the four neighbours is, >= 0. [1, h, w] -> [1, h, w]."""
    padded = F.pad(depth_m[None], (1, 1, 1, 1), mode="replicate")[0]
    sides = (padded[:, 1:-1, 2:], padded[:, 1:-1, :-2], padded[:, 2:, 1:-1], padded[:, :-2, 1:-1])
    return torch.stack(sides).amax(dim=0) - depth_m
