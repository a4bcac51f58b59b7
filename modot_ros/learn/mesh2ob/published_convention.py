# SPDX-License-Identifier: Apache-2.0
"""Boundary pairs by the conventions of the tool Mesh2OB that OB-FUTURE was made with (Xu and Wang, BMVC 2025).

For each pixel and its neighbour: nothing in one of them, or another object, is a boundary, without a look at the gap,
so that contact lines count. Within one object the same triangle, or triangles that share a vertex and do not overlap in
the picture, are no boundary; otherwise the shortest path along the mesh between the vertices next to both pixels
decides: no path of at most PATH vertices, or one that touches a triangle that faces away or is not wholly visible, is
a self-occlusion. The nearer pixel is the boundary. Two pixels at the top and left and one at the bottom and right are
left out. What was published is that at four times the resolution, where it is in any of a pixel's 16 points, less what
stands alone (`without_specks`). Not taken over: the random order in which that tool draws, and its harmonic
interpolation of depth, which is wrong on large slanted triangles.
"""
from __future__ import annotations

from functools import lru_cache

import networkx
import numpy as np

from modot_ros.learn.mesh2ob.caster import NO_HIT, MeshCaster
from modot_ros.learn.mesh2ob.mesh import Mesh

PATH = 10                                               # most vertices of a path along one surface
# Half the window's side and the fewest boundary pixels in it, of one pass after the other.
SPECKS = ((6, 10), (4, 6), (9, 15), (2, 3), (2, 3))
_FRAGMENTS = 1 << 21                                    # at a time


