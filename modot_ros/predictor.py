# SPDX-License-Identifier: Apache-2.0
"""From one RGB picture to a Prediction: the only door to inference. No ROS in here."""
from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from modot_ros.engine import Engine, LocalEngine, make_engine
from modot_ros.model import (
    MODELS,
    ORDER_MODELS,
    STROKE_MODELS,
    LoadedNetwork,
    load_order_network,
    look,
    order_pairs,
    resized,
    run_strokes,
)
from modot_ros.prediction import METHODS, PARTS, OrderGraph, Prediction
from modot_ros.scene.boundaries import thin
from modot_ros.scene.geometry import check_focal, ray_lengths, resize_depth
from modot_ros.scene.instances import validate_labels
from modot_ros.scene.naming import completed
from modot_ros.scene.order.fusion import fuse, learned_graph
from modot_ros.scene.order.graph import ASSUMED_FOCAL, order_graph
from modot_ros.scene.order.nearness import shipped_weights
from modot_ros.scene.partition import partition
from modot_ros.scene.strokes import Stroke, stroke_maps
from modot_ros.scene.suppression import previous_output

# What has to be computed before a part can be.
_NEEDS = {"depth": {"depth"}, "boundary": {"depth", "boundary"}, "instances": {"depth", "boundary", "instances"},
          "order": {"depth", "boundary", "instances", "order"}, "classes": {"classes"}}
MOST_REFINED_PX = 4_000_000                             # of a picture with strokes, which is not reduced


