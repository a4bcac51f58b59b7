# SPDX-License-Identifier: Apache-2.0
"""One-to-one matching of boundary pixels: at most one true pixel for each predicted one, no farther than a tolerance.

The benchmark of BSDS (Martin, Fowlkes and Malik, TPAMI 2004) charges 100 tolerances for a pixel without a partner, so
that with one truth per picture only the number of pairs counts: a largest matching. `largest_matching` finds it for one
mask. `matches_by_rank` finds it for a mask that grows pixel by pixel, every threshold in one pass: the sets of
predicted pixels that can be matched are the independent sets of a transversal matroid, so a pixel that finds no partner
when it is its turn never will, and what came before it keeps its count.
"""
from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

TOLERANCE = 0.0075                                      # of the picture's diagonal


def tolerance_px(shape: tuple[int, int], share: float = TOLERANCE) -> float:
    """Distance in pixels within which two pixels of a picture [H, W] may be matched."""
    return share * float(np.hypot(*shape))


def largest_matching(predicted: np.ndarray, truth: np.ndarray, tolerance: float) -> int:
    """Number of pairs of a largest matching between two masks [H, W]; `tolerance` in pixels.

    By maximum flow with unit capacities (Dinic): scipy's `maximum_bipartite_matching` needs minutes on large masks.
    """
    starts, partners = _candidates(np.flatnonzero(predicted), truth, tolerance)
    n, m = len(starts) - 1, int(np.count_nonzero(truth))
    if not len(partners):
        return 0
    # Nodes: source, predicted pixels, true pixels, sink.
    rows = np.concatenate([np.zeros(n, np.int64), 1 + np.repeat(np.arange(n), np.diff(starts)), 1 + n + np.arange(m)])
    columns = np.concatenate([1 + np.arange(n), 1 + n + partners, np.full(m, 1 + n + m)])
    graph = csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=(n + m + 2,) * 2)
    return int(maximum_flow(graph, 0, n + m + 1, method="dinic").flow_value)


def matches_by_rank(pixels: np.ndarray, truth: np.ndarray, tolerance: float) -> np.ndarray:
    """Which pixels, taken one after the other, enlarge the largest matching of those so far with the truth.

    Args:
        pixels: flat indices into the picture, the most probable first.
        truth: mask [H, W].
        tolerance: pixels.

    Returns bool [n]: the first k pixels can be matched in `result[:k].sum()` pairs and not in more.
    """
    starts, partners = (array.tolist() for array in _candidates(pixels, truth, tolerance))
    owner = [-1] * int(np.count_nonzero(truth))         # of a true pixel: the predicted one it is matched with
    partner = [-1] * (len(starts) - 1)
    seen = [-1] * len(owner)                            # last search that came by
    dead = len(starts)                                  # that search failed: nobody needs to come by again
    enlarges = np.zeros(len(starts) - 1, bool)
    for start in range(len(starts) - 1):
        # Breadth first along alternating paths to the nearest true pixel without an owner.
        queue, came_from, visited, end = [start], {}, [], -1
        for here in queue:
            for true in partners[starts[here]:starts[here + 1]]:
                if seen[true] == start or seen[true] == dead:
                    continue
                seen[true] = start
                visited.append(true)
                came_from[true] = here
                if owner[true] < 0:
                    end = true
                    break
                queue.append(owner[true])
            if end >= 0:
                break
        if end < 0:
            for true in visited:
                seen[true] = dead
            continue
        enlarges[start] = True
        while end >= 0:                                 # turn the path round: every pixel on it gets the next partner
            here = came_from[end]
            owner[end], partner[here], end = here, end, partner[here]
    return enlarges


def _candidates(pixels: np.ndarray, truth: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """True pixels within the tolerance of each given one, nearest first.

    Returns (starts int64 [n + 1], partners int64): those of pixel k are partners[starts[k]:starts[k + 1]], as numbers
    that count the set pixels of `truth` in row order.
    """
    reach = int(tolerance)
    dv, du = (array.ravel() for array in np.mgrid[-reach:reach + 1, -reach:reach + 1])
    square = dv ** 2 + du ** 2
    inside = np.flatnonzero(square <= tolerance ** 2)
    inside = inside[np.argsort(square[inside], kind="stable")]
    number = np.full(truth.shape, -1, np.int32)
    number[truth != 0] = np.arange(np.count_nonzero(truth))
    number = np.pad(number, reach, constant_values=-1)
    v, u = np.divmod(np.asarray(pixels, np.int64), truth.shape[1])
    near = number[v[:, None] + (dv[inside] + reach), u[:, None] + (du[inside] + reach)]
    there = near >= 0
    return np.concatenate([[0], np.cumsum(there.sum(1))]), near[there].astype(np.int64)
