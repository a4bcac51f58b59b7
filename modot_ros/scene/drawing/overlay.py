# SPDX-License-Identifier: Apache-2.0
"""Pictures in which a person sees a prediction at a glance.

Colour is depth, warm is near (the Turbo map, equal steps of log depth, with a scale in metres). A boundary is
a light line on the occluder with a dark one beside it on what is hidden. Fine lines part the instances;
arrows and names are those of `graph_overlay`. A legend of lines and arrows is in the lower right corner.
"""
from __future__ import annotations

import cv2
import numpy as np

from modot_ros.prediction import SIDE_STEPS, Prediction
from modot_ros.scene.drawing.graph_overlay import draw_arrow, draw_graph, rank_ramp

DEPTH_SHARE = 0.55                      # of the depth colours over the picture
OUTLINE = (190, 190, 190)
LIGHT, DARK = (255, 255, 255), (0, 0, 0)
FONT = cv2.FONT_HERSHEY_SIMPLEX

_TURBO = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_TURBO).reshape(256, 3)[:, ::-1].copy()


def depth_limits(depth: np.ndarray) -> tuple[float, float]:
    """Near and far end of a colour scale: the 2 % and 98 % quantiles of every eighth pixel's finite depth."""
    sample = depth.ravel()[::8]
    sample = sample[np.isfinite(sample) & (sample > 0)]
    if not len(sample):
        return 1.0, 2.0
    near, far = np.quantile(sample, (0.02, 0.98))
    return float(near), float(max(far, near * 1.05))


def colour_depth(depth_m: np.ndarray, near_m: float, far_m: float) -> np.ndarray:
    """Depth as colours: dark red up to `near_m`, dark blue from `far_m` on (inf too), black for NaN.

    depth_m  float32 [H, W]; returns uint8 [H, W, 3], RGB; raises ValueError unless 0 < near_m < far_m
    """
    if not 0 < near_m < far_m:
        raise ValueError(f"depth scale goes from {near_m} to {far_m}: 0 < near < far is needed")
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log(np.asarray(depth_m, np.float32))
    unknown = np.isnan(level)
    np.subtract(np.float32(np.log(far_m)), level, out=level)
    level *= np.float32(255 / np.log(far_m / near_m))
    cv2.patchNaNs(level, 0.0)
    np.clip(level, 0, 255, out=level)
    colours = cv2.applyColorMap(level.astype(np.uint8), _TURBO.reshape(256, 1, 3))
    if unknown.any():
        colours[unknown] = 0
    return colours


def overlay(rgb: np.ndarray, prediction: Prediction, near_m: float | None = None, far_m: float | None = None
            ) -> np.ndarray:
    """Draws a prediction over its picture; parts that are None are left out.

    rgb            uint8 [H, W, 3]
    near_m, far_m  ends of the colour scale; None takes them from the picture's depth
    returns        uint8 [H, W, 3], RGB
    raises         ValueError when the prediction is of another size
    """
    depth = prediction.depth
    for array in (depth, prediction.boundary_mask, prediction.labels):
        if array is not None and array.shape != rgb.shape[:2]:
            raise ValueError(f"prediction is {array.shape}, the picture {rgb.shape[:2]}")
    picture = np.ascontiguousarray(rgb)
    low, high = (0.0, 0.0) if depth is None else depth_limits(depth)
    near, far = low if near_m is None else near_m, high if far_m is None else far_m
    if depth is not None:
        # Over grey, colour means depth and nothing else.
        grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        picture = cv2.addWeighted(grey, 1 - DEPTH_SHARE, colour_depth(depth, near, far), DEPTH_SHARE, 0)
    else:
        picture = picture.copy()
    if prediction.labels is not None:
        picture[outlines(prediction.labels)] = OUTLINE
    if prediction.boundary_mask is not None and prediction.boundary_side is not None:
        _draw_boundaries(picture, prediction.boundary_mask, prediction.boundary_side)
    if prediction.graph is not None and prediction.labels is not None:
        draw_graph(picture, prediction.labels, prediction.graph, depth)
    if depth is not None:
        draw_scale(picture, near, far, prediction.depth_kind)
    draw_legend(picture, prediction.boundary_mask is not None and prediction.boundary_side is not None,
                prediction.graph is not None and bool(prediction.graph.occlusions) and prediction.labels is not None)
    return picture


