# SPDX-License-Identifier: Apache-2.0
"""What a monitor counts and how it says it: frames, rate, latency and agreement with the truth, as a table.

Plain values in, text out; no ROS.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

RECENT_S = 5.0                                          # what the rate and latency of a live row look back on
# heading, unit, width, format; one per value of Tally.row
COLUMNS = (
    ("time", "s", 6, ".1f"), ("frames", "in", 7, "d"), ("processed", "", 10, "d"), ("dropped", "", 8, "d"),
    ("rate", "Hz", 7, ".1f"), ("latency", "median ms", 11, ".1f"), ("latency", "p95 ms", 9, ".1f"),
    ("boundary", "F 1 px", 9, ".3f"), ("depth", "AbsRel", 8, ".3f"), ("depth", "d<1.25", 8, ".3f"))


@dataclass
class Tally:
    """Counts since the monitor started; times in seconds of any steady clock."""

    frames_in: int = 0
    dropped: int = 0                                    # by the node's own count
    outputs: list[tuple[float, float]] = field(default_factory=list)        # (arrival_s, latency_s)
    boundary_f: list[float] = field(default_factory=list)                   # of frames with truth
    abs_rel: list[float] = field(default_factory=list)
    delta1: list[float] = field(default_factory=list)

    @property
    def processed(self) -> int:
        return len(self.outputs)

    def rate_hz(self, since_s: float = -np.inf) -> float:
        """Outputs per second between the first and the last one after since_s; NaN for fewer than two."""
        arrivals = [arrival for arrival, _ in self.outputs if arrival >= since_s]
        if len(arrivals) < 2 or arrivals[-1] <= arrivals[0]:
            return np.nan
        return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])

    def latency_s(self, since_s: float = -np.inf) -> tuple[float, float]:
        """Median and 95 % quantile; NaN without outputs."""
        latencies = [latency for arrival, latency in self.outputs if arrival >= since_s]
        return tuple(np.quantile(latencies, (0.5, 0.95)).tolist()) if latencies else (np.nan, np.nan)

    def row(self, time_s: float, since_s: float = -np.inf) -> tuple:
        """The values of COLUMNS; rate and latency since since_s, agreement as median of all scored frames."""
        median_s, p95_s = self.latency_s(since_s)
        agreement = [float(np.nanmedian(scores)) if np.isfinite(scores).any() else np.nan
                     for scores in (self.boundary_f, self.abs_rel, self.delta1)]
        return (time_s, self.frames_in, self.processed, self.dropped, self.rate_hz(since_s), median_s * 1e3,
                p95_s * 1e3, *agreement)


def heading() -> str:
    """The two lines above the rows."""
    return "\n".join("".join(column[line].rjust(column[2]) for column in COLUMNS) for line in (0, 1))


def line(row: tuple) -> str:
    """One row as text; what is not known is a dash."""
    return "".join(("-" if value != value else format(value, form)).rjust(width)
                   for value, (_, _, width, form) in zip(row, COLUMNS, strict=True))
