# SPDX-License-Identifier: Apache-2.0
"""Masks as COCO writes them, drawn by COCO's own code: polygons and run lengths -> pixels.

Needs pycocotools (`pip install pycocotools`).
"""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def drawn(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """uint8 [H, W], 0 or 1.

    Args:
        segmentation: one polygon [x, y, x, y, ...], a list of polygons that are merged, or run lengths {"size": [H, W],
            "counts": list of numbers or compressed text}.

    Raises:
        ValueError: run lengths of another size, or something that is neither.
        ModuleNotFoundError: without pycocotools.
    """
    coco = coco_mask()
    if not segmentation:
        raise ValueError("an instance without polygon or run lengths")
    if isinstance(segmentation, dict) and list(segmentation.get("size", ())) != [height, width]:
        raise ValueError(f"run lengths are of size {segmentation.get('size')}, the picture of {[height, width]}")
    try:
        if not isinstance(segmentation, dict):
            polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
            return coco.decode(coco.merge(coco.frPyObjects(polygons, height, width)))
        compressed = not isinstance(segmentation["counts"], list)
        return coco.decode(segmentation if compressed else coco.frPyObjects(segmentation, height, width))
    except Exception as error:                                      # pycocotools raises plain Exception, too
        raise ValueError(f"neither polygons nor run lengths ({error})") from error


def all_drawn(segmentations: Iterable[list | dict], height: int, width: int) -> np.ndarray:
    """uint8 [N, H, W], also of none. Raises what `drawn` raises."""
    masks = [drawn(segmentation, height, width) for segmentation in segmentations]
    return np.array(masks, np.uint8).reshape(-1, height, width)


def coco_mask():
    """The module pycocotools.mask. Raises ModuleNotFoundError that names the package."""
    try:
        from pycocotools import mask
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("COCO's masks are drawn by pycocotools: pip install pycocotools") from error
    return mask
