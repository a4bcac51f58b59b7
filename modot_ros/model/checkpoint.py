# SPDX-License-Identifier: Apache-2.0
"""Weights on disk: safetensors with everything that is needed to use them in the metadata.

The metadata has one entry, `modot`, a JSON object: name, config (of the network's constructor), depth_kind,
depth_along, canonical_focal, working_size and record (how it was trained); that of an order network name, config,
mode, size and record. A `.pth` file holds a state dict, bare or under `model` or `state_dict`; it is read with
`weights_only=True`, so that it cannot run code. One of a published network is read by
`modot.official`, `dnmmsi.official` or `instaorder.official`, another gets the defaults below.
"""
from __future__ import annotations

import json
import math
import pickle
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from modot_ros.model import depth_anything, disparity
from modot_ros.model.build import MODELS, ORDER_BASELINES, ORDER_MODELS, STROKE_MODELS, build_network
from modot_ros.model.cuda_graph import GraphedNetwork
from modot_ros.model.disparity import DISPARITY_MODELS, RelativeDepth
from modot_ros.model.dnmmsi import official as official_strokes
from modot_ros.model.fold import cast, fold_batch_norms
from modot_ros.model.instaorder import official as official_orders
from modot_ros.model.instaorder.pair_input import check_input
from modot_ros.model.layers.windows import freeze_biases
from modot_ros.model.layers.winograd import use_winograd
from modot_ros.model.modot import official

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
DEPTH_KINDS = ("metric", "relative", "none")
DEPTH_ALONG = ("axis", "ray")
PICKLES = (".pth", ".pt", ".tar")                       # the last one as in .pth.tar

# What a file without metadata is taken for.
DEFAULTS = {"config": {}, "depth_kind": "metric", "depth_along": "axis", "canonical_focal": 0.8,
            "working_size": [256, 192], "record": {}}
NO_DEPTH = {"depth_kind": "none", "canonical_focal": None}          # of a network that takes strokes


@dataclass(frozen=True)
class LoadedNetwork:
    """A network ready for inference, with what its numbers mean."""

    network: nn.Module                                  # eval mode, batch norms folded, on `device` in `precision`
    call: Callable                                      # what to call: the network, or on a GPU its CUDA graph
    name: str
    config: dict[str, Any]                              # of the network's constructor
    depth_kind: str                                     # "metric", "relative", or "none": it predicts no depth
    depth_along: str                                    # "axis": depth is z; "ray": distance from the camera
    canonical_focal: float | None                       # focal length / picture width that its metres hold for, if any
    max_depth_m: float                                  # largest depth that the network predicts, canonical camera
    working_size: tuple[int, int] | None                # width, height whose area the input has; None: the picture's
    weights: Path
    device: torch.device
    precision: str                                      # "fp32", "fp16" or "bf16"
    record: dict[str, Any]                              # how it was trained

    @property
    def has_uncertainty(self) -> bool:
        """Whether the network predicts the standard deviation of ln depth."""
        return getattr(self.network, "has_uncertainty", False)

    @property
    def has_semantics(self) -> bool:
        """Whether the network predicts the classes of modot_ros.classes.CLASS_NAMES."""
        return getattr(self.network, "has_semantics", False)


def save_checkpoint(path: str | Path, network: nn.Module, name: str, *, config: dict[str, Any] | None = None,
                    depth_kind: str = "metric", depth_along: str = "axis", canonical_focal: float | None,
                    working_size: tuple[int, int] | None, record: dict[str, Any] | None = None, half: bool = False) -> None:
    """Write weights and metadata to `path`; a reader sees the old file or the whole new one. Raises OSError when it can't be
    written. `half` rounds kernels and matrices to 16 bits, which halves the file; who reads it computes in 32 as ever."""
    _write(Path(path), network, {
        "name": name, "config": config or {}, "depth_kind": depth_kind, "depth_along": depth_along,
        "canonical_focal": canonical_focal, "working_size": working_size and list(working_size),
        "record": record or {}}, half)


def save_order_checkpoint(path: str | Path, network: official_orders.OrderNetwork, name: str, *,
                          config: dict[str, Any] | None = None, record: dict[str, Any] | None = None) -> None:
    """The same for a network of ORDER_MODELS or ORDER_BASELINES; what it is fed with follows from its mode and size."""
    _write(Path(path), network, {"name": name, "config": config or {}, "mode": network.mode, "size": network.size,
                                 "record": record or {}})


def _write(path: Path, network: nn.Module, metadata: dict[str, Any], half: bool = False) -> None:
    tensors = {key: (value.half() if half and value.ndim > 1 else value).detach().cpu().contiguous()
               for key, value in network.state_dict().items()}
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary, metadata={"modot": json.dumps(metadata)})
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(f"{path} can't be written: {error}") from error


