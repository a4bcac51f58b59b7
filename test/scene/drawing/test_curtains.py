# SPDX-License-Identifier: Apache-2.0
"""Curtains along edges that are drawn by hand."""
import numpy as np

from modot_ros.scene.boundaries import thin
from modot_ros.scene.drawing.curtains import CELL_PX, curtains
from modot_ros.scene.geometry import frontiers_at, rays

K = np.array([[100.0, 0, 79.5], [0, 100.0, 59.5], [0, 0, 1]])


def frontiers_of(depth):
    shape = depth.shape
    edge = np.zeros(shape, np.float32)
    edge[:, 1:][np.abs(np.diff(depth, axis=1)) > 0.2] = 1
    mask, side = thin(edge, depth, 0.5)
    return frontiers_at(depth, mask, side, rays(K, shape))


def test_a_straight_edge_is_one_row_of_posts():
    depth = np.full((120, 160), 4, np.float32)
    depth[30:90, :80] = 1.5
    found, pixels = frontiers_of(depth)
    assert (np.diff(pixels) > 0).all()
    posts, links = curtains(found, pixels, 160)
    assert 60 // CELL_PX <= len(posts) <= 60 // CELL_PX + 1 and len(links) == len(posts) - 1
    assert np.allclose(posts[:, 2], 1.5) and np.allclose(posts[:, 5], 4) and np.allclose(posts[:, 6], 2.5)
    assert np.bincount(links.ravel()).max() == 2        # a row, no star


def test_edges_at_other_depths_do_not_join():
    depth = np.full((120, 160), 8, np.float32)
    depth[:60, :80] = 1.5
    depth[60:, :80] = 4                                 # the edge goes straight on, farther away
    posts, links = curtains(*frontiers_of(depth), 160)
    near = posts[links, 2]
    assert len(links) and (near[:, 0] == near[:, 1]).all()


def test_no_frontiers_no_curtains_and_nothing_wraps_round_the_picture():
    posts, links = curtains(np.zeros((0, 7), np.float32), np.zeros(0, np.int64), 160)
    assert posts.shape == (0, 7) and links.shape == (0, 2)
    two = np.array([[0, 0, 1, 0, 0, 2, 1], [0, 0, 1, 0, 0, 2, 1]], np.float32)
    posts, links = curtains(two, np.array([159, 160]), 160)     # last pixel of one row, first of the next
    assert len(posts) == 2 and not len(links)
