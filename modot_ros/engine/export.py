# SPDX-License-Identifier: Apache-2.0
"""A network of this package as an ONNX file: one size of picture, any number of pictures at once.

The file's metadata has one entry, `modot`, a JSON object. Of a network for depth and boundaries: name, config, depth_kind,
depth_along, canonical_focal, max_depth_m, working_size, size ([width, height] of the input, multiples of 32), mean, deviation
(per colour, of values in 0..1), record. Of an order network: name, config, mode, size (its side), mean, deviation, record.

    image [N, 3, h, w] -> depth [N, 1, h, w], boundary_probability [N, 1, h, w], and where there is a head for it
                          log_depth_std [N, 1, h, w]; where there is a decoder for them, classes uint8 [N, 1, h, w] (ids of
                          modot_ros.classes.CLASS_NAMES) and class_probability [N, 1, h, w]
    InstaOrderNet and OrderNet: masks_and_image [N, 5, s, s] -> their logits, named as `networks.py` names them
    InstaDepthNet: image [N, 3, s, s], mask_a and mask_b [N, 1, s, s] -> disparity [N, s, s] and logits

Torch's tracing exporter makes them: shapes but for the batch become constants.
"""
from __future__ import annotations

import io
import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modot_ros.model import (
    MODELS,
    ORDER_BASELINES,
    ORDER_MODELS,
    load_order_network,
    read_network,
)
from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.inference import class_maps
from modot_ros.model.instaorder.midas import Midas
from modot_ros.model.instaorder.networks import InstaDepthNet, InstaOrderNet
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN, STRIDE, fit_size

OPSET = 18
METADATA_KEY = "modot"
MOST_OTHER = 1e-3                                       # share of pixels whose class may be another
TOLERANCE = 1e-4                                        # between ONNX Runtime and torch, relative to 1 or to the value
ORDER_EXPORTS = tuple(name for name in (*ORDER_MODELS, *ORDER_BASELINES) if name != "pcnet_m")
EXPORTS = (*(name for name in MODELS if not name.startswith("depth_anything")), *ORDER_EXPORTS)


@dataclass(frozen=True)
class Exported:
    """An ONNX model and what it was made of."""

    onnx: bytes                                         # with its metadata
    metadata: dict[str, Any]
    network: nn.Module                                  # what was traced, for a comparison
    inputs: tuple[Tensor, ...]                          # two examples
    names: tuple[str, ...]                              # of the inputs


class _Depth(nn.Module):
    """The outputs of a depth network as plain tensors, boundaries as probabilities."""

    def __init__(self, network: nn.Module, classes: bool) -> None:
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        wanted = {"classes": True} if self.classes else {}
        depth_m, logits, std, class_logits, *_ = *self.network(image, **wanted), None, None
        return (depth_m.float(), torch.sigmoid(logits[-1].float()), *(() if std is None else (std.float(),)),
                *(() if class_logits is None else class_maps(class_logits)))


class _Order(nn.Module):
    """The outputs of an order network without those that it lacks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = self.network(*inputs)
        return tuple(one for one in (found if isinstance(found, tuple) else (found,)) if one is not None)


def export(name: str, weights: str | Path | None = None, picture_size: tuple[int, int] = (640, 480), classes: bool = True
           ) -> Exported:
    """The network called `name`, in 32 bits, batch norms folded.

    Args:
        name: one of EXPORTS.
        weights: a .safetensors or .pth file; None takes the package's own, of which order networks have none.
        picture_size: width, height of the pictures that it is for. Their aspect decides the input's size; an order network
            has its own.
        classes: as of `export_network`.

    Raises:
        FileNotFoundError: no such weights.
        ModuleNotFoundError: the package onnx is not there.
        ValueError: another name, or weights that `load_network` refuses.
    """
    if name not in EXPORTS:
        raise ValueError(f"model {name!r} can't be exported: choose one of {', '.join(EXPORTS)}")
    _require_onnx()
    normalisation = {"mean": list(IMAGE_MEAN), "deviation": list(IMAGE_DEVIATION)}
    if name in ORDER_EXPORTS:
        network = load_order_network(name, weights, "cpu")
        metadata = {"name": name, "mode": network.mode, "size": network.size, **normalisation}
        inputs, names, outputs = _order_signature(network)
        return _traced(_Order(network).eval(), metadata, inputs, names, outputs)
    network, metadata = readable(name, weights)
    return export_network(network, metadata, fit_size(*picture_size, metadata["working_size"]), classes)


def readable(name: str, weights: str | Path | None) -> tuple[nn.Module, dict[str, Any]]:
    """A depth network ready for `export_network`, and the metadata that do not depend on the pictures' size."""
    if name not in EXPORTS or name in ORDER_EXPORTS:
        raise ValueError(f"model {name!r} can't be exported: choose one of "
                         f"{', '.join(one for one in EXPORTS if one not in ORDER_EXPORTS)}")
    network, facts, _ = read_network(name, weights)
    fold_batch_norms(network.eval().requires_grad_(False))
    return network, {**facts, "max_depth_m": network.max_depth_m, "mean": list(IMAGE_MEAN), "deviation": list(IMAGE_DEVIATION)}