def import_checkpoint(source: str | Path, output: str | Path, dataset: str | None = None) -> str:
    """Write an official .pth or .pth.tar file as safetensors with the facts that it does not contain.

    Returns the network's name, which the keys tell: "modot", "modot_ssr", or one of STROKE_MODELS, ORDER_MODELS and
    ORDER_BASELINES. The first two need the data set that they were trained on, for all that `official.facts_of` knows of
    it; one of STROKE_MODELS may name that of the pictures it is used on, for `dnmmsi.official.DATASETS`. Raises
    FileNotFoundError, and ValueError for an unknown data set, an output that is not .safetensors, and a file that is
    damaged or does not fit.
    """
    source, output = Path(source), Path(output)
    if dataset is not None and dataset not in official_strokes.DATASETS:
        official.facts_of(dataset)
    if output.suffix != ".safetensors":
        raise ValueError(f"{output}: must end in .safetensors")
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such weights file")
    state, extra = _read_pth(source)
    if official_orders.names_of(state):
        name = official_orders.name_of(state, source)
        network = _blank(name, {})
        _fill_order(network, state, source)
        save_order_checkpoint(output, network, name, record={"source": source.name, **extra})
        return name
    if official_strokes.is_dnmmsi(state):
        state = official_strokes.own_keys(state)
        facts = official_strokes.facts_of(state, source, dataset)
        name = facts.pop("name")
    else:
        name, facts = official.name_of(state), official.facts_of(dataset)
        state = official.own_keys(state, name, source)
    network = _blank(name, facts["config"])
    _fill(network, state, source)
    facts["record"] = {**facts["record"], "source": source.name, **extra}
    save_checkpoint(output, network, name, **facts)
    return name


def load_network(name: str, weights: str | Path | None = None, device: str = "auto",
                 precision: str = "fp32") -> LoadedNetwork:
    """Load a network for inference.

    Args:
        name: one of MODELS or STROKE_MODELS.
        weights: a .safetensors or .pth file; None takes the weights that come with the package. For Depth Anything a
            folder; None takes them from the Hugging Face hub.
        device: "cpu", "cuda", "cuda:N" or "auto" (a GPU when there is one).
        precision: "fp32", "bf16", or "fp16" on a GPU.

    Raises:
        FileNotFoundError: no such file.
        ValueError: unknown name, device or precision; a file that is damaged, of another model, does not fit, or is a
            pickle with more than tensors in it.
        ModuleNotFoundError: Depth Anything without the package transformers.
    """
    if name not in (*MODELS, *STROKE_MODELS):
        raise ValueError(f"model {name!r} is unknown: choose one of {', '.join((*MODELS, *STROKE_MODELS))}")
    target = choose_device(device)
    check_precision(precision, target)
    if name in depth_anything.HUB:
        return _load_depth_anything(name, weights, target, precision)
    if name in DISPARITY_MODELS:
        return _load_disparity(name, weights, target, precision)
    network, facts, path = read_network(name, weights)
    network = freeze_biases(fold_batch_norms(network.eval().requires_grad_(False)))
    network = cast(network, PRECISIONS[precision]).to(target, memory_format=torch.channels_last)
    strokes = name in STROKE_MODELS
    if name in (*official_strokes.NAMES, *official.NAMES) and target.type == "cpu" and precision == "fp32":
        use_winograd(network)
    call = GraphedNetwork(network) if target.type == "cuda" and not strokes else network
    return LoadedNetwork(
        network=network, call=call, name=name, config=facts["config"], depth_kind=facts["depth_kind"],
        depth_along=facts["depth_along"], canonical_focal=facts["canonical_focal"],
        max_depth_m=getattr(network, "max_depth_m", math.nan), working_size=facts["working_size"],
        weights=path, device=target, precision=precision, record=facts["record"])


