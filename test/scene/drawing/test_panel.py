# SPDX-License-Identifier: Apache-2.0
"""A slide is looked at by people; what a test can ask is which marks are in which of its four pictures."""
from dataclasses import replace

import cv2
import numpy as np
import pytest

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.scene.drawing.graph_overlay import rank_ramp
from modot_ros.scene.drawing.overlay import LIGHT
from modot_ros.scene.drawing.panel import CELL_WIDTH_PX, GAP_PX, HIDDEN, TITLE_PX, panel, write_panel

HEIGHT, WIDTH = 60, 80
CELL_HEIGHT = HEIGHT * CELL_WIDTH_PX // WIDTH
RGB = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)


def prediction() -> Prediction:
    """A square of 20 x 20 at 1 m before a wall at 4 m; the boundary is the square's left edge, what is hidden lies left of it."""
    depth, labels = np.full((HEIGHT, WIDTH), 4, np.float32), np.full((HEIGHT, WIDTH), 2, np.int32)
    depth[20:40, 30:50], labels[20:40, 30:50] = 1, 1
    mask, side = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:40, 30], side[20:40, 30] = True, 5
    graph = OrderGraph("geometric", (Instance(1, 400, (30, 20, 20, 20), 1, 1, 1, "cup"),
                                     Instance(2, 4400, (0, 0, 80, 60), 4, 4, 4),
                                     Instance(3, 0, (4, 40, 10, 10), 2, 2, 2, hidden_by=1)),
                       (OcclusionOrder(1, 2, 0.9, False, 20.0, 3.0),))
    return Prediction("metric", 70.0, depth, np.where(mask, 1, 0).astype(np.float32), mask, side, labels, graph)


def cells(slide: np.ndarray) -> list[np.ndarray]:
    """The four pictures without their titles: picture, depth, boundaries, order."""
    across = slice(0, CELL_WIDTH_PX), slice(CELL_WIDTH_PX + GAP_PX, None)
    below = TITLE_PX + CELL_HEIGHT + GAP_PX + TITLE_PX
    down = slice(TITLE_PX, TITLE_PX + CELL_HEIGHT), slice(below, None)
    return [slide[rows, columns] for rows in down for columns in across]


def test_the_picture_stands_beside_its_depth():
    slide = panel(RGB, prediction())
    assert slide.shape == (2 * (TITLE_PX + CELL_HEIGHT) + GAP_PX, 2 * CELL_WIDTH_PX + GAP_PX, 3) and slide.dtype == np.uint8
    picture, depth, *_ = cells(slide)
    assert (picture == 120).all()
    near, far = depth[240, 320].astype(int), depth[40, 600].astype(int)
    assert near[0] > near[2] and far[2] > far[0]                        # warm is near


def test_boundaries_are_white_on_the_occluder_and_orange_on_what_is_hidden():
    boundaries = cells(panel(RGB, prediction()))[2]
    row = boundaries[240]
    white, orange = (np.flatnonzero((row == colour).all(1)) for colour in (LIGHT, HIDDEN))
    assert 30 * 8 - 4 <= white.min() <= white.max() <= 31 * 8 + 4       # the mask's column is eight wide here
    assert len(orange) and orange.max() < white.min()
    assert (np.diff(np.flatnonzero((boundaries == LIGHT).all(2).any(1))) == 1).all()    # no gaps in the line
    assert not (boundaries[:100] == HIDDEN).all(2).any()


def test_instances_have_the_colour_of_their_rank_and_the_hidden_one_its_box_in_place():
    order = cells(panel(RGB, prediction()))[3].astype(int)
    near, far = order[180, 260], order[30, 600]
    for shown, rank in ((near, 0), (far, -1)):
        distances = np.abs(shown - (0.4 * 120 + 0.6 * rank_ramp(3).astype(float))).sum(1)
        assert distances.argmin() == rank % 3
    assert (np.abs(order[320, 4 * 8:14 * 8] - order[310, 4 * 8:14 * 8]).sum(1) > 0).any()      # top edge of the dashed box


def test_depth_limits_can_be_kept_over_a_video():
    same = [cells(panel(RGB, prediction(), 1, far))[1] for far in (4, 40)]
    assert (same[0] != same[1]).any()


def test_what_is_not_whole_is_refused():
    with pytest.raises(ValueError, match="all of them must be predicted"):
        panel(RGB, replace(prediction(), graph=None))
    with pytest.raises(ValueError, match=r"\(60, 80\).*\(4, 4\)"):
        panel(RGB[:4, :4], prediction())


def test_a_slide_is_written_as_jpeg(tmp_path):
    (path,) = write_panel(prediction(), RGB, tmp_path, "a")
    assert path == tmp_path / "a_panel.jpg" and list(tmp_path.iterdir()) == [path]
    assert cv2.imread(str(path)).shape == panel(RGB, prediction()).shape
