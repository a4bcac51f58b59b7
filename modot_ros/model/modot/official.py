# SPDX-License-Identifier: Apache-2.0
"""What the authors' checkpoint files of MoDOT (WACV 2026) contain, and the facts that they lack.

A file holds the state of a network in parallel wrappers: any part of a key may be a `module` that is no module. It
contains neither the largest depth nor what depth means; both follow from the data set that it was trained on.
"""
from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from torch import Tensor

from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN

NAMES = ("modot", "modot_ssr")

# Largest depth in metres, and along what it is measured. OB-Hypersim's unit is 3.05 m, 100 of them at most.
DATASETS = {"nyud-mt": (10.0, "axis"), "ob-future": (10.0, "axis"), "ob-hypersim": (305.0, "ray")}

# How the authors' files begin.
FILE_NAMES = {"nyudmt": "nyud-mt", "nyud-mt": "nyud-mt", "ob-future": "ob-future", "ob-hypersim": "ob-hypersim"}


def facts_of(dataset: str) -> dict[str, Any]:
    """A checkpoint's metadata without the name, for a data set of DATASETS; ValueError for another.

    No canonical camera: depth is metric for cameras like those that the pictures were taken with. No working size: the
    networks were trained and measured on pictures in their own size.
    """
    if dataset not in DATASETS:
        raise ValueError(f"data set {dataset!r} is unknown: choose one of {', '.join(DATASETS)}")
    max_depth, along = DATASETS[dataset]
    record = {"dataset": dataset, "preprocessing": {"order": "rgb", "range": [0, 1], "mean": list(IMAGE_MEAN),
                                                    "deviation": list(IMAGE_DEVIATION)}}
    return {"config": {"max_depth": max_depth}, "depth_kind": "metric", "depth_along": along, "canonical_focal": None,
            "working_size": None, "record": record}


def dataset_of(path: Path) -> str:
    """Data set by a file's name; NYUD-MT, with a warning, for another name."""
    for beginning, dataset in FILE_NAMES.items():
        if path.name.lower().startswith(beginning):
            return dataset
    logging.getLogger(__name__).warning(
        "%s: the name tells no data set; depth is taken for z up to 10 m (NYUD-MT, OB-FUTURE). For OB-Hypersim, or to "
        "be sure: modot weights import FILE.pth -o FILE.safetensors --dataset %s", path, "|".join(DATASETS))
    return "nyud-mt"


def name_of(state: dict[str, Tensor]) -> str:
    """"modot_ssr" when there is a first stage among the keys, otherwise "modot"."""
    return "modot_ssr" if any("init_model" in key.split(".") for key in state) else "modot"


def own_keys(state: dict[str, Tensor], name: str, path: Path) -> dict[str, Tensor]:
    """The state by our keys, whatever wrappers the file's keys went through. ValueError when two become one."""
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        parts = [part for part in key.split(".") if part != "module"]
        if name == "modot_ssr" and parts[0] == "init_model":
            parts.insert(1, "module")
        own = ".".join(parts)
        if own in renamed:
            raise ValueError(f"{path}: holds {own} twice, under different wrappers")
        renamed[own] = value
    return renamed
