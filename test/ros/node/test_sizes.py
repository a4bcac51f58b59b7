# SPDX-License-Identifier: Apache-2.0
"""Pictures are worked on at a size that does not depend on the camera, and outputs fit its image."""
import cv2
import numpy as np
import pytest

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.ros.node.sizes import WORK_PX, enlarged, graph_in_pixels, reduced, resized_labels
from modot_ros.scene.boundaries import thin


@pytest.mark.parametrize("width, height, expected", [(640, 480, (480, 640)), (320, 240, (240, 320)), (1920, 1080, (416, 739)),
                                                     (3840, 2160, (416, 739)), (480, 640, (640, 480))])
def test_pictures_are_made_smaller_and_keep_their_aspect(width, height, expected):
    small = reduced(np.zeros((height, width, 3), np.uint8))
    assert small.shape[:2] == expected and small.shape[0] * small.shape[1] <= 1.01 * WORK_PX


def test_a_picture_that_is_small_is_not_copied():
    rgb = np.zeros((48, 64, 3), np.uint8)
    assert reduced(rgb) is rgb


def test_maps_are_enlarged_and_boundaries_stay_one_pixel_wide():
    depth = np.full((40, 60), 2.0, np.float32)
    depth[:, 30:] = 4.0
    probability = np.zeros((40, 60), np.float32)
    probability[:, 29] = 0.9
    mask, side = thin(probability, depth, 0.5)
    small = Prediction("metric", 60.0, depth=depth, boundary_probability=probability, boundary_mask=mask, boundary_side=side,
                       labels=np.repeat(np.int32([[1] * 30 + [2] * 30]), 40, axis=0), log_depth_std=depth / 10)
    large = enlarged(small, (120, 180), 0.5)
    assert all(array.shape == (120, 180) for array in (large.depth, large.boundary_probability, large.boundary_mask,
                                                       large.boundary_side, large.labels, large.log_depth_std))
    assert set(np.unique(large.depth)) == {2.0, 4.0}    # no points between the surfaces
    assert (large.boundary_mask.sum(axis=1)[10:-10] == 1).all()
    assert set(np.unique(large.labels)) == {1, 2}


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
