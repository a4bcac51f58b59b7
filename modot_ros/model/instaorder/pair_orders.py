# SPDX-License-Identifier: Apache-2.0
"""Occlusion and depth order of every pair of instances (InstaOrder, CVPR 2022), at a fraction of the official cost.

The official evaluation runs a network N (N - 1) times for N instances. Here the picture and the masks are prepared
once, a network whose input is the whole picture encodes it once, and pairs go through the rest in batches, both
directions together. The answers are the official ones.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import torch
from scipy.special import expit, softmax
from torch import Tensor, nn

from modot_ros.model.chunks import in_chunks, is_out_of_memory
from modot_ros.model.instaorder.completion_orders import hidden_areas, occlusion_orders
from modot_ros.model.instaorder.disparity_orders import STATISTICS, depth_orders, instance_depths
from modot_ros.model.instaorder.midas import Midas
from modot_ros.model.instaorder.networks import InstaDepthNet, InstaOrderNet
from modot_ros.model.instaorder.pair_input import check_input, enlarged_box, mask_box, pair_window, patch_input, whole_input
from modot_ros.model.instaorder.pcnet import PcnetM
from modot_ros.prediction import PairOrders

PAIRS = ("all", "nbor")
# Pixels of network input at once; each takes 350 to 500 bytes in float32. A CPU is fastest with one pair.
CHUNK_PIXELS = {"cpu": 2 ** 18, "cuda": 2 ** 22}
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def order_pairs(network: nn.Module, rgb: np.ndarray, masks: np.ndarray, boxes_xywh: np.ndarray | None = None,
                mode: str | None = None, pairs: str = "all", size: int | None = None, disparity: str | None = None,
                chunk_pixels: int | None = None, categories: np.ndarray | None = None) -> PairOrders:
    """Who occludes whom and who is closer, for every pair of masks.

    Args:
        network: from `load_order_network`, or from `build_network` by a name of ORDER_MODELS or ORDER_BASELINES. It is
            run in evaluation mode, where its weights are and in their precision.
        rgb: uint8 [H, W, 3].
        masks: [N, H, W], not 0 = visible pixel of the instance.
        boxes_xywh: [N, 4] left, top, width, height, pixels, fractions kept; the data set's. None: tight ones. Mode
            "patch" alone uses them. A width or height of 0 is allowed, as officially, and that of an empty mask.
        mode: what the network sees, one of pair_input.MODES; None: what it was evaluated with.
        pairs: "all", or "nbor": only pairs whose masks touch. In depth a skipped pair's 0 is no order.
        size: side of the network's input, pixels, a multiple of 32; None: what it was evaluated with. Mode "orig" has
            none.
        disparity: None: the network's own depth head. "median" or "mean": depth orders, and nothing else, from that
            statistic of the disparity of InstaDepthNet or MiDaS, which has no head and takes "median" for None.
        chunk_pixels: most pixels of network input at once, one pair excepted; None: CHUNK_PIXELS of the device.
        categories: int [N], the data set's numbers, for PCNet-M alone: the official evaluation multiplies a mask by its
            own, though the network was trained without. None: 1.

    Returns:
        PairOrders, the network's prediction. OrderNet's probability of "row over column" is that of both classes with
        it, its orders are those of the likeliest class. PCNet-M and disparity give orders without probabilities.

    Raises:
        ValueError: an input that is not as above, or a network that this cannot be asked of.
        MemoryError: a single pair needs more memory than there is.
    """
    rgb, masks, boxes = _checked(rgb, masks, boxes_xywh)
    mode, size = network.mode if mode is None else mode, network.size if size is None else size
    check_input(mode, size)
    if pairs not in PAIRS:
        raise ValueError(f"pairs is {pairs!r}: choose one of {', '.join(PAIRS)}")
    if isinstance(network, Midas) and not isinstance(network, InstaDepthNet):
        disparity = disparity or "median"
    if disparity and not isinstance(network, Midas):
        raise ValueError(f"disparity is {disparity!r}, but {type(network).__name__} has none: leave it away")
    if disparity and disparity not in STATISTICS:
        raise ValueError(f"disparity is {disparity!r}: choose one of {', '.join(STATISTICS)}")
    if mode != "patch" and isinstance(network, PcnetM) or mode == "patch" and disparity:
        raise ValueError(f"mode is {mode!r}: PCNet-M knows no other than patch, and disparity is no matter of patches")
    if categories is not None and (not isinstance(network, PcnetM) or np.shape(categories) != (len(masks),)):
        raise ValueError(f"categories are {list(np.shape(categories))}: PCNet-M takes [{len(masks)}], the others none")
    index = _index(masks, pairs)
    chunk_pixels = chunk_pixels or CHUNK_PIXELS[next(network.parameters()).device.type]
    try:
        with torch.inference_mode(), _evaluating(network):
            if disparity:
                return _by_disparity(network, rgb, masks, index, mode, size, disparity)
            if isinstance(network, PcnetM):
                areas = hidden_areas(network, masks, boxes, index, size, chunk_pixels, categories)
                return PairOrders(occlusion=occlusion_orders(areas))
            logits = pair_logits(network, rgb, masks, boxes, index, mode, size, chunk_pixels)
            return orders_of(logits, index, len(masks))
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise MemoryError(f"one pair at {size} px, mode {mode}, does not fit into memory: {error}") from error
        raise


def touching(masks: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W] -> bool [N, N]: the masks overlap or share the side of a pixel."""
    found = np.zeros((len(masks), len(masks)), bool)
    for k, mask in enumerate(masks):
        reach = cv2.dilate(mask, CROSS)
        x, y, width, height = mask_box(reach)
        near = masks[:, y:y + height, x:x + width]
        found[k] = (near & reach[y:y + height, x:x + width]).any(axis=(1, 2))
    return found


