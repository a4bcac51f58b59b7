# SPDX-License-Identifier: Apache-2.0
"""Pictures are worked on at a size that does not depend on the camera, and outputs fit its image."""
import cv2
import numpy as np
import pytest

from modot_ros.prediction import SIDE_STEPS, Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.ros.node.sizes import (
    WORK_PX,
    enlarged_boundary,
    enlarged_depth,
    enlarged_map,
    graph_in_pixels,
    reduced,
    resized_labels,
)


@pytest.mark.parametrize("width, height, expected", [(640, 480, (480, 640)), (320, 240, (240, 320)), (1920, 1080, (416, 739)),
                                                     (3840, 2160, (416, 739)), (480, 640, (640, 480))])
def test_pictures_are_made_smaller_and_keep_their_aspect(width, height, expected):
    small = reduced(np.zeros((height, width, 3), np.uint8))
    assert small.shape[:2] == expected and small.shape[0] * small.shape[1] <= 1.01 * WORK_PX


def test_a_picture_that_is_small_is_not_copied():
    rgb = np.zeros((48, 64, 3), np.uint8)
    assert reduced(rgb) is rgb


def test_every_pixel_of_a_large_picture_counts():
    stripes = np.zeros((2160, 3840, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.abs(reduced(stripes).astype(int) - 100).max() <= 1
    assert (reduced(np.full((2161, 3841, 3), 77, np.uint8)) == 77).all()


def test_a_boundary_is_enlarged_to_a_line_on_the_rim_of_its_pixels():
    mask, side = np.zeros((4, 6), bool), np.zeros((4, 6), np.uint8)
    mask[:, 2] = True
    side[:, 2] = 1 + SIDE_STEPS.index((1, 0))           # the right side is hidden
    assert enlarged_boundary(mask, side, (4, 6)) is mask
    large = enlarged_boundary(mask, side, (12, 18))
    assert large.shape == (12, 18) and np.array_equal(np.unique(np.nonzero(large)[1]), [8])     # 2 is 6, 7, 8 there
    assert np.array_equal(np.nonzero(large)[0], np.arange(1, 11))      # from middle to middle


def test_corners_and_diagonals_of_a_boundary_stay_lines():
    mask = np.zeros((5, 5), bool)
    mask[1, 1:4] = mask[1:4, 3] = mask[4, 2] = mask[0, 0] = True
    side = np.where(mask, np.uint8(1 + SIDE_STEPS.index((0, -1))), np.uint8(0))
    large = enlarged_boundary(mask, side, (20, 20))
    assert cv2.connectedComponents(large.view(np.uint8))[0] == 2       # background and one line
    assert not cv2.filter2D(large.view(np.uint8), -1, np.ones((2, 2), np.uint8), anchor=(0, 0)).max() > 3
    assert enlarged_boundary(np.zeros((2, 2), bool), np.zeros((2, 2), np.uint8), (9, 9)).sum() == 0


def test_depth_is_enlarged_without_points_between_surfaces():
    depth = np.full((40, 60), 2.0, np.float32)
    depth[:, 30:] = 4.0
    small = Prediction("metric", 60.0, depth=depth)
    assert enlarged_depth(small, (40, 60)) is depth
    large = enlarged_depth(small, (120, 180))
    assert large.shape == (120, 180) and set(np.unique(large)) == {2.0, 4.0}


def test_smooth_maps_are_enlarged_and_stay_in_their_range():
    values = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    assert enlarged_map(values, (2, 3)) is values
    large = enlarged_map(values, (8, 12))
    assert large.shape == (8, 12) and large.min() >= 0 and large.max() <= 1


def test_labels_are_resized_by_the_nearest_pixel():
    labels = np.int32([[1, 0], [0, 70000]])
    assert resized_labels(labels, (2, 2)) is labels
    assert np.array_equal(resized_labels(labels, (4, 4)), cv2.resize(labels, (4, 4), interpolation=cv2.INTER_NEAREST))


def test_the_graph_speaks_of_the_pixels_of_the_image():
    graph = OrderGraph("geometric", (Instance(1, 100, (10, 20, 30, 40), 1.0, 1.0, 1.0),),
                       (OcclusionOrder(1, 2, 0.9, False, 12.0, 0.5),))
    large = graph_in_pixels(graph, 3.0)
    assert large.instances[0].area_px == 900 and large.instances[0].bbox_px == (30, 60, 90, 120)
    assert large.occlusions[0].boundary_length_px == 36.0 and large.occlusions[0].depth_gap_m == 0.5
