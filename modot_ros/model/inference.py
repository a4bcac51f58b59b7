# SPDX-License-Identifier: Apache-2.0
"""One picture through a loaded network."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from modot_ros.model.checkpoint import PRECISIONS, LoadedNetwork
from modot_ros.model.flip import merge_depth, merge_probability
from modot_ros.model.nano.network import STRIDE
from modot_ros.model.preprocess import to_input


@torch.inference_mode()
def run(loaded: LoadedNetwork, rgb: np.ndarray, depth: bool = True, boundary: bool = True,
        flip: bool = False) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Depth and boundary probability of one picture, at the working size.

    Args:
        loaded: from `load_network`.
        rgb: uint8 [H, W, 3], any size; ValueError when it is not that.
        depth, boundary: False skips the head, None comes back in its place.
        flip: also run the mirrored picture and merge both (`flip`); twice the time.

    Returns:
        Depth in metres for the canonical camera, along what `loaded.depth_along` says, and probability in 0..1, float32
        [h, w] each, of the size that `preprocess.fit_size` names.
    """
    depth_m, probability = _once(loaded, rgb, depth, boundary)
    if flip:
        mirrored_m, mirrored = _once(loaded, np.ascontiguousarray(rgb[:, ::-1]), depth, boundary)
        depth_m = merge_depth(depth_m, mirrored_m) if depth else None
        probability = merge_probability(probability, mirrored) if boundary else None
    return (None if depth_m is None else depth_m.cpu().contiguous().numpy(),
            None if probability is None else probability.cpu().contiguous().numpy())


def _once(loaded: LoadedNetwork, rgb: np.ndarray, depth: bool, boundary: bool) -> tuple[Tensor | None, Tensor | None]:
    """Depth and probability as they come out of the network, float32 [h, w] on its device; copies, for a CUDA graph
    writes every picture's outputs to the same place."""
    image, (width, height) = to_input(rgb, loaded.working_size, STRIDE)
    image = image.to(loaded.device, PRECISIONS[loaded.precision], memory_format=torch.channels_last)
    depth_m, logits = loaded.call(image, depth=depth, boundary=boundary)
    return (None if depth_m is None else depth_m[0, 0, :height, :width].to(torch.float32, copy=True),
            None if logits is None else torch.sigmoid(logits[-1][0, 0, :height, :width].float()))
