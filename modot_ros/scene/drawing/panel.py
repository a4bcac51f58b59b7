# SPDX-License-Identifier: Apache-2.0
"""A prediction explained on one slide: picture, depth, boundaries and order graph in two rows, each with its legend."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from modot_ros.prediction import SIDE_STEPS, Instance, OrderGraph, Prediction
from modot_ros.scene.drawing.graph_overlay import draw_arrow, draw_graph, rank_colours, rank_ramp
from modot_ros.scene.drawing.overlay import DARK, FONT, LIGHT, colour_depth, depth_limits, draw_scale, outlines
from modot_ros.scene.drawing.whole_files import write_whole

CELL_WIDTH_PX = 640                                     # of one of the four pictures
TITLE_PX = 30                                           # height of the strip above each
GAP_PX = 6
PAPER, INK = (255, 255, 255), (40, 40, 40)
HIDDEN = (230, 159, 0)                                  # orange of Okabe and Ito's colours for the colour-blind
TINT_SHARE = 0.6                                        # of an instance's rank colour over the grey picture
LETTERS = 0.5
JPEG_QUALITY = 75                                       # a slide of 200 kB


def panel(rgb: np.ndarray, prediction: Prediction, near_m: float | None = None, far_m: float | None = None) -> np.ndarray:
    """Four pictures of one prediction in two rows.

    The picture; depth, warm is near; boundaries, white on what is in front and orange on what it hides; instances in the
    colour of their rank in depth with arrows from occluder to occludee, as `graph_overlay` draws them.

    rgb            uint8 [H, W, 3]
    near_m, far_m  ends of the colour scale of depth; None takes them from the picture's depth
    returns        uint8 [2 * (TITLE_PX + h) + GAP_PX, 2 * CELL_WIDTH_PX + GAP_PX, 3], RGB, h = H * CELL_WIDTH_PX / W
    raises         ValueError when depth, boundaries, instances or the graph are missing or of another size
    """
    depth, mask, side = prediction.depth, prediction.boundary_mask, prediction.boundary_side
    labels, graph = prediction.labels, prediction.graph
    if depth is None or mask is None or side is None or labels is None or graph is None:
        raise ValueError("a panel shows depth, boundaries, instances and order: all of them must be predicted")
    if depth.shape != rgb.shape[:2]:
        raise ValueError(f"prediction is {depth.shape}, the picture {rgb.shape[:2]}")
    limits = depth_limits(depth)
    near, far = limits[0] if near_m is None else near_m, limits[1] if far_m is None else far_m
    # Drawn at the size at which it is looked at, so that lines and letters are as large for every camera.
    width, height = CELL_WIDTH_PX, round(rgb.shape[0] * CELL_WIDTH_PX / rgb.shape[1])
    smooth = cv2.INTER_AREA if width < rgb.shape[1] else cv2.INTER_CUBIC
    picture = cv2.resize(rgb, (width, height), interpolation=smooth)
    shown_depth, shown_labels = (cv2.resize(array, (width, height), interpolation=cv2.INTER_NEAREST)
                                 for array in (depth, labels.astype(np.uint16)))

    coloured = colour_depth(shown_depth, near, far)
    draw_scale(coloured, near, far, prediction.depth_kind)
    order = _tinted(picture, shown_labels, rank_colours(graph.instances))
    draw_graph(order, shown_labels, _scaled(graph, width / rgb.shape[1]), shown_depth)
    titled = [_titled("picture", picture), _titled("depth", coloured),
              _titled("occlusion boundaries", _boundaries(picture, mask, side)),
              _titled("order: who hides whom", order)]
    _draw_boundary_legend(titled[2])
    _draw_order_legend(titled[3])
    column = np.full((height + TITLE_PX, GAP_PX, 3), PAPER, np.uint8)
    rows = [np.concatenate([left, column, right], 1) for left, right in (titled[:2], titled[2:])]
    return np.concatenate([rows[0], np.full((GAP_PX, rows[0].shape[1], 3), PAPER, np.uint8), rows[1]])


def write_panel(prediction: Prediction, rgb: np.ndarray, folder: Path, name: str) -> list[Path]:
    """Writes NAME_panel.jpg into an existing folder; raises ValueError as `panel` and OSError as `write_whole`."""
    picture = cv2.cvtColor(panel(rgb, prediction), cv2.COLOR_RGB2BGR)
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    return write_whole({folder / f"{name}_panel.jpg": jpeg})


def _scaled(graph: OrderGraph, factor: float) -> OrderGraph:
    """The graph with boxes in pixels of a picture resized by `factor`; only hidden instances are drawn by their box."""
    def box(instance: Instance) -> tuple[int, int, int, int]:
        left, top, width, height = (round(factor * value) for value in instance.bbox_px)
        return left, top, width, height
    return replace(graph, instances=tuple(replace(instance, bbox_px=box(instance)) for instance in graph.instances))


def _tinted(picture: np.ndarray, labels: np.ndarray, colours: dict[int, tuple[int, int, int]]) -> np.ndarray:
    """The picture in grey, every instance in its colour, and fine lines between them."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    table = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    for id, colour in colours.items():
        if id < len(table):
            table[id] = colour
    tint = cv2.addWeighted(grey, 1 - TINT_SHARE, table[labels], TINT_SHARE, 0)
    tint[labels == 0] = grey[labels == 0]
    tint[outlines(labels)] = LIGHT
    return tint


