# SPDX-License-Identifier: Apache-2.0
"""Networks by name."""
from __future__ import annotations

from typing import Any

from torch import nn

from modot_ros.model.modot import Modot
from modot_ros.model.modot_ssr import ModotSsr
from modot_ros.model.nano import ModotNano

_CLASSES = {"modot_nano": ModotNano, "modot": Modot, "modot_ssr": ModotSsr}
MODELS = tuple(_CLASSES)


def build_network(name: str, **config: Any) -> nn.Module:
    """Network with fresh weights, in training mode; `config` goes to its constructor.

    Raises ValueError for a name that is not in MODELS or a config that the network does not take.
    """
    if name not in MODELS:
        raise ValueError(f"model {name!r} is unknown: choose one of {', '.join(MODELS)}")
    try:
        return _CLASSES[name](**config)
    except (TypeError, RuntimeError) as error:              # RuntimeError: a negative number of channels
        raise ValueError(f"config {config} does not fit {name}: {error}") from error