@torch.inference_mode()
def pair_logits(network: InstaOrderNet | InstaDepthNet, rgb: np.ndarray, masks: np.ndarray, boxes_xywh: np.ndarray,
                index: np.ndarray, mode: str, size: int, chunk_pixels: int) -> dict[str, np.ndarray]:
    """Logits by name, float32 [P, 2, classes], of the pairs (A, B) in index int [P, 2]: first A, B, then B, A."""
    names = list(network.classes)
    if not len(index):
        return {name: np.zeros((0, 2, network.classes[name]), np.float32) for name in names}
    weight = next(network.parameters())

    def moved(image: Tensor) -> Tensor:
        return image.to(weight.device, weight.dtype)

    if mode == "patch":
        squares = [enlarged_box(box) for box in boxes_xywh]
        pair_pixels = 2 * size * size
    else:
        picture, whole_masks = whole_input(rgb, masks, mode, size)
        features, whole_masks = network.encode(moved(picture)), whole_masks.to(weight.device)
        pair_pixels = 2 * picture[0, 0].numel()

    def run(part: np.ndarray) -> Tensor:
        """Logits side by side, [pairs, 2, all]."""
        if mode == "patch":
            patches, pair_masks = zip(*(
                patch_input(rgb, masks[a], masks[b], pair_window(squares[a], squares[b]), size) for a, b in part))
            shown = [torch.cat([feature, feature]) for feature in network.encode(moved(torch.stack(patches)))]
            pair_masks = moved(torch.stack(pair_masks))
        else:
            shown, pair_masks = features, moved(whole_masks[torch.from_numpy(part).to(weight.device)])
        found = network.logits(shown, torch.cat([pair_masks, pair_masks.flip(1)]))
        return torch.stack(torch.cat([found[name].float() for name in names], dim=1).chunk(2), dim=1)

    joined = in_chunks(run, index, max(1, chunk_pixels // pair_pixels)).cpu().numpy()
    ends = np.cumsum([network.classes[name] for name in names])
    return dict(zip(names, np.split(joined, ends[:-1], axis=2)))


def orders_of(logits: dict[str, np.ndarray], index: np.ndarray, count: int) -> PairOrders:
    """Both directions of every pair, averaged as probabilities, decided, and written into matrices.

    logits  by name, [P, 2, classes], first A, B, then B, A; index int [P, 2] of A, B; count: instances.
    """
    a, b = index.T
    found = {}
    if "occlusion" in logits:
        ab, ba = expit(logits["occlusion"]).swapaxes(0, 1)
        over, under = (ab[:, 1] + ba[:, 0]) / 2, (ab[:, 0] + ba[:, 1]) / 2
        found |= _occlusion(over > 0.5, under > 0.5, over, under, index, count)
    if "class" in logits:
        ab, ba = softmax(logits["class"], axis=2).swapaxes(0, 1)
        mean = (ab[:, [1, 0, *range(2, ab.shape[1])]] + ba) / 2         # A over B, B over A, none[, both]
        both = mean[:, 3] if mean.shape[1] > 3 else 0
        best = mean.argmax(axis=1)                                      # the first of equals
        found |= _occlusion(np.isin(best, (0, 3)), np.isin(best, (1, 3)), mean[:, 0] + both, mean[:, 1] + both,
                            index, count)
    if "depth" in logits:
        ab, ba = softmax(logits["depth"], axis=2).swapaxes(0, 1)
        mean = (ab + ba[:, [1, 0, 2]]) / 2                              # closer, farther, equal
        best = mean.argmax(axis=1)
        depth = np.zeros((count, count), np.int64)
        depth[a, b], depth[b, a] = np.array([1, 0, 2])[best], np.array([0, 1, 2])[best]
        probability = np.full((count, count, 3), np.nan, np.float32)
        probability[a, b], probability[b, a] = mean, mean[:, [1, 0, 2]]
        found |= {"depth": depth, "depth_probability": probability}
    return PairOrders(**found)


def _occlusion(over: np.ndarray, under: np.ndarray, p_over: np.ndarray, p_under: np.ndarray, index: np.ndarray,
               count: int) -> dict[str, np.ndarray]:
    a, b = index.T
    occlusion = np.zeros((count, count), np.int64)
    occlusion[a, b], occlusion[b, a] = over, under
    probability = np.full((count, count), np.nan, np.float32)
    probability[a, b], probability[b, a] = p_over, p_under
    return {"occlusion": occlusion, "occlusion_probability": probability}


def _by_disparity(network: Midas, rgb: np.ndarray, masks: np.ndarray, index: np.ndarray, mode: str, size: int,
                  statistic: str) -> PairOrders:
    asked = np.zeros((len(masks), len(masks)), np.int64)
    if len(index):
        weight = next(network.parameters())
        picture, shown = whole_input(rgb, masks, mode, size)
        disparity = network.disparity(picture.to(weight.device, weight.dtype))[0].float()
        orders = depth_orders(instance_depths(disparity, shown, statistic))
        a, b = index.T
        asked[a, b], asked[b, a] = orders[a, b], orders[b, a]
    return PairOrders(depth=asked)


def _index(masks: np.ndarray, pairs: str) -> np.ndarray:
    """int64 [P, 2]: the pairs i < j that are asked for, i in the outer loop."""
    asked = np.ones((len(masks), len(masks)), bool) if pairs == "all" else touching(masks)
    return np.argwhere(np.triu(asked, 1))


def _checked(rgb: np.ndarray, masks: np.ndarray,
             boxes_xywh: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, masks uint8 0/1 and boxes float64, or a ValueError."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"picture is {rgb.dtype} {list(rgb.shape)}: it must be uint8 [H, W, 3] and not empty")
    if masks.ndim != 3 or masks.shape[1:] != rgb.shape[:2]:
        raise ValueError(f"masks are {list(masks.shape)}: they must be [N, {rgb.shape[0]}, {rgb.shape[1]}]")
    masks = (masks != 0).astype(np.uint8)
    boxes = np.array([mask_box(mask) for mask in masks] if boxes_xywh is None else boxes_xywh, np.float64)
    if boxes.size != 4 * len(masks):
        raise ValueError(f"boxes are {list(boxes.shape)}: they must be [{len(masks)}, 4], one for each mask")
    boxes = boxes.reshape(-1, 4)
    for number, box in enumerate(boxes):
        if not np.isfinite(box).all() or min(box[2:]) < 0:
            raise ValueError(f"box {number} is {box.tolist()}: it must be finite, width and height not below 0")
    return rgb, masks, boxes


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode inside, and as it was afterwards."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
