# SPDX-License-Identifier: Apache-2.0
"""Scores of a sequence: how much depth and ids move that should stay, with and without `steady_scale`."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modot_ros.learn.metrics.steadiness import Movement, Switches, movement
from modot_ros.predictor import Predictor
from modot_ros.scene.steady_scale import SteadyScale
from modot_ros.scene.tracking import Tracker

THINNED = 4                                             # of rows and columns, one in so many counts
MEMORY_S = 2.0                                          # hidden_timeout_s of the node, as by default


@dataclass(frozen=True)
class Frame:
    """A frame of a sequence, with its truth where that is known."""

    rgb: np.ndarray                                     # uint8 [H, W, 3]
    stamp_s: float
    focal_px: float | None = None                       # None: unknown
    depth_m: np.ndarray | None = None                   # float [H, W], NaN = unknown
    labels: np.ndarray | None = None                    # int [H, W], 0 = none


@dataclass(frozen=True)
class SequenceScores:
    """Of one sequence. `switches` and `lost` are per 100 frames, NaN without true instances."""

    title: str
    frames: int
    against_truth: bool                                 # what moves is the error; otherwise the depth itself
    plain: Movement
    steady: Movement
    switches: float                                     # of a true instance's id
    lost: float                                         # true instances that the frame before found and this one did not


def evaluate_sequence(title: str, frames: Iterable[Frame], predictor: Predictor) -> SequenceScores:
    """Raises ValueError for fewer than two frames, or where only some have their true depth."""
    steady, tracker, switches = SteadyScale(), Tracker(MEMORY_S), Switches(MEMORY_S)
    plain_logs: list[np.ndarray] = []
    steady_logs: list[np.ndarray] = []
    with_truth = 0
    for frame in frames:
        found = predictor.predict(frame.rgb, frame.focal_px, parts=("depth", "boundary", "instances"))
        factor = steady.factor(frame.rgb, found.depth, frame.stamp_s, found.log_depth_std)
        labels, _ = tracker.recognise(found.labels, frame.rgb, found.depth * np.float32(factor), frame.stamp_s)
        reference = np.ones_like(found.depth) if frame.depth_m is None else frame.depth_m
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(found.depth / reference)[::THINNED, ::THINNED].astype(np.float32)
        log[~np.isfinite(log)] = np.nan
        plain_logs.append(log)
        steady_logs.append(log + np.float32(np.log(factor)))
        with_truth += frame.depth_m is not None
        if frame.labels is not None:
            switches.add(frame.labels, labels, frame.stamp_s)
    count = len(plain_logs)
    if count < 2:
        raise ValueError(f"{title}: {count} frames, a sequence has two or more")
    if 0 < with_truth < count:
        raise ValueError(f"{title}: {with_truth} of {count} frames have their true depth, all or none are needed")
    return SequenceScores(title, count, with_truth > 0, movement(plain_logs), movement(steady_logs),
                          switches.per_100_frames(switches.switches), switches.per_100_frames(switches.lost))


def sequence_table(scores: Iterable[SequenceScores]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| sequence | scale | a pixel's change a frame | the picture's | largest to smallest scale | id switches, lost a "
             "hundred frames |", "| --- | --- | --- | --- | --- | --- |"]
    for one in scores:
        of = "error" if one.against_truth else "depth"
        for name, moved in (("plain", one.plain), ("steady", one.steady)):
            ids = "" if np.isnan(one.switches) or name == "plain" else f"{one.switches:.1f}, {one.lost:.1f}"
            lines.append(f"| {one.title} ({one.frames} frames, {of}) | {name} | {moved.pixel_percent:.2f} % | "
                         f"{moved.picture_percent:.2f} % | x{moved.largest_to_smallest:.2f} | {ids} |")
    return lines


def sequence_record(one: SequenceScores) -> dict[str, Any]:
    """For JSON, unknown numbers as None."""
    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(inner) for key, inner in value.items()}
        return None if isinstance(value, float) and not np.isfinite(value) else value
    return known(asdict(one))
