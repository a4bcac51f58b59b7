# SPDX-License-Identifier: Apache-2.0
"""The network in this process, by torch."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modot_ros.engine.engine import Engine, Facts
from modot_ros.model import Maps, load_network, run_batch


class LocalEngine:
    """Arguments and errors are those of `model.load_network`."""

    def __init__(self, name: str, weights: str | Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        self.loaded = load_network(name, weights, device, precision)
        self.facts = Facts.of_network(self.loaded)

    def now(self) -> Engine:
        return self

    def maps(self, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
             classes: bool = False) -> list[Maps]:
        return run_batch(self.loaded, pictures, depth, boundary, classes)
