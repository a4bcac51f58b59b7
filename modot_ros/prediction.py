# SPDX-License-Identifier: Apache-2.0
"""Data classes of a prediction, which every other room uses.

Arrays are NumPy, row-major, indexed [row v, column u], at the size of the input picture. Depth is z along the optical
axis (REP 103 optical frame: x right, y down, z forward). The order relations are InstaOrder's (Lee and Park, CVPR 2022).
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

# What can be asked of a predictor; "order" needs the three before it. Only some models predict "classes".
PARTS = ("depth", "boundary", "instances", "order", "classes")

# Where an order graph comes from: depth and boundaries, an order network, or both.
METHODS = ("geometric", "learned", "fused")

# Codes 1..8 of `Prediction.boundary_side`: step (du, dv) from the occluder's pixel towards what it hides.
# Code k points along (k - 1) * 45 degrees, y down: 1 right, 3 down, 5 left, 7 up.
SIDE_STEPS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


class Unanswered(Exception):
    """A picture without a prediction through no fault of its own: whoever runs the network did not answer in time.

    reason  a word that drops are counted under
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Instance:
    """One region of the label image, or one that was there and is hidden now.

    A hidden instance has no pixels: its area is 0, box and depth are those that were seen last, and no relation names
    it, its id being in no label image until it comes back.
    """

    id: int                                             # value in the label image, 1..65535
    area_px: int                                        # pixels of the region; 0 = hidden
    bbox_px: tuple[int, int, int, int]                  # u, v, width, height of the tight box
    depth_m: float                                      # median z of the region; NaN without any depth
    depth_near_m: float                                 # 5 % quantile of z
    depth_far_m: float                                  # 95 % quantile of z
    name: str = ""                                      # of its class, by the source of the labels or by the model's classes
    score: float = 1.0                                  # confidence of the name or, without one, of the region, 0..1
    age: int = 1                                        # frames that this id has been seen in, this one included
    hidden_by: int = 0                                  # 0 = visible; else the id that was last seen in front of it


@dataclass(frozen=True)
class OcclusionOrder:
    """`occluder` hides a part of `occludee`. A mutual pair appears twice, once in each direction."""

    occluder: int
    occludee: int
    confidence: float                                   # 0..1
    mutual: bool                                        # the opposite direction holds as well
    boundary_length_px: float                           # length of the shared contour with evidence for this direction
    depth_gap_m: float                                  # median z step across that contour, > 0
    # Where only an order network predicted it, no contour was measured: the length is 0 and the gap NaN.


@dataclass(frozen=True, slots=True)                     # N^2 / 2 of them in a picture: slots are quickly filled
class DepthOrder:
    """`near` is closer to the camera than `far`; when `equal` the two are at one depth and near < far by id."""

    near: int
    far: int
    equal: bool
    overlapping: bool                                   # their depth ranges overlap
    confidence: float                                   # 0..1


@dataclass(frozen=True)
class OrderGraph:
    """Who occludes whom and who is nearer, ids being those of the label image."""

    method: str                                         # one of METHODS
    instances: tuple[Instance, ...] = ()
    occlusions: tuple[OcclusionOrder, ...] = ()
    depths: tuple[DepthOrder, ...] = ()


@dataclass(frozen=True)
class PairOrders:
    """Prediction of an order network for every pair of N masks; row i, column j is the relation of i to j.

    occlusion   int64 [N, N], 1 = row over column; both directions may hold
    depth       int64 [N, N], 1 = row closer, 0 = row farther, 2 = equal
    occlusion_probability   float32 [N, N], P(row over column)
    depth_probability       float32 [N, N, 3], P(row closer), P(row farther), P(equal)
    The diagonal and pairs without a prediction are 0, their probabilities NaN. A network without an occlusion or
    a depth head leaves both fields of it None; one whose orders come from areas or disparity has no probability.
    """

    occlusion: np.ndarray | None = None
    depth: np.ndarray | None = None
    occlusion_probability: np.ndarray | None = None
    depth_probability: np.ndarray | None = None


@dataclass(frozen=True)
class Prediction:
    """Prediction of one picture. Parts that were not asked for are None.

    depth              float32 [H, W]; metres when `depth_kind` is "metric" (NaN = no estimate, +inf = beyond range,
                       never 0), unit-free and growing with distance when it is "relative"
    boundary_probability  float32 [H, W] in [0, 1]
    boundary_mask      bool [H, W], thinned to one pixel on the occluder's side; without depth, on the ridge
    boundary_side      uint8 [H, W], 0 off the mask, else 1..8, see SIDE_STEPS
    labels             int32 [H, W], 0 = background
    log_depth_std      float32 [H, W], standard deviation of ln depth, with the depth; None where the model gives none
    classes            uint8 [H, W], ids of modot_ros.classes.CLASS_NAMES; None where the model predicts none
    class_probability  float32 [H, W] in [0, 1], of that class; with `classes`
    """

    depth_kind: str                                     # "metric", "relative" or "none"
    focal_px: float                                     # horizontal focal length that the metric scale was made with
    depth: np.ndarray | None = None
    boundary_probability: np.ndarray | None = None
    boundary_mask: np.ndarray | None = None
    boundary_side: np.ndarray | None = None
    labels: np.ndarray | None = None
    graph: OrderGraph | None = None
    log_depth_std: np.ndarray | None = None
    classes: np.ndarray | None = None
    class_probability: np.ndarray | None = None
    stage_s: dict[str, float] = field(default_factory=dict)   # seconds of network, resize, thin, instances, order,
                                                                # order_network

    def turned(self, quarters: int) -> Prediction:
        """What the same camera turned about its axis would have seen: arrays, sides and boxes turned counterclockwise.

        quarters: of a full turn, any integer; as numpy.rot90, so that `turned(-k)` takes `turned(k)` back. Orders stay.
        """
        quarters %= 4
        if not quarters:
            return self
        side = self.boundary_side
        if side is not None:                            # codes run clockwise in steps of 45 degrees
            side = np.where(side > 0, (side.astype(np.int16) - 1 - 2 * quarters) % 8 + 1, 0).astype(np.uint8)
        arrays = {"depth": self.depth, "boundary_probability": self.boundary_probability, "boundary_mask": self.boundary_mask,
                  "boundary_side": side, "labels": self.labels, "log_depth_std": self.log_depth_std, "classes": self.classes,
                  "class_probability": self.class_probability}
        turned: dict[str, Any] = {name: None if array is None else np.ascontiguousarray(np.rot90(array, quarters))
                                  for name, array in arrays.items()}
        graph = self.graph
        if graph is not None:
            height, width = next(array.shape for array in arrays.values() if array is not None)
            graph = replace(graph, instances=tuple(
                replace(one, bbox_px=_turned_box(one.bbox_px, width, height, quarters)) for one in graph.instances))
        return replace(self, graph=graph, **turned)

    @property
    def depth_m(self) -> np.ndarray | None:
        """Depth in metres, float32 [H, W]. Raises ValueError when the model's depth has no metric scale."""
        if self.depth_kind != "metric":
            raise ValueError(f"depth_kind is {self.depth_kind!r}: only 'metric' depth can be read in metres")
        return self.depth


def _turned_box(box: tuple[int, int, int, int], width: int, height: int, quarters: int) -> tuple[int, int, int, int]:
    """u, v, width, height of a box in a picture of this size after so many quarter turns counterclockwise."""
    for _ in range(quarters):
        u, v, wide, high = box
        box = v, width - u - wide, high, wide
        width, height = height, width
    return box
