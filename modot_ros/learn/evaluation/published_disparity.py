# SPDX-License-Identifier: Apache-2.0
"""Disparity without a scale, as InstaOrder's supplement scores it (Lee and Park, CVPR 2022): which of two points of DIW is
closer, and depth of KITTI scaled by the medians. MiDaS and InstaDepthNet give their disparity, any other model 1 / depth."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import cv2
import numpy as np
import torch

from modot_ros.learn.evaluation.pictures import Pictures
from modot_ros.learn.evaluation.published_others import Progress, PublishedRows
from modot_ros.learn.evaluation.quoted import DEPTH_COLUMNS
from modot_ros.learn.orders.disparity_scores import DIW_SIZE, diw_relation, diw_whdr, kitti_metrics, kitti_window
from modot_ros.model import PRECISIONS
from modot_ros.model.disparity import RelativeDepth
from modot_ros.model.preprocess import batched
from modot_ros.predictor import Predictor

DISPARITY_KINDS = ("diw", "kitti")
POINT_COLUMNS = ("correct", "wrong", "whdr")
KITTI_COLUMNS = (*DEPTH_COLUMNS[:6], "delta2", "delta3", "silog")


def disparity_rows(pictures: Pictures, predictor: Predictor, progress: Progress | None = None) -> PublishedRows:
    """Score a model on a set of DISPARITY_KINDS. KITTI's disparity is brought to 0..1 as the released script does it. Raises
    ValueError for a model without depth and when no picture can be scored."""
    disparity_of, skipped = _disparity(predictor), {}
    found: list[str] = []
    true: list[str] = []
    scores: list[dict[str, float]] = []
    for done, one in enumerate(pictures.samples(skipped), 1):
        if pictures.kind == "diw":
            height, width = one.rgb.shape[:2]
            squeezed = cv2.resize(one.rgb, (DIW_SIZE, DIW_SIZE), interpolation=cv2.INTER_LINEAR)
            found.append(diw_relation(disparity_of(squeezed), height, width, one.points.a, one.points.b))
            true.append(one.points.relation)
        else:
            try:
                rgb, truth_m = kitti_window(one.rgb), kitti_window(one.depth_m)
            except ValueError as error:
                skipped[one.name] = str(error)
                continue
            disparity = disparity_of(np.ascontiguousarray(rgb))
            scores.append(asdict(kitti_metrics(disparity, np.nan_to_num(truth_m), as_published=True)))
        if progress:
            progress(done, len(pictures))
    if not found and not scores:
        raise ValueError(f"{pictures.title}: none of {len(pictures)} pictures can be scored: {skipped}")
    if found:
        wrong = sum(one != other for one, other in zip(found, true))
        row = {"correct": float(len(true) - wrong), "wrong": float(wrong), "whdr": diw_whdr(found, true)}
        return PublishedRows(pictures.kind, pictures.title, len(true), {predictor.name: row}, skipped, POINT_COLUMNS, 2)
    row = {key: float(np.mean([one[key] for one in scores])) for key in KITTI_COLUMNS if key in scores[0]}
    return PublishedRows(pictures.kind, pictures.title, len(scores), {predictor.name: row}, skipped, KITTI_COLUMNS, 4)


def _disparity(predictor: Predictor) -> Callable[[np.ndarray], np.ndarray]:
    """rgb uint8 [h, w, 3] -> disparity [h, w], larger is closer."""
    if predictor.depth_kind == "none":
        raise ValueError(f"{predictor.name} predicts no depth")
    network = predictor.loaded.network
    if not isinstance(network, RelativeDepth):
        return lambda rgb: 1.0 / predictor.predict(rgb, parts=("depth",)).depth

    @torch.inference_mode()
    def disparity(rgb: np.ndarray) -> np.ndarray:
        image = batched([rgb]).to(predictor.loaded.device, PRECISIONS[predictor.loaded.precision])
        return network.model.disparity(image)[0].float().cpu().numpy()
    return disparity
