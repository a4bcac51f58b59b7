# SPDX-License-Identifier: Apache-2.0
"""The network in this process, by ONNX Runtime: from an exported file, or exported here from the weights of torch."""
from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modot_ros.engine.engine import Engine, Facts
from modot_ros.engine.export import METADATA_KEY, export_network, readable
from modot_ros.engine.onnx_session import session
from modot_ros.model import Maps, in_batches

MOST_SESSIONS = 8                                       # that are kept: sizes of pictures, each with and without classes
OUTPUTS = ("depth", "boundary_probability", "log_depth_std", "classes", "class_probability")


class OnnxEngine:
    """A network of MODELS on ONNX Runtime, in 32 bits.

    name        one of `export.EXPORTS` for depth and boundaries
    weights     an .onnx file of `modot export`, which takes pictures of one shape; or a .safetensors or .pth file, or None
                for the package's own: then every shape of picture is exported when it first comes, which takes seconds
    device      "cpu", "cuda", "cuda:N", or "auto": a GPU when ONNX Runtime has a provider for one
    Raises FileNotFoundError without the file, ModuleNotFoundError without onnxruntime, and ValueError for a network that
    has no export, a device without provider, and a file that is none of `modot export` or of another network.
    """

    def __init__(self, name: str, weights: str | Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        if precision != "fp32":
            raise ValueError(f"precision is {precision!r}: engine onnx computes in fp32")
        self._device = device
        self._lock = threading.Lock()                   # of the sessions; a session itself takes calls from any thread
        # By height and width of the input, and whether classes are computed. A file's has all that it was exported with.
        self._sessions: OrderedDict[tuple[int, int, bool], Any] = OrderedDict()
        self._network, self._file = None, None
        if weights is not None and Path(weights).suffix == ".onnx":
            self._file, runtime = Path(weights), session(weights, device)
            self._metadata = metadata = _metadata(runtime, self._file)
            if metadata.get("name") != name:
                raise ValueError(f"{weights}: this is {metadata.get('name')!r}, not {name!r}")
            has_uncertainty, has_semantics = (name in _names(runtime) for name in ("log_depth_std", "classes"))
            width, height = metadata["size"]
            self._sessions[height, width, has_semantics] = runtime
        else:
            self._network, self._metadata = readable(name, weights)
            metadata = self._metadata
            has_uncertainty, has_semantics = (getattr(self._network, name, False)
                                              for name in ("has_uncertainty", "has_semantics"))
            width, height = metadata["working_size"] or (64, 64)
            runtime = self._session(height + -height % 32, width + -width % 32, False)
        self.facts = Facts.of_metadata(metadata, _device(runtime), has_uncertainty, has_semantics)
        self.provider = runtime.get_providers()[0]

    def now(self) -> Engine:
        return self

    def maps(self, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
             classes: bool = False) -> list[Maps]:
        """Raises ValueError for a picture whose shape a file was not exported for."""
        classes &= self.facts.has_semantics
        wanted = (depth, boundary, depth and self.facts.has_uncertainty, classes, classes)
        names = [name for name, one in zip(OUTPUTS, wanted) if one]

        def network(images: list[np.ndarray]) -> list[np.ndarray | None]:
            runtime = self._session(*images[0].shape[:2], classes)
            found = iter(runtime.run(names, {"image": _normalised(images, self._metadata)}))
            return [next(found)[:, 0] if one else None for one in wanted]
        return in_batches(network, pictures)

    def _session(self, height: int, width: int, classes: bool) -> Any:
        """The session for inputs of this size, multiples of 32, with the classes or without them."""
        with self._lock:
            key = height, width, self.facts.has_semantics if self._file else classes
            if key not in self._sessions:
                if self._network is None:
                    ((there_height, there_width, _),) = self._sessions
                    raise ValueError(f"{self._file} takes inputs of {there_width}x{there_height}, this picture makes one of "
                                     f"{width}x{height}: export with `--size` of your pictures")
                exported = export_network(self._network, self._metadata, (width, height), classes)
                self._sessions[key] = session(exported.onnx, self._device)
                if len(self._sessions) > MOST_SESSIONS:
                    self._sessions.popitem(last=False)
            self._sessions.move_to_end(key)
            return self._sessions[key]


def _normalised(images: list[np.ndarray], metadata: dict[str, Any]) -> np.ndarray:
    """uint8 [h, w, 3] each -> float32 [N, 3, h, w]."""
    mean, deviation = (np.float32(255) * np.array(metadata[key], np.float32) for key in ("mean", "deviation"))
    stacked = (np.stack(images).astype(np.float32) - mean) / deviation
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))


def _metadata(runtime: Any, path: Path) -> dict[str, Any]:
    text = runtime.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ValueError(f"{path}: no model of `modot export`, it has no metadata called {METADATA_KEY!r}")
    return json.loads(text)


def _names(runtime: Any) -> set[str]:
    return {output.name for output in runtime.get_outputs()}


def _device(runtime: Any) -> str:
    provider = runtime.get_providers()[0]
    number = runtime.get_provider_options()[provider].get("device_id", "0")
    return "cpu" if provider == "CPUExecutionProvider" else f"cuda:{number}"
