# SPDX-License-Identifier: Apache-2.0
"""Pictures through a loaded network."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from modot_ros.model.checkpoint import PRECISIONS, LoadedNetwork
from modot_ros.model.flip import merge_classes, merge_depth, merge_probability
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN, STRIDE, batched, normalise, padded, resized


class Maps(NamedTuple):
    """Prediction of a network for one picture, [h, w] each, float32 but for classes, as `preprocess.fit_size` sizes it.

    depth            metres for the canonical camera, along what `LoadedNetwork.depth_along` names
    probability      of an occlusion boundary, 0..1
    log_depth_std    standard deviation of ln depth; None where the network has no head for it
    classes          uint8, ids of modot_ros.classes.CLASS_NAMES; None where the network has no decoder for them
    class_probability   of that class, 0..1
    A map that was not asked for is None.
    """

    depth: np.ndarray | None
    probability: np.ndarray | None
    log_depth_std: np.ndarray | None = None
    classes: np.ndarray | None = None
    class_probability: np.ndarray | None = None


def run(loaded: LoadedNetwork, rgb: np.ndarray, depth: bool = True, boundary: bool = True, flip: bool = False) -> Maps:
    """One picture through a network, at the working size.

    Args:
        loaded: from `load_network`.
        rgb: uint8 [H, W, 3], any size; ValueError when it is not that.
        depth, boundary: False skips the head.
        flip: also run the mirrored picture and merge both (`flip`); twice the time.
    """
    picture = resized(rgb, loaded.working_size)
    return look(lambda pictures: run_batch(loaded, pictures, depth, boundary), picture, flip)


def look(maps_of: Callable[[list[np.ndarray]], list[Maps]], picture: np.ndarray, flip: bool) -> Maps:
    """Maps of one picture at the working size; with `flip` merged with those of the mirrored one."""
    if not flip:
        return maps_of([picture])[0]
    direct, mirrored = maps_of([picture, np.ascontiguousarray(picture[:, ::-1])])
    merges = (merge_depth, merge_probability, merge_depth)
    merged = [None if one is None else merge(torch.from_numpy(one), torch.from_numpy(other)).numpy()
              for merge, one, other in zip(merges, direct, mirrored)]
    if direct.classes is None:
        return Maps(*merged)
    return Maps(*merged, *merge_classes((direct.classes, direct.class_probability),
                                        (mirrored.classes, mirrored.class_probability)))


@torch.inference_mode()
def run_batch(loaded: LoadedNetwork, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
              classes: bool = False) -> list[Maps]:
    """Pictures uint8 [h, w, 3] at the working size, those of one padded size through the network at once, in their order."""
    def network(images: list[np.ndarray]) -> list[np.ndarray | None]:
        image = batched(images).to(loaded.device, PRECISIONS[loaded.precision], memory_format=torch.channels_last)
        wanted = {"classes": True} if classes and loaded.has_semantics else {}
        depth_m, logits, std, class_logits, *_ = *loaded.call(image, depth=depth, boundary=boundary, **wanted), None, None
        found = (depth_m, None if logits is None else torch.sigmoid(logits[-1].float()), std,
                 *((None, None) if class_logits is None else class_maps(class_logits)))
        # copies, for a CUDA graph writes every batch's outputs to the same place
        return [None if one is None else one[:, 0].to("cpu", torch.uint8 if one.dtype == torch.uint8 else torch.float32,
                                                      copy=True).numpy() for one in found]
    return in_batches(network, pictures)


def class_maps(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [N, C, h/2, w/2] -> the most probable class uint8 [N, 1, h, w] and its probability [N, 1, h, w]."""
    probability, classes = torch.softmax(logits.float(), dim=1).max(dim=1, keepdim=True)
    return _twice_as_large(classes.to(torch.uint8)), _twice_as_large(probability)


def _twice_as_large(x: torch.Tensor) -> torch.Tensor:
    """[N, 1, h, w] -> [N, 1, 2 h, 2 w], every value four times."""
    height, width = x.shape[-2:]
    return x[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(-1, 1, 2 * height, 2 * width)


def in_batches(network: Callable[[list[np.ndarray]], Sequence[np.ndarray | None]], pictures: Sequence[np.ndarray]
               ) -> list[Maps]:
    """Maps of pictures at the working size, uint8 [h, w, 3] each.

    network: padded pictures of one size -> its maps [N, h, w], in the order of `Maps`, None for what it lacks
    """
    found: list[Maps | None] = [None] * len(pictures)
    images = [padded(picture, STRIDE) for picture in pictures]
    for size in dict.fromkeys(image.shape for image in images):
        places = [k for k, image in enumerate(images) if image.shape == size]
        maps = network([images[k] for k in places])
        for row, k in enumerate(places):
            height, width = pictures[k].shape[:2]
            found[k] = Maps(*(None if one is None else np.ascontiguousarray(one[row, :height, :width]) for one in maps))
    return found


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
