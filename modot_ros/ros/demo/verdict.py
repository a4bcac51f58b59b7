# SPDX-License-Identifier: Apache-2.0
"""Whether what a node publishes is valid: values that may be, sizes that agree, a graph of its own labels.

Arrays in, sentences out; no ROS.
"""
from __future__ import annotations

from collections import Counter

import numpy as np

MIN_KNOWN = 0.5                                         # of pixels with a depth, of frames with a boundary


class Verdict:
    """Collects what is wrong over many frames."""

    def __init__(self) -> None:
        self.frames = 0
        self.faults: Counter[str] = Counter()           # sentence -> frames it holds for
        self.known_depth: list[float] = []              # share of pixels with a depth, per frame
        self.boundary_px: list[int] = []

    def check(self, depth: np.ndarray, boundary: np.ndarray, labels: np.ndarray, graph_ids: set[int]) -> None:
        """One frame, all [H, W]; depth is float (REP 117: NaN = no estimate, +-inf = out of range)."""
        self.frames += 1
        if not depth.shape == boundary.shape == labels.shape:
            sizes = f"depth {depth.shape}, boundary {boundary.shape}, labels {labels.shape}"
            self.faults[f"sizes differ: {sizes}"] += 1
        if (np.isfinite(depth) & (depth <= 0)).any():
            self.faults["depth has values that are not positive"] += 1
        self.known_depth.append(float(np.mean(depth > 0)))
        if not np.isin(boundary, (0, 255)).all():
            self.faults["boundary has values other than 0 and 255"] += 1
        self.boundary_px.append(int(np.count_nonzero(boundary)))
        foreign = graph_ids - set(np.unique(labels).tolist())
        if foreign:
            self.faults["order graph speaks of ids that are not in its label image"] += 1
        if 0 in graph_ids:
            self.faults["order graph speaks of the background, id 0"] += 1

    def problems(self, outputs: dict[str, int]) -> list[str]:
        """All that is wrong, empty when the run was valid. outputs: messages that came, by their name."""
        problems = [f"no {name} came" for name, count in outputs.items() if not count]
        problems += [f"{fault} ({count} of {self.frames} frames)" for fault, count in self.faults.items()]
        if not self.frames:
            return problems or ["no frame came with all of its outputs"]
        known = float(np.median(self.known_depth))
        if known < MIN_KNOWN:
            problems.append(f"only {known:.0%} of the pixels have a depth (median), expected {MIN_KNOWN:.0%}")
        drawn = float(np.mean(np.array(self.boundary_px) > 0))
        if drawn < MIN_KNOWN:
            problems.append(f"only {drawn:.0%} of the frames have a boundary, expected {MIN_KNOWN:.0%}")
        return problems