class Predictor:
    """A loaded model with everything that turns its maps into a Prediction.

    model       one of modot_ros.model.MODELS for `predict`, or of STROKE_MODELS for `refine`
    weights     path of a .safetensors or .pth file; None takes the weights that come with the package
    device      "auto" (a GPU when there is one), "cpu", "cuda" or "cuda:N"
    precision   "fp32", "bf16" or "fp16"
    boundary_threshold   probability in (0, 1] from which a boundary counts
    max_instances        most regions that the model's own partition has, and most ids a label image may have
    flip        run the mirrored picture as well and merge both results: a little better, twice as slow
    order_method    where the order graph comes from: "geometric" (depth and boundaries), "learned" (an order network)
                or "fused" (both, see scene.order.fusion); the first needs no order network and loads none
    order_model     one of modot_ros.model.ORDER_MODELS
    order_weights   path of its .safetensors or .pth file
    order_max_instances   so many of the largest instances go into the order network, which runs once per ordered pair of
                them, 16 * 15 = 240 times. Pairs of the others keep their geometric relations ("fused") or have none
    engine      where the network runs: "local" (in this process, by torch), "onnx" (by ONNX Runtime; `weights` may be a file
                of `modot export`), "ray" (by a pool of machines, then `predict` may raise prediction.Unanswered), or an Engine
                that exists, which several predictors may share
    engine_addresses, engine_budget_s   of a pool: host:port of its machines, and how long an answer may take
    Raises FileNotFoundError for missing weights and ValueError for everything else that cannot work, naming it.
    """

    def __init__(self, model: str = "modot_nano", weights: str | Path | None = None, device: str = "auto",
                 precision: str = "fp32", boundary_threshold: float = 0.5, max_instances: int = 64,
                 flip: bool = False, order_method: str = "geometric", order_model: str = "",
                 order_weights: str | Path | None = None, order_max_instances: int = 16,
                 engine: str | Engine = "local", engine_addresses: Sequence[str] = (), engine_budget_s: float = 0.3) -> None:
        if order_method not in METHODS:
            raise ValueError(f"order_method is {order_method!r}: choose one of {', '.join(METHODS)}")
        if order_model not in ORDER_MODELS and (order_model or order_method != "geometric"):
            raise ValueError(f"order_model is {order_model!r} and order_method {order_method!r}: choose one of "
                             f"{', '.join(ORDER_MODELS)}")
        if order_max_instances < 2:
            raise ValueError(f"order_max_instances is {order_max_instances}: it must be 2 or more")
        self.engine = (engine if not isinstance(engine, str) else
                       make_engine(engine, model, weights, device, precision, engine_addresses, engine_budget_s))
        shipped_weights()                               # read here and not when the first picture comes
        self.order_method = order_method
        self.order_max_instances = order_max_instances
        self.order_network = None
        if order_method != "geometric":
            self.order_network = load_order_network(order_model, order_weights, device, precision)
        self.flip = flip
        self.boundary_threshold = boundary_threshold
        self.max_instances = max_instances

    @property
    def boundary_threshold(self) -> float:
        return self._boundary_threshold

    @boundary_threshold.setter
    def boundary_threshold(self, value: float) -> None:
        if not 0 < value <= 1:
            raise ValueError(f"boundary_threshold is {value}: it must be in (0, 1]")
        self._boundary_threshold = value

    @property
    def max_instances(self) -> int:
        return self._max_instances

    @max_instances.setter
    def max_instances(self, value: int) -> None:
        if not 1 <= value <= 65535:
            raise ValueError(f"max_instances is {value}: it must be in 1..65535")
        self._max_instances = value

    @property
    def name(self) -> str:
        """Name of the model, one of modot_ros.model.MODELS."""
        return self.engine.facts.name

    @property
    def loaded(self) -> LoadedNetwork:
        """The network itself; ValueError unless it runs in this process by torch."""
        if not isinstance(self.engine, LocalEngine):
            raise ValueError(f"{self.name} does not run by torch in this process: choose engine local")
        return self.engine.loaded

    @property
    def device(self) -> str:
        """Where the network runs, "cpu" or "cuda:N"."""
        return self.engine.facts.device

    @property
    def depth_kind(self) -> str:
        """"metric", "relative" or "none"."""
        return self.engine.facts.depth_kind

    @property
    def has_uncertainty(self) -> bool:
        """Whether the model predicts the standard deviation of ln depth."""
        return self.engine.facts.has_uncertainty

    @property
    def has_semantics(self) -> bool:
        """Whether the model predicts semantic classes."""
        return self.engine.facts.has_semantics

    def predict(self, rgb: np.ndarray, focal_px: float | None = None, instances: np.ndarray | None = None,
                parts: Collection[str] = PARTS) -> Prediction:
        """Depth, boundaries, instances and order graph of one picture.

        rgb         uint8 [H, W, 3], red first
        focal_px    horizontal focal length of this picture, pixels; None assumes the model's canonical camera, so that
                    metric depth is right up to one factor. Depth of weights without a canonical camera (the published
                    ones) is not scaled by it: it holds for cameras like those of their data set
        instances   integer labels [H, W], 0 = background, kept as they are; None derives a class-agnostic partition
        parts       which of prediction.PARTS are wanted; what they need is computed, the others stay None. With "classes", which
                    not every model predicts, instances of the order graph have names
        Raises ValueError for a picture, focal length, label image or part that cannot be used, naming it.
        """
        unknown = set(parts) - set(PARTS)
        if unknown:
            raise ValueError(f"parts {sorted(unknown)} are unknown: choose from {PARTS}")
        if self.depth_kind == "none":
            raise ValueError(f"{self.name} predicts no depth: choose one of {', '.join(MODELS)}, or call refine")
        _validate_picture(rgb)
        height, width = rgb.shape[:2]
        engine = self.engine.now()
        facts = engine.facts
        canonical_focal = facts.canonical_focal
        if focal_px is None:
            focal_px = (canonical_focal or ASSUMED_FOCAL) * width
        else:
            check_focal(focal_px, width)
        if instances is not None:
            instances = validate_labels(instances, (height, width), max_instances=self.max_instances)
        needed = set().union(*(_NEEDS[part] for part in parts))

        watch = _Stopwatch()
        coarse: Any = look(lambda pictures: engine.maps(pictures, *(part in needed for part in ("depth", "boundary", "classes"))),
                           resized(rgb, facts.working_size), self.flip)
        coarse_depth, coarse_probability, coarse_std = coarse[:3]
        watch.lap("network")
        depth: Any = None                               # which of these are computed depends on `needed`
        probability: Any = None
        labels: Any = None
        mask = side = graph = std = classes = class_probability = None
        if "boundary" in needed:
            probability = cv2.resize(coarse_probability, (width, height), interpolation=cv2.INTER_LINEAR)
        if "depth" in needed:
            if facts.depth_along == "ray":
                rows, columns = coarse_depth.shape
                coarse_depth = coarse_depth / ray_lengths(columns, rows, focal_px * columns / width)
            if self.depth_kind == "metric" and canonical_focal:
                coarse_depth = coarse_depth * np.float32(focal_px / (canonical_focal * width))
            if coarse_depth.shape != (height, width):   # enlarged, stray pixels at an edge would become spots
                coarse_depth = cv2.medianBlur(coarse_depth, 3)
            depth = resize_depth(coarse_depth, (width, height), coarse_probability)
            if coarse_std is not None:
                std = cv2.resize(coarse_std, (width, height), interpolation=cv2.INTER_LINEAR)
        if coarse.classes is not None:
            classes = cv2.resize(coarse.classes, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
            class_probability = cv2.resize(coarse.class_probability, (width, height), interpolation=cv2.INTER_LINEAR)
        watch.lap("resize")
        if "boundary" in needed:
            mask, side = thin(probability, depth, self.boundary_threshold)
            watch.lap("thin")
        if "instances" in needed:
            labels = instances
            if labels is None:                          # objects are found as well at the network's own size
                labels = partition(coarse_depth, coarse_probability, rgb, self.max_instances)
                labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
            watch.lap("instances")
        if "order" in needed:
            names, scores = completed(labels, classes, class_probability)
            graph = self._graph(watch, rgb, labels, depth, probability, focal_px, names, scores, instances is None)

        def asked(part: str, value: Any) -> Any:
            return value if part in parts else None

        return Prediction(depth_kind=self.depth_kind, focal_px=float(focal_px), depth=asked("depth", depth),
                          boundary_probability=asked("boundary", probability), boundary_mask=asked("boundary", mask),
                          boundary_side=asked("boundary", side), labels=asked("instances", labels),
                          graph=asked("order", graph), log_depth_std=asked("depth", std), classes=classes,
                          class_probability=class_probability, stage_s=watch.stage_s)

    def refine(self, rgb: np.ndarray, strokes: Sequence[Stroke] = (), previous: np.ndarray | None = None) -> Prediction:
        """Boundaries of one picture, corrected where a person drew strokes (DNMMSI, BMVC 2025).

        rgb         uint8 [H, W, 3], red first, of MOST_REFINED_PX at most
        strokes     where a boundary is missing and where one is false; none, and no `previous`: a first look
        previous    float [H, W] in 0..1, the probability that the strokes were drawn over. None computes it first, which
                    takes as long again; networks that were trained without it do not read it
        Returns a prediction with boundary_probability and boundary_mask alone; the mask is one pixel wide.
        Raises ValueError for a model that takes no strokes, and for a picture, stroke or previous map that cannot be used.
        """
        if self.name not in STROKE_MODELS:
            raise ValueError(f"{self.name} takes no strokes: choose one of {', '.join(STROKE_MODELS)}")
        _validate_picture(rgb)
        height, width = rgb.shape[:2]
        if height < 2 or width < 2 or height * width > MOST_REFINED_PX:
            raise ValueError(f"picture is {width}x{height}: strokes need 2x2 to {MOST_REFINED_PX / 1e6:.0f} million pixels, "
                             "reduce it first")
        missing, false = stroke_maps(strokes, width, height)
        if previous is not None:
            previous = _validated_probability(previous, width, height)
        watch = _Stopwatch()
        maps = np.zeros((3, height, width), np.float32)
        network: Any = self.loaded.network
        if previous is None and strokes and network.previous:
            previous = run_strokes(self.loaded, rgb, maps)
        maps[0], maps[1] = missing, false
        if previous is not None:
            maps[2] = previous_output(previous, binary=network.version == 2)
        probability = run_strokes(self.loaded, rgb, maps)
        watch.lap("network")
        mask, _ = thin(probability, np.full((height, width), np.nan, np.float32), self.boundary_threshold)
        watch.lap("thin")
        return Prediction(depth_kind=self.depth_kind, focal_px=math.nan, boundary_probability=probability,
                          boundary_mask=mask, stage_s=watch.stage_s)

    def relate(self, rgb: np.ndarray, prediction: Prediction, labels: np.ndarray, names: Mapping[int, str] | None = None,
               scores: Mapping[int, float] | None = None, found: bool = False) -> Prediction:
        """The prediction with these labels and their order graph; the depth network does not run again.

        rgb            the picture that the prediction is of
        prediction     with depth and boundary
        labels         int32 [H, W] as `validate_labels` returns them
        names, scores  class name and confidence of labels; those without a name get that of the prediction's classes
        found          the labels are regions that `predict` found, under whatever numbers
        Raises ValueError for a prediction without depth or boundary.
        """
        if prediction.depth is None or prediction.boundary_probability is None:
            raise ValueError("prediction has no depth or no boundary: predict with both parts")
        watch = _Stopwatch()
        names, scores = completed(labels, prediction.classes, prediction.class_probability, names, scores)
        graph = self._graph(watch, rgb, labels, prediction.depth, prediction.boundary_probability,
                            prediction.focal_px, names, scores, found)
        return replace(prediction, labels=labels, graph=graph, stage_s={**prediction.stage_s, **watch.stage_s})

    def _graph(self, watch: _Stopwatch, rgb: np.ndarray, labels: np.ndarray, depth: np.ndarray, probability: np.ndarray,
               focal_px: float, names: Mapping[int, str] | None = None,
               scores: Mapping[int, float] | None = None, found: bool = False) -> OrderGraph:
        graph = order_graph(labels, depth, probability, names, scores, focal_px / labels.shape[1],
                            found and self.order_network is None)     # `fuse` weighs confidences as of given masks
        watch.lap("order")
        if self.order_network is not None:
            graph = self._with_order_network(rgb, labels, graph)
            watch.lap("order_network")
        return graph

    def _with_order_network(self, rgb: np.ndarray, labels: np.ndarray, geometric: OrderGraph) -> OrderGraph:
        """The graph by `order_method`, with the order network's prediction for the largest instances."""
        largest = sorted(geometric.instances, key=lambda instance: -instance.area_px)[:self.order_max_instances]
        if len(largest) < 2:
            return replace(geometric, method=self.order_method)
        ids = [instance.id for instance in largest]
        masks = (labels == np.array(ids)[:, None, None]).astype(np.uint8)
        boxes = np.array([instance.bbox_px for instance in largest], float)
        pair_orders = order_pairs(self.order_network, rgb, masks, boxes)
        if self.order_method == "learned":
            return learned_graph(geometric.instances, pair_orders, ids)
        return fuse(geometric, pair_orders, ids, labels)


def _validate_picture(rgb: np.ndarray) -> None:
    """ValueError unless it is a colour picture."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"picture is {rgb.dtype} {list(rgb.shape)}: it must be uint8 [H, W, 3] and not empty")


def _validated_probability(previous: np.ndarray, width: int, height: int) -> np.ndarray:
    """The previous map as float32 [H, W]; ValueError when it is of another size or no probability."""
    if previous.shape != (height, width) or not np.issubdtype(previous.dtype, np.floating):
        raise ValueError(f"previous is {previous.dtype} {list(previous.shape)}: must be floats of the picture's size, "
                         f"{[height, width]}")
    if not ((previous >= 0) & (previous <= 1)).all():               # NaN compares false
        raise ValueError("previous has values outside 0..1 or that are no numbers")
    return previous.astype(np.float32)


class _Stopwatch:
    """Seconds between laps, by the name of what was done."""

    def __init__(self) -> None:
        self.stage_s: dict[str, float] = {}
        self._last_s = time.perf_counter()

    def lap(self, stage: str) -> None:
        now_s = time.perf_counter()
        self.stage_s[stage] = now_s - self._last_s
        self._last_s = now_s
