# SPDX-License-Identifier: Apache-2.0
"""Occlusion frontiers as surfaces to look at: curtains from an occluding edge to what it hides."""
from __future__ import annotations

import numpy as np

CELL_PX = 6                                             # one post per so many pixels of an edge
LAYER = 0.25                                            # ln z: edges of one cell farther apart than this have posts of their own
JUMP = 0.15                                             # of the nearer post's depth: from one to the next no edge jumps so far
NEIGHBOURS = ((1, 0), (-1, 1), (0, 1), (1, 1))          # (du, dv), half of the eight


def curtains(frontiers: np.ndarray, pixels: np.ndarray, width: int, cell_px: int = CELL_PX) -> tuple[np.ndarray, np.ndarray]:
    """Posts along the frontiers and which of them are neighbours; a curtain hangs between two that are.

    An edge of one pixel in width is thinned to a post per cell of cell_px * cell_px pixels.

    frontiers  float32 [N, 7], columns FRONTIER_COLUMNS of scene.geometry
    pixels     int64 [N], row * width + column, ascending, as `frontiers_at` returns them
    returns    posts float32 [M, 7], columns as above, and links int64 [K, 2], rows of posts
    """
    if not len(frontiers):
        return np.zeros((0, 7), np.float32), np.zeros((0, 2), np.int64)
    v, u = np.divmod(pixels, width)
    layer = np.floor(np.log(frontiers[:, 2]) / LAYER).astype(np.int64)
    cell = (v // cell_px * width + u // cell_px) * 4096 + layer + 2048
    _, first, group, size = np.unique(cell, return_index=True, return_inverse=True, return_counts=True)
    off_centre = np.abs(u - (np.bincount(group, u) / size)[group]) + np.abs(v - (np.bincount(group, v) / size)[group])
    order = np.lexsort((off_centre, group))             # the post of a group is its pixel nearest to the middle
    post = order[np.searchsorted(group[order], np.arange(len(first)))]
    links = []
    for du, dv in NEIGHBOURS:
        beside = (v + dv) * width + u + du
        at = np.minimum(np.searchsorted(pixels, beside), len(pixels) - 1)
        touches = (pixels[at] == beside) & (u + du >= 0) & (u + du < width) & (group != group[at])
        links.append(np.sort(np.column_stack([group[touches], group[at[touches]]]), axis=1))
    pairs = np.unique(np.concatenate(links), axis=0)
    posts = frontiers[post]
    near = posts[pairs, 2]
    return posts, pairs[np.abs(near[:, 0] - near[:, 1]) <= JUMP * near.min(1)]
