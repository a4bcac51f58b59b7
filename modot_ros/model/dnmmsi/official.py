# SPDX-License-Identifier: Apache-2.0
"""What the authors' checkpoint files of DNMMSI (BMVC 2025) are like, and what they do not say themselves.

A file `{epoch}_st.pth` is a bare state dict. Which network it is of follows from its keys and shapes. It does not say the
colour statistics, which follow from the pictures that it is used on: those of OB-FUTURE have their own, in training and in
test, and pictures of every other set are normalised by ImageNet's, also for a network that was trained on OB-FUTURE.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN

IMAGENET = (IMAGE_MEAN, IMAGE_DEVIATION)
OB_FUTURE = ((0.780, 0.771, 0.771), (0.203, 0.206, 0.217))
DATASETS = {"ob-future": OB_FUTURE, **dict.fromkeys(("ob-diode", "ob-entityseg", "piod", "bsds", "nyuv2-ocpp", "cmu"), IMAGENET)}

SIZES = {96: "dnmmsi_small", 128: "dnmmsi_base", 192: "dnmmsi_large"}
NAMES = (*SIZES.values(), "dnmmsi_large_v2")
EMBEDDING, MAPS, SECOND, STRIP = ("backbone.patch_embed.proj.weight", "maps_transform.0.weight",
                                  "bbfeatures_sides.0.2.conv.weight", "encoder_sides.0.conv1.0.weight")


def is_dnmmsi(state: dict[str, Tensor]) -> bool:
    """Whether keys are those of this network, whatever their wrapper."""
    return any(key.removeprefix("module.") == MAPS for key in state)


def own_keys(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state by our keys, without the wrapper of training on several GPUs."""
    return {key.removeprefix("module."): value for key, value in state.items()}


def facts_of(state: dict[str, Tensor], path: Path, dataset: str | None = None) -> dict[str, Any]:
    """Name, config and all else that a checkpoint's metadata says of a state with our keys.

    dataset: what it is used on, one of DATASETS; None stands for photographs. Raises ValueError for another, and for a
    state of no network that is known.
    """
    if dataset is not None and dataset not in DATASETS:
        raise ValueError(f"data set {dataset!r} is unknown: choose one of {', '.join(DATASETS)}")
    if missing := [key for key in (EMBEDDING, MAPS, STRIP) if key not in state]:
        raise ValueError(f"{path}: does not fit the network: {missing[0]} is missing")
    width = state[EMBEDDING].shape[0]
    if width not in SIZES:
        raise ValueError(f"{path}: the first stage has {width} channels: a DNMMSI has {', '.join(map(str, SIZES))}")
    name, config = SIZES[width], {}
    if SECOND in state:
        name, config = (f"{name}_v2", {}) if width == 192 else (name, {"version": 2})
    if state[MAPS].shape[1:2] == (2,):
        config["previous"] = False
    mean, deviation = DATASETS[dataset] if dataset else IMAGENET
    record = {"dataset": dataset, "preprocessing": {"order": "rgb", "range": [0, 1], "mean": list(mean),
                                                    "deviation": list(deviation)}}
    return {"name": name, "config": config, "depth_kind": "none", "depth_along": "axis", "canonical_focal": None,
            "working_size": None, "record": record}