def outlines(labels: np.ndarray) -> np.ndarray:
    """bool [H, W]: pixels of an instance whose right or lower neighbour belongs to something else."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] = labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def _draw_boundaries(picture: np.ndarray, mask: np.ndarray, side: np.ndarray) -> None:
    v, u = np.nonzero(mask)
    step = np.array(SIDE_STEPS)[side[v, u].astype(np.intp) - 1]
    hidden_v = np.clip(v + step[:, 1], 0, mask.shape[0] - 1)
    hidden_u = np.clip(u + step[:, 0], 0, mask.shape[1] - 1)
    picture[hidden_v, hidden_u] = DARK
    picture[v, u] = LIGHT


def _is_too_small_for_text(picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    return width < 200 or height < 100


def _letters(picture: np.ndarray) -> float:
    return max(picture.shape[1] / 640, 0.75)            # in smaller letters the points of numbers vanish


def draw_legend(picture: np.ndarray, boundaries: bool, arrows: bool) -> None:
    """What lines and arrows mean, in the lower right corner; nothing where the picture is too small for it beside the scale."""
    height, width = picture.shape[:2]
    size = _letters(picture)
    gap, row, sample = (round(value * size) for value in (8, 17, 30))
    panel_width = round(206 * size)
    if _is_too_small_for_text(picture) or not (boundaries or arrows) or width < 2 * panel_width:
        return
    left, top = width - panel_width, height - row * (boundaries + arrows) - gap // 2
    picture[top:, left:] //= 6                          # nothing that lies below may be read as part of it
    thick = max(1, round(size))

    def words(text: str, at: int, baseline: int) -> int:
        cv2.putText(picture, text, (at, baseline), FONT, 0.42 * size, LIGHT, thick, cv2.LINE_AA)
        return at + cv2.getTextSize(text, FONT, 0.42 * size, thick)[0][0] + gap // 2

    baseline = top + round(14 * size)
    if boundaries:
        middle, at = baseline - round(4 * size), left + gap
        picture[middle - 5 * thick:middle + 5 * thick, at:at + sample] = OUTLINE[0] // 2     # a dark line needs something lighter
        picture[middle - 2 * thick:middle, at:at + sample] = LIGHT
        picture[middle:middle + 2 * thick, at:at + sample] = DARK
        words("in front / hidden", at + sample + gap, baseline)
        baseline += row
    if arrows:
        middle, at = baseline - round(4 * size), left + gap
        draw_arrow(picture, np.array([at + sample / 2, middle]), np.array([1.0, 0.0]), 0.45 * sample,
                   tuple(rank_ramp(3)[1].tolist()), 0.8 * size, 0.6)
        at = words("hides", at + sample + gap, baseline) + gap
        at = words("near", at, baseline)
        ramp = rank_ramp(round(34 * size))
        picture[middle - 4 * thick:middle + 4 * thick, at:at + len(ramp)] = ramp
        words("far", at + len(ramp) + gap // 2, baseline)


def draw_scale(picture: np.ndarray, near: float, far: float, depth_kind: str) -> None:
    """A colour bar with its depths, in the lower left corner; none where the picture is too small for it."""
    if _is_too_small_for_text(picture):
        return
    height, width = picture.shape[:2]
    size = _letters(picture)
    bar_width, bar_height, gap = round(180 * size), round(10 * size), round(8 * size)
    left, top = gap, height - gap - bar_height
    text_height = round(16 * size)
    panel = picture[top - text_height - gap // 2:, :bar_width + 2 * left + gap]
    panel[:] = panel // 3
    along = np.linspace(255, 0, bar_width).astype(np.uint8)
    picture[top:top + bar_height, left:left + bar_width] = _TURBO[along]
    for share in (0.0, 0.5, 1.0):
        value = near * (far / near) ** share
        text = f"{value:.1f} m" if depth_kind == "metric" else ("near", "", "far")[round(2 * share)]
        (text_width, _), _ = cv2.getTextSize(text, FONT, 0.42 * size, 1)
        at = left + round(share * bar_width) - round(share * text_width)
        cv2.putText(picture, text, (at, top - round(4 * size)), FONT, 0.42 * size, LIGHT, max(1, round(size)),
                    cv2.LINE_AA)
