# SPDX-License-Identifier: Apache-2.0
import numpy as np

from modot_ros.learn.mesh2ob.orders import boundary_classes, true_graph
from modot_ros.learn.synthetic.view import View

# two instances beside each other before nothing; the first one hides a part of itself
LABELS = np.array([[1, 1, 1, 2, 0],
                   [1, 1, 1, 2, 0]], np.int32)
DEPTH_M = np.array([[1.0, 1.0, 2.0, 3.0, np.inf], [1.0, 1.0, 2.5, 3.0, np.inf]], np.float32)
RIGHT = np.array([[0, 1, 1, 1], [0, 1, 1, 1]], np.int8)
DOWN = np.zeros((1, 5), np.int8)


def view(right=RIGHT, down=DOWN):
    return View(np.zeros((2, 5, 3), np.uint8), DEPTH_M, np.zeros((2, 5, 3), np.float32), LABELS, np.full((2, 5), 255, np.uint8),
                right, down, np.eye(3))


def test_classes_by_hand():
    assert boundary_classes(view()).tolist() == [[0, 3, 2, 1, 0]] * 2


def test_a_pixel_takes_the_first_of_its_classes():
    down = np.zeros((1, 5), np.int8)
    down[0, 2:4] = 1
    assert boundary_classes(view(down=down))[0].tolist() == [0, 3, 2, 1, 0]
    assert boundary_classes(view(np.zeros_like(RIGHT), down)).tolist() == [[0, 0, 3, 3, 0], [0] * 5]


def test_graph_by_hand():
    graph = true_graph(view(), ("", "cup", "tray"))
    cup, tray = graph.instances
    assert (cup.id, cup.name, cup.area_px, cup.bbox_px, cup.depth_m) == (1, "cup", 6, (0, 0, 3, 2), 1.0)
    assert tray.bbox_px == (3, 0, 1, 2)
    order, = graph.occlusions
    assert (order.occluder, order.occludee, order.confidence, order.mutual) == (1, 2, 1.0, False)
    assert (order.boundary_length_px, order.depth_gap_m) == (2.0, 0.75)
    depth, = graph.depths
    assert (depth.near, depth.far, depth.equal, depth.overlapping) == (1, 2, False, False)


def test_two_that_hide_each_other_are_mutual():
    right = RIGHT.copy()
    right[1, 2] = -1
    assert [order.mutual for order in true_graph(view(right), ("", "a", "b")).occlusions] == [True, True]
