# SPDX-License-Identifier: Apache-2.0
"""How fast a predictor is on this machine, stage by stage."""
from __future__ import annotations

import platform
import time
from dataclasses import dataclass

import numpy as np
import torch

from modot_ros.learn.synthetic.shards import training_view
from modot_ros.predictor import Predictor


@dataclass(frozen=True)
class Speed:
    """Milliseconds over `runs` pictures of `width` x `height`: (10 %, median, 90 %) per stage and in all."""

    model: str
    device: str
    precision: str
    threads: int
    width: int
    height: int
    runs: int
    stage_ms: dict[str, tuple[float, float, float]]
    total_ms: tuple[float, float, float]


def measure(predictor: Predictor, width: int = 640, height: int = 480, runs: int = 30) -> Speed:
    """Times whole predictions of one synthetic room after a warm-up. Raises ValueError for fewer than one run
    or a side of less than 16 pixels."""
    if runs < 1:
        raise ValueError(f"runs is {runs}: at least 1 is needed")
    if min(width, height) < 16:
        raise ValueError(f"size is {width}x{height}: at least 16x16 is needed")
    rgb = training_view(1, width, height).rgb
    for _ in range(3):
        predictor.predict(rgb)
    stages: list[dict[str, float]] = []
    totals_s = []
    for _ in range(runs):
        start_s = time.perf_counter()
        stages.append(predictor.predict(rgb).stage_s)
        totals_s.append(time.perf_counter() - start_s)

    def spread_ms(seconds) -> tuple[float, float, float]:
        low, middle, high = np.quantile(np.array(seconds) * 1e3, [0.1, 0.5, 0.9])
        return round(float(low), 2), round(float(middle), 2), round(float(high), 2)

    device = platform.processor() or "cpu"
    if predictor.device != "cpu":
        device = torch.cuda.get_device_name(predictor.device)
    return Speed(model=predictor.name, device=device, precision=predictor.loaded.precision,
                 threads=torch.get_num_threads(), width=width, height=height, runs=runs,
                 stage_ms={name: spread_ms([stage[name] for stage in stages]) for name in stages[0]},
                 total_ms=spread_ms(totals_s))