def export_network(network: nn.Module, metadata: dict[str, Any], picture_size: tuple[int, int], classes: bool = True
                   ) -> Exported:
    """A network of `readable` for pictures of this width and height at the working size. classes: with its decoder for semantic
    classes, if it has one; ONNX Runtime would compute them at every run."""
    width, height = (side + -side % STRIDE for side in picture_size)
    metadata = {**metadata, "size": [width, height]}
    outputs = ["depth", "boundary_probability"] + ["log_depth_std"] * getattr(network, "has_uncertainty", False)
    classes = classes and getattr(network, "has_semantics", False)
    outputs += ["classes", "class_probability"] * classes
    image = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 4 - 2
    return _traced(_Depth(network, classes).eval(), metadata, (image,), ["image"], outputs)


def _order_signature(network: nn.Module) -> tuple[tuple[Tensor, ...], list[str], list[str]]:
    """Example inputs, their names, and the outputs' names."""
    side, generator = network.size, torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, side, side, generator=generator) * 4 - 2
    masks = (torch.rand(2, 2, side, side, generator=generator) > 0.5).float()
    if isinstance(network, InstaOrderNet):
        return (torch.cat([masks, image], 1),), ["masks_and_image"], [f"{name}_logits" for name in network.classes]
    if isinstance(network, InstaDepthNet):
        return ((image, masks[:, :1], masks[:, 1:]), ["image", "mask_a", "mask_b"],
                ["disparity", *(f"{name}_logits" for name in network.classes)])
    assert isinstance(network, Midas)
    return (image,), ["image"], ["disparity"]


@torch.inference_mode()
def _traced(network: nn.Module, metadata: dict[str, Any], inputs: tuple[Tensor, ...], names: list[str], outputs: list[str]
            ) -> Exported:
    import onnx

    network(*(one[:1] for one in inputs))               # tables that depend on the size alone are made and kept
    file = io.BytesIO()
    with warnings.catch_warnings():                     # of sizes that become constants, which is meant
        warnings.simplefilter("ignore")
        torch.onnx.export(network, inputs, file, input_names=names, output_names=outputs, opset_version=OPSET, dynamo=False,
                          dynamic_axes={name: {0: "batch"} for name in (*names, *outputs)})
    model = onnx.load_from_string(file.getvalue())
    model.producer_name = "modot_ros"
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata)})
    return Exported(model.SerializeToString(), metadata, network, inputs, tuple(names))


def largest_difference(exported: Exported) -> float:
    """Between ONNX Runtime and torch on two examples, one after the other and both at once: the largest |a - b| / max(1, |b|).

    Raises ModuleNotFoundError without onnxruntime.
    """
    from modot_ros.engine.onnx_session import session

    runtime, worst = session(exported.onnx, "cpu"), 0.0
    for part in (slice(0, 1), slice(1, 2), slice(0, 2)):
        inputs = [one[part] for one in exported.inputs]
        with torch.inference_mode():
            expected = [one.numpy() for one in exported.network(*inputs)]
        found = runtime.run(None, {name: one.numpy() for name, one in zip(exported.names, inputs)})
        worst = max(worst, *(_difference(a, b) for a, b in zip(found, expected)))
    return worst


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest |a - b| / max(1, |b|). Of classes, which change at once where two are all but equally probable: infinite when
    more than MOST_OTHER differ, else 0."""
    if found.dtype == np.uint8:
        return math.inf if np.mean(found != expected) > MOST_OTHER else 0.0
    return float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max())


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("an export needs the packages onnx and onnxruntime: pip install modot_ros[onnx]") from error