def _boundaries(picture: np.ndarray, mask: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The picture darkened; of each boundary a white line on the occluder beside an orange one on what is hidden."""
    dark = picture // 3
    scale_v, scale_u = dark.shape[0] / mask.shape[0], dark.shape[1] / mask.shape[1]
    v, u = np.nonzero(mask)
    away = np.array(SIDE_STEPS)[side[v, u].astype(np.intp) - 1]
    for colour, offset in ((HIDDEN, 1.5), (LIGHT, 0.0)):                # the occluder's line lies above
        at_v = np.rint((v + 0.5) * scale_v - 0.5 + offset * away[:, 1]).astype(int)
        at_u = np.rint((u + 0.5) * scale_u - 0.5 + offset * away[:, 0]).astype(int)
        drawn = np.zeros(dark.shape[:2], np.uint8)
        drawn[np.clip(at_v, 0, dark.shape[0] - 1), np.clip(at_u, 0, dark.shape[1] - 1)] = 1
        # Enlarged, the pixels of a line lie apart; and two pixels survive a slide's resizing.
        size = max(2, round(max(scale_u, scale_v)) + 1)
        dark[cv2.dilate(drawn, np.ones((size, size), np.uint8)) > 0] = colour
    return dark


def _titled(title: str, picture: np.ndarray) -> np.ndarray:
    strip = np.full((TITLE_PX, picture.shape[1], 3), PAPER, np.uint8)
    cv2.putText(strip, title, (4, TITLE_PX - 10), FONT, 1.2 * LETTERS, INK, 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])


def _draw_words(cell: np.ndarray, text: str, right: int) -> int:
    """Draws into the strip, ending at column `right`; returns the column where the words begin."""
    (width, _), _ = cv2.getTextSize(text, FONT, LETTERS, 1)
    cv2.putText(cell, text, (right - width, TITLE_PX - 10), FONT, LETTERS, INK, 1, cv2.LINE_AA)
    return right - width


def _draw_boundary_legend(cell: np.ndarray) -> None:
    right = cell.shape[1] - 8
    for text, colour in (("hidden", HIDDEN), ("in front", LIGHT)):
        left = _draw_words(cell, text, right)
        cv2.rectangle(cell, (left - 30, 9), (left - 8, 21), DARK, -1)
        cv2.rectangle(cell, (left - 30, 14), (left - 8, 16), colour, -1)
        right = left - 46


def _draw_order_legend(cell: np.ndarray) -> None:
    right = _draw_words(cell, "hides (thick: sure)", cell.shape[1] - 8) - 8
    draw_arrow(cell, np.array([right - 14.0, 15.0]), np.array([1.0, 0.0]), 13.0, tuple(rank_ramp(3)[1].tolist()), 1.0, 0.8)
    right = _draw_words(cell, "far", right - 46) - 6
    cell[9:21, right - 60:right] = rank_ramp(60)
    _draw_words(cell, "near", right - 66)
