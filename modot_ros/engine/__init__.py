# SPDX-License-Identifier: Apache-2.0
"""Where a network runs: in this process by torch or ONNX Runtime, or on other machines. Knows `model`, neither scenes nor ROS."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modot_ros.engine.engine import Engine, Facts
from modot_ros.engine.local import LocalEngine
from modot_ros.engine.shared import SharedEngine
from modot_ros.model.checkpoint import WEIGHTS_FOLDER

ENGINES = ("local", "onnx", "ray")

__all__ = ["ENGINES", "Engine", "Facts", "LocalEngine", "SharedEngine", "make_engine"]


def make_engine(kind: str, name: str, weights: str | Path | None = None, device: str = "auto", precision: str = "fp32",
                addresses: Sequence[str] = (), budget_s: float = 0.3) -> Engine:
    """The engine called `kind`, one of ENGINES, for a network; the rest and the errors as in `model.load_network`.

    addresses, budget_s     of `pool.client.PoolEngine`, for "ray"; its local network is the package's modot_nano, on `device`
    """
    if kind == "local":
        return LocalEngine(name, weights, device, precision)
    if kind == "onnx":
        from modot_ros.engine.onnx_engine import OnnxEngine
        return OnnxEngine(name, weights, device, precision)
    if kind == "ray":
        from modot_ros.engine.pool.client import PoolEngine
        from modot_ros.engine.pool.wire import network_hash
        known = weights is not None or (WEIGHTS_FOLDER / f"{name}.safetensors").is_file()
        return PoolEngine(addresses, name, network_hash(name, weights) if known else "",
                          lambda: SharedEngine(LocalEngine("modot_nano", None, device, precision)), budget_s)
    raise ValueError(f"engine is {kind!r}: choose one of {', '.join(ENGINES)}")
