# SPDX-License-Identifier: Apache-2.0
"""A session of ONNX Runtime on the best provider that is installed."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from modot_ros.machine import threads

# By kind of device, the best first; ONNX Runtime takes the next one for what a provider can't compute.
PROVIDERS = {"cuda": ("TensorrtExecutionProvider", "CUDAExecutionProvider"), "cpu": ("CPUExecutionProvider",)}


def session(model: bytes | str | Path, device: str = "auto") -> Any:
    """An onnxruntime.InferenceSession of a model or a file.

    Args:
        device: "cpu", "cuda", "cuda:N", or "auto": a GPU when ONNX Runtime has a provider for one.

    Raises ModuleNotFoundError without onnxruntime, and ValueError for a device that has no provider here and for a file
    that is no model.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("engine onnx needs the package onnxruntime: pip install modot_ros[onnx]") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model), options,
                                            providers=providers(device, onnxruntime.get_available_providers()))
    except onnxruntime.capi.onnxruntime_pybind11_state.NoSuchFile as error:
        raise FileNotFoundError(f"{model}: no such ONNX file") from error
    except (onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf, onnxruntime.capi.onnxruntime_pybind11_state.Fail,
            onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph) as error:
        raise ValueError(f"{'model' if isinstance(model, bytes) else model}: no ONNX model that can be run: {error}") from error


def providers(device: str, there: list[str]) -> list[Any]:
    """Providers for a device, the best first, with the device's number. ValueError when there is none."""
    kind, _, number = device.partition(":")
    if kind not in ("auto", *PROVIDERS):
        raise ValueError(f"device is {device!r}: choose auto, cpu, cuda or cuda:N")
    gpu: list[Any] = [(name, {"device_id": int(number or 0)}) for name in PROVIDERS["cuda"]
                      if name in there] if kind != "cpu" else []
    if kind == "cuda" and not gpu:
        raise ValueError(f"device is {device!r}, but this onnxruntime has no provider for it: install onnxruntime-gpu, or set "
                         "device to cpu")
    return [*gpu, *PROVIDERS["cpu"]]