def published_pairs(mesh: Mesh, caster: MeshCaster, tangents: np.ndarray, depth_m: np.ndarray,
                    triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair labels of a grid of first hits, as truth.boundary_map reads them.

    tangents float64 [H, W, 2] (x/z, y/z) of the grid's points, a regular grid; depth_m [H, W], inf without a hit;
    triangle int64 [H, W], NO_HIT without. Returns right int8 [H, W-1], down int8 [H-1, W].
    """
    surface = _Surface(mesh, caster, tangents, depth_m)
    result = []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = triangle[first], triangle[second]
        label = np.where(depth_m[first] <= depth_m[second], 1, -1).astype(np.int8)
        label[a == b] = 0
        inside = (a != b) & (a != NO_HIT) & (b != NO_HIT) & (mesh.instance[a] == mesh.instance[b])
        continuous = surface.continues(a[inside], b[inside], tangents[first][inside], tangents[second][inside])
        label[inside] *= ~continuous
        counts = np.zeros(triangle.shape, bool)
        counts[2:-1, 2:-1] = True
        label[(label > 0) & ~counts[first] | (label < 0) & ~counts[second]] = 0
        result.append(label)
    return tuple(result)


def without_specks(boundary: np.ndarray) -> np.ndarray:
    """Boundary [H, W] without pixels that stand alone, bool: what makes OB-FUTURE's dis_fOB.png of its dis_OB.png.

    In each pass of SPECKS, row by row, a pixel goes when too few are left from r pixels above and left of it to r - 1
    below and right of it; the r outermost rows and columns stay.
    """
    left = boundary != 0
    for radius, fewest in SPECKS:
        for v, u in np.argwhere(left[radius:-radius, radius:-radius]).tolist():
            if np.count_nonzero(left[v:v + 2 * radius, u:u + 2 * radius]) < fewest:
                left[v + radius, u + radius] = False
    return left


class _Surface:
    """The mesh as a graph of vertices, some of them next to triangles that are not wholly seen."""

    def __init__(self, mesh: Mesh, caster: MeshCaster, tangents: np.ndarray, depth_m: np.ndarray) -> None:
        self.faces = mesh.faces
        z = caster.corners_m[:, :, 2:]
        with np.errstate(divide="ignore", invalid="ignore"):
            self.corners = np.where(z > 0, caster.corners_m[:, :, :2] / z, np.nan)  # [F, 3, 2], tangents
        away = np.einsum("fi,fi->f", caster.normals, caster.corners_m[:, 0]) >= 0
        behind = (z[:, :, 0] <= 0).any(1)
        unseen = away | behind
        unseen[~unseen] = _is_covered(self.corners, caster, np.flatnonzero(~unseen), tangents, depth_m)
        self.bad = np.zeros(len(mesh.vertices_m), bool)
        self.bad[mesh.faces[unseen]] = True
        self.graph = networkx.Graph()
        self.graph.add_edges_from(np.concatenate([mesh.faces[:, :2], mesh.faces[:, 1:], mesh.faces[:, ::2]]).tolist())
        self.paths_from = lru_cache(maxsize=1 << 14)(
            lambda vertex: networkx.single_source_shortest_path(self.graph, vertex, cutoff=PATH - 1))

    def continues(self, a: np.ndarray, b: np.ndarray, at_a: np.ndarray, at_b: np.ndarray) -> np.ndarray:
        """Whether triangles a and b [K] of one object are one surface, seen at tangents at_a and at_b [K, 2]; bool."""
        share = (self.faces[a][:, :, None] == self.faces[b][:, None]).any((1, 2))
        # what reaches behind the camera has no picture to overlap in
        drawn = np.isfinite(self.corners[a]).all((1, 2)) & np.isfinite(self.corners[b]).all((1, 2))
        result = share & ~(drawn & _overlap(self.corners[a], self.corners[b]))
        start, end = self._nearest(a, at_a), self._nearest(b, at_b)
        for k in np.flatnonzero(~result & ~self.bad[start] & ~self.bad[end]):
            path = self.paths_from(int(start[k])).get(int(end[k]))
            result[k] = path is not None and not self.bad[path].any()
        return result

    def _nearest(self, triangle: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The corner [K] of each triangle [K] that is next to a point [K, 2] of the picture."""
        away = np.square(self.corners[triangle] - at[:, None]).sum(2)
        corner = np.where(np.isnan(away), np.inf, away).argmin(1)
        return self.faces[triangle, corner]


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which pairs of triangles [K, 3, 2] in the plane have more in common than their borders (separating axes)."""
    apart = np.zeros(len(a), bool)
    with np.errstate(invalid="ignore"):
        for corners in (a, b):
            for k in range(3):
                edge = corners[:, (k + 1) % 3] - corners[:, k]
                across = np.column_stack([-edge[:, 1], edge[:, 0]])
                ours, theirs = (np.einsum("kci,ki->kc", part, across) for part in (a, b))
                slack = 1e-9 * np.maximum(np.ptp(ours, axis=1), np.ptp(theirs, axis=1))
                apart |= (ours.max(1) <= theirs.min(1) + slack) | (theirs.max(1) <= ours.min(1) + slack)
    return ~apart


def _is_covered(corners: np.ndarray, caster: MeshCaster, triangles: np.ndarray, tangents: np.ndarray,
                depth_m: np.ndarray) -> np.ndarray:
    """Which of the triangles [K], all in front of the camera, something nearer covers at a point of the grid; bool."""
    height, width = depth_m.shape
    low, step = tangents[0, 0], tangents[-1, -1] - tangents[0, 0]
    cells = (corners[triangles] - low) / step * [width - 1, height - 1]             # [K, 3, 2], in points of the grid
    first = np.ceil(cells.min(1)).clip(0, [width, height]).astype(int)
    last = np.floor(cells.max(1)).clip(-1, [width - 1, height - 1]).astype(int)
    size = (last - first + 1).clip(0)
    count = size.prod(1)
    covered = np.zeros(len(triangles), bool)
    total = count.cumsum()
    begin = 0
    while begin < len(triangles):
        end = max(begin + 1, int(np.searchsorted(total, total[begin] - count[begin] + _FRAGMENTS, "right")))
        which = np.repeat(np.arange(begin, end), count[begin:end])
        number = np.arange(len(which)) - np.repeat(total[begin:end] - count[begin:end] - total[begin] + count[begin],
                                                   count[begin:end])
        columns = first[which, 0] + number % size[which, 0]
        rows = first[which, 1] + number // size[which, 0]
        a, b, c = (cells[which, k] for k in range(3))
        point = np.column_stack([columns, rows])
        turns = [(q - p)[:, 0] * (point - p)[:, 1] - (q - p)[:, 1] * (point - p)[:, 0]
                 for p, q in ((a, b), (b, c), (c, a))]
        within = (np.min(turns, axis=0) >= 0) | (np.max(turns, axis=0) <= 0)
        which, rows, columns = which[within], rows[within], columns[within]
        face = triangles[which]
        ray = np.column_stack([tangents[rows, columns], np.ones(len(rows))])
        z = np.einsum("ri,ri->r", caster.normals[face], caster.corners_m[face, 0]) / np.einsum(
            "ri,ri->r", caster.normals[face], ray)
        covered[which[depth_m[rows, columns] < z * (1 - 1e-6)]] = True
        begin = end
    return covered
