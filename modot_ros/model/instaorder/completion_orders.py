# SPDX-License-Identifier: Apache-2.0
"""Occlusion orders from completed masks (Zhan et al., CVPR 2020, as InstaOrder runs PCNet-M).

Each mask of a pair is completed behind the other; the one that grows less is in front.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from modot_ros.model.chunks import in_chunks
from modot_ros.model.instaorder.pair_input import crop, enlarged_box, not_empty, resized_mask
from modot_ros.model.instaorder.pcnet import PcnetM

COMPLETED_FROM = 0.1                                    # probability from which a pixel belongs to a completed mask


@torch.inference_mode()
def hidden_areas(network: PcnetM, masks: np.ndarray, boxes_xywh: np.ndarray, pairs: np.ndarray, size: int,
                 chunk_pixels: int, categories: np.ndarray | None = None) -> np.ndarray:
    """Area of each mask that the network completes behind another, float32 [N, N] in pixels of the picture.

    masks       uint8 [N, H, W]; row of the result = the mask that is completed, column = the one in front of it
    pairs       int [P, 2], both directions of each are computed; 0 elsewhere
    categories  int [N], what a mask's pixels count; the official evaluation takes the data set's category number, for
                which the network was not trained. None: 1
    """
    areas = np.zeros((len(masks), len(masks)), np.float32)
    if not len(pairs):
        return areas
    weight = next(network.parameters())
    squares = [not_empty(enlarged_box(box)) for box in boxes_xywh]
    directed = np.concatenate([pairs, pairs[:, ::-1]])
    factors = np.ones(len(masks)) if categories is None else np.asarray(categories)

    def run(part: np.ndarray) -> Tensor:
        inputs = torch.from_numpy(np.stack([
            [resized_mask(crop(masks[k], squares[target]), size, size) for k in (target, front)]
            for target, front in part]))
        shown = inputs.to(weight.device, weight.dtype)
        target, front = shown[:, 0] * (shown[:, 1] == 0), shown[:, 1]
        factor = torch.from_numpy(factors[part[:, 0]]).to(weight).view(-1, 1, 1)
        completed = network(torch.stack([target * factor, front], dim=1)).softmax(1)[:, 1] > COMPLETED_FROM
        return (completed & (front != 0)).sum(dim=(1, 2))

    counts = in_chunks(run, directed, max(1, chunk_pixels // size ** 2)).cpu().numpy()
    sides = np.array([square[2] for square in squares], np.float64)
    areas[directed[:, 0], directed[:, 1]] = counts * (sides[directed[:, 0]] / size) ** 2
    return areas


def occlusion_orders(areas: np.ndarray) -> np.ndarray:
    """Areas of `hidden_areas` -> int64 [N, N], 1 = row over column; never both directions."""
    return (areas < areas.T).astype(np.int64)