def read_network(name: str, weights: str | Path | None = None) -> tuple[nn.Module, dict[str, Any], Path]:
    """A network as it was trained, its batch norms apart, in 32 bits on the CPU; the metadata of its file, with the keys of
    DEFAULTS; the file. Weights, names and errors as in `load_network`, but for Depth Anything."""
    path = WEIGHTS_FOLDER / f"{name}.safetensors" if weights is None else Path(weights)
    if not path.is_file():
        advice = ": the package brings none, name a file (see README)" if weights is None else ""
        raise FileNotFoundError(f"{path}: no such weights file for {name}{advice}")
    state, metadata = read_weights(path, name)
    if metadata.setdefault("name", name) != name:
        raise ValueError(f"{path}: these are weights of {metadata['name']!r}, not of {name!r}")
    try:
        facts = {**DEFAULTS, **(NO_DEPTH if name in STROKE_MODELS else {}), **metadata}
        working_size = facts["working_size"] and tuple(int(side) for side in facts["working_size"])
        canonical_focal = None if facts["canonical_focal"] is None else float(facts["canonical_focal"])
        if (facts["depth_kind"] not in DEPTH_KINDS or facts["depth_along"] not in DEPTH_ALONG
                or not (canonical_focal is None or 0 < canonical_focal < math.inf)
                or working_size and (len(working_size) != 2 or min(working_size) < 1)):
            raise ValueError("depth_kind, depth_along, canonical_focal or working_size is out of range")
        network = _blank(name, facts["config"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: metadata {metadata} cannot be used: {error}") from error
    _fill(network, state, path)
    return network, {**facts, "working_size": working_size, "canonical_focal": canonical_focal}, path


def shipped_config(name: str) -> dict[str, Any]:
    """Config of the constructor with which the package ships this network; empty when it brings no weights of it."""
    path = WEIGHTS_FOLDER / f"{name}.safetensors"
    return read_weights(path, name)[1].get("config", {}) if path.is_file() else {}


def load_order_network(name: str, weights: str | Path | None, device: str = "auto",
                       precision: str = "fp32") -> official_orders.OrderNetwork:
    """Load a network for `order_pairs`: in evaluation, batch norms folded, on its device, without gradients.

    Args:
        name: one of ORDER_MODELS, or for comparison one of ORDER_BASELINES.
        weights: a .safetensors file, or the authors' .pth.tar (MiDaS: .pt); the package brings none.
        device, precision: as in `load_network`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: as in `load_network`.
    """
    choices = (*ORDER_MODELS, *ORDER_BASELINES)
    if name not in choices:
        raise ValueError(f"order model {name!r} is unknown: choose one of {', '.join(choices)}")
    target = choose_device(device)
    check_precision(precision, target)
    if weights is None:
        raise FileNotFoundError(f"{name}: the package brings no weights of it, name a file (see README)")
    path = Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights file for {name}")
    state, metadata = read_weights(path, name)
    stored = metadata.get("name") or official_orders.name_of(state, path, name)
    if stored != name:
        raise ValueError(f"{path}: these are weights of {stored!r}, not of {name!r}")
    try:
        network = _blank(name, metadata.get("config", {}))
        network.mode, network.size = metadata.get("mode", network.mode), int(metadata.get("size", network.size))
        check_input(network.mode, network.size)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: metadata {metadata} cannot be used: {error}") from error
    _fill_order(network, state, path)
    fold_batch_norms(network.eval().requires_grad_(False))
    return cast(network, PRECISIONS[precision]).to(target, memory_format=torch.channels_last)


def _load_depth_anything(name: str, weights: str | Path | None, target: torch.device, precision: str) -> LoadedNetwork:
    """Like the published MoDOT it states no canonical camera. Its own code decides what a GPU can record, so no graph."""
    network = depth_anything.load_depth_anything(name, weights)
    network = cast(network, PRECISIONS[precision]).to(target)
    source = depth_anything.HUB[name] if weights is None else str(weights)
    return LoadedNetwork(
        network=network, call=network, name=name, config={}, depth_kind=network.depth_kind, depth_along="axis",
        canonical_focal=None, max_depth_m=network.max_depth_m, working_size=depth_anything.WORKING_SIZE,
        weights=Path(source), device=target, precision=precision, record={"source": source})


def _load_disparity(name: str, weights: str | Path | None, target: torch.device, precision: str) -> LoadedNetwork:
    """From the file of an order network, or of MiDaS. Depth is relative, so that there is no camera either."""
    network = RelativeDepth(load_order_network(name, weights, str(target), precision)).eval().requires_grad_(False)
    path = Path(str(weights))
    return LoadedNetwork(
        network=network, call=GraphedNetwork(network) if target.type == "cuda" else network, name=name, config={},
        depth_kind=network.depth_kind, depth_along="axis", canonical_focal=None, max_depth_m=network.max_depth_m,
        working_size=disparity.WORKING_SIZE, weights=path, device=target, precision=precision, record={"source": path.name})


def choose_device(name: str) -> torch.device:
    """The device called `name`; ValueError with the devices there are when it is not among them."""
    there = ["cpu"] + [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if name == "auto":
        return torch.device(there[1] if len(there) > 1 else "cpu")
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in there:
        raise ValueError(f"device {name!r} is not here: choose auto or one of {', '.join(there)}")
    return torch.device(wanted)


def check_precision(precision: str, device: torch.device) -> None:
    """ValueError when the device cannot compute in `precision`."""
    there = ["fp32", "bf16"] if device.type == "cpu" else ["fp32", "fp16", "bf16"]
    if precision not in there:
        raise ValueError(f"precision {precision!r} does not work on {device}: choose one of {', '.join(there)}")


def read_weights(path: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata; ValueError for a file that cannot be read.

    Keys are those of the network `name`; those of an order network stay as the file has them.
    """
    if path.suffix == ".safetensors":
        _check_beginning(path)
        try:
            with safe_open(path, framework="pt") as file:
                state = {key: file.get_tensor(key) for key in file.keys()}
                metadata = json.loads((file.metadata() or {}).get("modot", "{}"))
        except (SafetensorError, ValueError, OSError) as error:
            raise ValueError(f"{path}: damaged or not a safetensors file ({error})") from error
        if not isinstance(metadata, dict):
            raise ValueError(f"{path}: metadata {metadata!r} is not an object")
        if name in official.NAMES:
            state = official.own_keys(state, name, path)
            metadata = metadata or official.facts_of(official.dataset_of(path))
        if name in official_strokes.NAMES:
            metadata = metadata or official_strokes.facts_of(state, path)
        return state, metadata
    if path.suffix not in PICKLES:
        raise ValueError(f"{path}: unknown kind of weights file {path.suffix!r}: choose .safetensors or .pth")
    state, extra = _read_pth(path)
    if name in official_strokes.NAMES:
        state = official_strokes.own_keys(state)
        facts = official_strokes.facts_of(state, path)
        facts["record"] = {**facts["record"], "source": path.name, **extra}
        return state, facts
    if name in (*ORDER_MODELS, *ORDER_BASELINES):      # an order network
        return state, {}
    if name not in official.NAMES:
        return {key.removeprefix("module."): value for key, value in state.items()}, {}
    facts = official.facts_of(official.dataset_of(path))
    facts["record"] = {**facts["record"], "source": path.name, **extra}
    return official.own_keys(state, name, path), {"name": official.name_of(state), **facts}


def _read_pth(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state dict of a pickle, bare or in a dict of more, and the steps it says it was trained for."""
    _check_beginning(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path}: refused, the file holds more than tensors and could run code") from error
    except Exception as error:                          # torch reports damage as RuntimeError, EOFError, OSError, ...
        raise ValueError(f"{path}: damaged or not a checkpoint ({error})") from error
    state = content.get("model", content.get("state_dict", content)) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path}: holds no state dict, neither bare nor under 'model' or 'state_dict'")
    step = content.get("global_step", content.get("step"))
    state = {key: value.clone() for key, value in state.items()}        # the file may go away
    return state, {"global_step": step} if isinstance(step, int) else {}


def _check_beginning(path: Path) -> None:
    """ValueError for what downloads leave in the place of weights: a page, a pointer, nothing."""
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        size = re.search(rb"^size (\d+)$", start, re.MULTILINE)
        raise ValueError(f"{path}: is a git-lfs pointer{f' to a file of {int(size[1])} bytes' if size else ''}, not the weights: "
                         "run `git lfs install` and `git lfs pull` in its repository, or download the file itself")
    if re.match(rb"<(!doctype\s+html|html|head|body|\?xml|!--)", start, re.IGNORECASE):
        raise ValueError(f"{path}: is an HTML or XML page, not weights: the address gave a page to log in, an error or a "
                         "preview. Open the file to see which, and download from the address of the file itself")
    if not start:
        raise ValueError(f"{path}: damaged, it is empty: the download was interrupted, or the disk was full")


def _blank(name: str, config: dict[str, Any]) -> nn.Module:
    """The network without memory for its weights: those of a file take their places."""
    with torch.device("meta"), _SkipInitialisation():
        return build_network(name, **config)


def _fill_order(network: official_orders.OrderNetwork, state: dict[str, Tensor], path: Path) -> None:
    try:
        state = official_orders.own_keys(state, network.state_dict())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    _fill(network, state, path)


class _SkipInitialisation(TorchFunctionMode):
    """Leaves out torch.nn.init, whose normal_ on the meta device imports torch's compiler: 1 s of CPU time, 66 MB.

    The recipe is torch's own ("Skipping Module Parameter Initialization").
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(function, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return function(*args, **kwargs)


def _fill(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Give the network these weights; ValueError naming what is missing, unknown, of another shape or not finite."""
    own = network.state_dict()
    problems = [f"{key} is missing" for key in own if key not in state]
    problems += [f"{key} is unknown" for key in state if key not in own]
    problems += [f"{key} is {list(state[key].shape)}, must be {list(own[key].shape)}"
                 for key in own if key in state and state[key].shape != own[key].shape]
    problems += [f"{key} has values that are not finite" for key, value in state.items()
                 if value.is_floating_point() and not torch.isfinite(value).all()]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ValueError(f"{path}: does not fit the network: {'; '.join(problems[:3])}{more}")
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in state.items()}, assign=True)
