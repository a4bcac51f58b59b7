# SPDX-License-Identifier: Apache-2.0
"""Occlusion frontiers that last: merged over frames in a frame that does not move with the camera, aged out, and cleared where
the camera looks and finds none any more; and the zones of the floor that something behind them could reach.

Points are in the map's frame (z up, metres). A frontier is a row as of geometry.frontiers: edge, hidden surface, gap.
"""
from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

CELL_M = 0.1                            # new frontiers in one cell are one
MERGE_M = 0.2                           # and one with an old frontier so near to them
MOST_HITS = 20                          # frames over which a frontier's place is averaged
LEAST_HITS = 2                          # frames that must have shown it
MOST_MISSES = 3                         # frames that looked there without finding it
SEEN_SHARE = 0.9                        # of an edge's z from which depth there means that it is in view
TOGETHER_M = 0.4                        # frontiers so near to each other, on the floor, are of one zone
LEAST_HEIGHT_M = 0.4                    # above z = 0, of an edge that may hide somebody
MOST_ZONES = 4
CIRCLE = np.stack([np.cos(np.arange(16) * np.pi / 8), np.sin(np.arange(16) * np.pi / 8)], 1)


class FrontierMap:
    """Frontiers of the frames so far. `memory_s`: how long one is kept that was not seen again."""

    def __init__(self, memory_s: float = 10.0) -> None:
        self.memory_s = memory_s
        self.forget()

    def forget(self) -> None:
        self._rows = np.zeros((0, 7))
        self._hits, self._misses = np.zeros(0, int), np.zeros(0, int)
        self._last_s = np.zeros(0)
        self._time_s = -np.inf

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def frontiers(self) -> np.ndarray:
        """float32 [N, 7] of those that LEAST_HITS frames have shown."""
        return self._rows[self._hits >= LEAST_HITS].astype(np.float32)

    @property
    def edges(self) -> np.ndarray:
        """float64 [M, 3], edges of all of them, as `update` wants to know whether they are in view."""
        return self._rows[:, :3]

    def update(self, found: np.ndarray, time_s: float, in_view: np.ndarray | None = None) -> None:
        """Take in the frontiers of one frame.

        found    float [N, 7] in the map's frame
        time_s   of the frame; when it runs back by more than a second, all is forgotten
        in_view  bool [M] of `edges`: the camera looks there and nothing hides the place; None: nothing is known of that
        """
        if time_s < self._time_s - 1.0:
            self.forget()
            in_view = None
        self._time_s = max(time_s, self._time_s)
        new = merged_in_cells(np.asarray(found, np.float64))
        confirmed = np.zeros(len(self._rows), bool)
        if len(new) and len(self._rows):
            apart, at = cKDTree(self._rows[:, :3]).query(new[:, :3], distance_upper_bound=MERGE_M)
            old = np.isfinite(apart)
            order = np.argsort(apart[old], kind="stable")       # of several the nearest counts
            nearest, first = np.unique(at[old][order], return_index=True)
            weight = 1.0 / np.minimum(self._hits[nearest] + 1, MOST_HITS)
            self._rows[nearest] += weight[:, None] * (new[old][order][first] - self._rows[nearest])
            self._hits[nearest] += 1
            self._last_s[nearest] = time_s
            confirmed[nearest] = True
            new = new[~old]
        self._misses[confirmed] = 0
        if in_view is not None:
            self._misses[in_view & ~confirmed] += 1
        kept = (self._misses < MOST_MISSES) & (self._time_s - self._last_s <= self.memory_s)
        self._rows = np.concatenate([self._rows[kept], new])
        self._hits = np.concatenate([self._hits[kept], np.ones(len(new), int)])
        self._misses = np.concatenate([self._misses[kept], np.zeros(len(new), int)])
        self._last_s = np.concatenate([self._last_s[kept], np.full(len(new), time_s)])


def merged_in_cells(rows: np.ndarray) -> np.ndarray:
    """Means of the rows [N, 7] whose edges lie in one cell."""
    if not len(rows):
        return rows.reshape(0, 7)
    _, number = np.unique(np.floor(rows[:, :3] / CELL_M).astype(np.int64), axis=0, return_inverse=True)
    number = number.ravel()
    count = np.bincount(number)
    return np.stack([np.bincount(number, column) / count for column in rows.T], 1)


def in_view(points: np.ndarray, pixels: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
    """bool [N]: which points the camera looks at with nothing in front of them.

    points   float [N, 3] in the optical frame; pixels: float [N, 2] of them; depth_m: float32 [H, W], +inf is beyond all of them
    """
    height, width = depth_m.shape
    seen = (np.isfinite(pixels).all(1) & (points[:, 2] > 0) & (pixels > -0.5).all(1)
            & (pixels[:, 0] < width - 0.5) & (pixels[:, 1] < height - 0.5))
    u, v = np.rint(pixels[seen]).astype(np.intp).T
    seen[seen] = depth_m[v, u] >= SEEN_SHARE * points[seen, 2]          # NaN is not
    return seen


def zones(frontiers: np.ndarray, place: np.ndarray, reach_m: float) -> list[np.ndarray]:
    """Where on the floor something behind the frontiers could be after a while: outlines float64 [K, 2] in the map's x, y.

    frontiers  float [N, 7]; edges that end below LEAST_HEIGHT_M hide nobody
    place      float [2], the camera's: the MOST_ZONES zones nearest to it count, the nearest first
    reach_m    how far something comes meanwhile: velocity times time
    """
    edges = np.asarray(frontiers, np.float64)[:, :3]
    if not len(edges):
        return []
    pairs = cKDTree(edges[:, :2]).query_pairs(TOGETHER_M, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(edges),) * 2)
    count, number = connected_components(graph, directed=False)
    outlines = []
    for one in range(count):
        members = edges[number == one]
        if members[:, 2].max() < LEAST_HEIGHT_M:
            continue
        around = (members[:, None, :2] + reach_m * CIRCLE).reshape(-1, 2)
        hull = cv2.convexHull(around.astype(np.float32))[:, 0].astype(np.float64)
        outlines.append((float(np.linalg.norm(members[:, :2] - place, axis=1).min()), hull))
    return [hull for _, hull in sorted(outlines, key=lambda one: one[0])[:MOST_ZONES]]
