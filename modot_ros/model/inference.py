# SPDX-License-Identifier: Apache-2.0
"""One picture through a loaded network."""
from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from modot_ros.model.checkpoint import PRECISIONS, LoadedNetwork
from modot_ros.model.flip import merge_depth, merge_probability
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN, STRIDE, normalise, resized, to_input


class Maps(NamedTuple):
    """Prediction of a network for one picture, float32 [h, w] each, of the size that `preprocess.fit_size` names.

    depth            metres for the canonical camera, along what `LoadedNetwork.depth_along` names
    probability      of an occlusion boundary, 0..1
    log_depth_std    standard deviation of ln depth; None where the network has no head for it
    A map that was not asked for is None.
    """

    depth: np.ndarray | None
    probability: np.ndarray | None
    log_depth_std: np.ndarray | None


@torch.inference_mode()
def run(loaded: LoadedNetwork, rgb: np.ndarray, depth: bool = True, boundary: bool = True, flip: bool = False) -> Maps:
    """One picture through a network, at the working size.

    Args:
        loaded: from `load_network`.
        rgb: uint8 [H, W, 3], any size; ValueError when it is not that.
        depth, boundary: False skips the head.
        flip: also run the mirrored picture and merge both (`flip`); twice the time.
    """
    maps = _once(loaded, rgb, depth, boundary)
    if flip:
        mirrored = _once(loaded, np.ascontiguousarray(rgb[:, ::-1]), depth, boundary)
        merges = (merge_depth, merge_probability, merge_depth)
        maps = [None if one is None else merge(one, other) for merge, one, other in zip(merges, maps, mirrored)]
    return Maps(*(None if one is None else one.cpu().contiguous().numpy() for one in maps))


def _once(loaded: LoadedNetwork, rgb: np.ndarray, depth: bool, boundary: bool) -> tuple[Tensor | None, ...]:
    """The fields of `Maps` as they come out of the network, float32 [h, w] on its device; copies, for a CUDA graph writes
    every picture's outputs to the same place."""
    image, (width, height) = to_input(rgb, loaded.working_size, STRIDE)
    image = image.to(loaded.device, PRECISIONS[loaded.precision], memory_format=torch.channels_last)
    depth_m, logits, *rest = loaded.call(image, depth=depth, boundary=boundary)
    std = rest[0] if rest else None
    return (None if depth_m is None else depth_m[0, 0, :height, :width].to(torch.float32, copy=True),
            None if logits is None else torch.sigmoid(logits[-1][0, 0, :height, :width].float()),
            None if std is None else std[0, 0, :height, :width].to(torch.float32, copy=True))


@torch.inference_mode()
def run_strokes(loaded: LoadedNetwork, rgb: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """One picture and the strokes on it through one of STROKE_MODELS, at the working size or, without one, at its own.

    Args:
        rgb: uint8 [H, W, 3].
        maps: float32 [3, H, W]: where a boundary is missing, where one is false, and the previous output; the last is left
            out for a network that does not read it.

    Returns: probability of an occlusion boundary, float32 [H, W].
    """
    preprocessing = loaded.record.get("preprocessing", {})
    seen = resized(rgb, loaded.working_size)
    image = normalise(torch.from_numpy(np.ascontiguousarray(seen)).permute(2, 0, 1)[None].float() / 255.0,
                      preprocessing.get("mean", IMAGE_MEAN), preprocessing.get("deviation", IMAGE_DEVIATION))
    drawn = torch.from_numpy(maps)[None]
    if seen.shape != rgb.shape:                         # a thin ridge stays one: the largest value of a cell counts
        drawn = F.adaptive_max_pool2d(drawn, seen.shape[:2])
    x = torch.cat([image, drawn], dim=1)[:, :loaded.network.input_channels]
    logits = loaded.call(x.to(loaded.device, PRECISIONS[loaded.precision], memory_format=torch.channels_last))
    probability = torch.sigmoid(logits[-1][0, 0].float()).cpu().contiguous().numpy()
    if seen.shape == rgb.shape:
        return probability
    return cv2.resize(probability, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
