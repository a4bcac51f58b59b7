# SPDX-License-Identifier: Apache-2.0
"""Ground truth of a view of a mesh besides its arrays: the class of each boundary pixel, and the order graph."""
from __future__ import annotations

import numpy as np

from modot_ros.learn.synthetic.view import View
from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph

BACKGROUND, BETWEEN, SELF = 1, 2, 3                     # classes of a boundary; 0 = none


def boundary_classes(view: View) -> np.ndarray:
    """uint8 [H, W], 0 off the boundary: BACKGROUND where nothing lies behind, BETWEEN two objects, or SELF.

    The class of a pair of pixels is told by what the two see; a pixel with several takes the first of the three.
    """
    classes = np.full(view.labels.shape, SELF + 1, np.uint8)
    for pairs, first, second in _neighbours(view):
        a, b = view.labels[first], view.labels[second]
        kind = np.where((a == 0) | (b == 0), BACKGROUND, np.where(a == b, SELF, BETWEEN)).astype(np.uint8)
        for place, mine in ((first, pairs > 0), (second, pairs < 0)):
            classes[place][mine] = np.minimum(classes[place][mine], kind[mine])
    classes[classes > SELF] = 0
    return classes


def true_graph(view: View, names: tuple[str, ...]) -> OrderGraph:
    """The orders as a graph; every confidence is 1, and what is hidden altogether is not in it.

    names[k] is the name of instance k.
    """
    instances = []
    for k in np.unique(view.labels[view.labels > 0]):
        rows, columns = np.nonzero(view.labels == k)
        near_m, middle_m, far_m = np.quantile(view.depth_m[rows, columns], [0.05, 0.5, 0.95])
        box = int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1
        instances.append(Instance(int(k), len(rows), box, float(middle_m), float(near_m), float(far_m), names[k]))
    both = {(front, back) for front, back, _ in view.occlusions.tolist()}
    occlusions = tuple(OcclusionOrder(front, back, 1.0, (back, front) in both, float(length), _gap_m(view, front, back))
                       for front, back, length in view.occlusions.tolist())
    depths = tuple(DepthOrder(*order, 1.0) for order in view.depth_orders)
    return OrderGraph("geometric", tuple(instances), occlusions, depths)


def _gap_m(view: View, front: int, back: int) -> float:
    """Median step of z across the boundary where `front` hides `back`."""
    steps = []
    for pairs, first, second in _neighbours(view):
        for sign, near, far in ((1, first, second), (-1, second, first)):
            here = (pairs == sign) & (view.labels[near] == front) & (view.labels[far] == back)
            steps.append(view.depth_m[far][here] - view.depth_m[near][here])
    return float(np.median(np.concatenate(steps)))


def _neighbours(view: View) -> tuple[tuple, tuple]:
    """(pair labels, slices of the first pixels, of the second) to the right and down."""
    return ((view.boundary_right, np.s_[:, :-1], np.s_[:, 1:]), (view.boundary_down, np.s_[:-1], np.s_[1:]))
