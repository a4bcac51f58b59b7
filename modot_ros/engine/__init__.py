# SPDX-License-Identifier: Apache-2.0
"""Where a network runs: in this process by torch or ONNX Runtime, or on other machines. Knows `model`, neither scenes nor ROS."""
from __future__ import annotations

from pathlib import Path

from modot_ros.engine.engine import Engine, Facts
from modot_ros.engine.local import LocalEngine
from modot_ros.engine.shared import SharedEngine

ENGINES = ("local", "onnx")

__all__ = ["ENGINES", "Engine", "Facts", "LocalEngine", "SharedEngine", "make_engine"]


def make_engine(kind: str, name: str, weights: str | Path | None = None, device: str = "auto", precision: str = "fp32"
                ) -> Engine:
    """The engine called `kind`, one of ENGINES, for a network; the rest and the errors as in `model.load_network`."""
    if kind == "local":
        return LocalEngine(name, weights, device, precision)
    if kind == "onnx":
        from modot_ros.engine.onnx_engine import OnnxEngine
        return OnnxEngine(name, weights, device, precision)
    raise ValueError(f"engine is {kind!r}: choose one of {', '.join(ENGINES)}")
