# SPDX-License-Identifier: Apache-2.0
"""Networks by name."""
from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from modot_ros.model.depth_anything import HUB
from modot_ros.model.disparity import DISPARITY_MODELS
from modot_ros.model.dnmmsi.network import Dnmmsi
from modot_ros.model.instaorder.midas import Midas
from modot_ros.model.instaorder.networks import InstaDepthNet, InstaOrderNet
from modot_ros.model.instaorder.pcnet import PcnetM
from modot_ros.model.lite.network import ModotLite
from modot_ros.model.modot.network import Modot
from modot_ros.model.modot.ssr import ModotSsr
from modot_ros.model.nano.network import ModotNano
from modot_ros.model.nano.scribbles import ScribbleNano

_DEPTH = {"modot_nano": ModotNano, "modot_lite": ModotLite, "modot": Modot, "modot_ssr": ModotSsr}
_ORDER = {"instaordernet_o": partial(InstaOrderNet, {"occlusion": 2}, "patch", 256),
          "instaordernet_d": partial(InstaOrderNet, {"depth": 3}, "resize", 384),
          "instaordernet_od": partial(InstaOrderNet, {"occlusion": 2, "depth": 3}, "resize", 384),
          "instadepthnet_d": partial(InstaDepthNet, False),
          "instadepthnet_od": partial(InstaDepthNet, True)}
_BASELINES = {"ordernet": partial(InstaOrderNet, {"class": 3}, "patch", 256),
              "ordernet_ext": partial(InstaOrderNet, {"class": 4}, "patch", 256),
              "pcnet_m": PcnetM, "midas_v21": Midas}
_LARGE = partial(Dnmmsi, channels=192, window=12, strips=(3, 9))
_STROKES = {"scribble_nano": ScribbleNano, "dnmmsi_small": Dnmmsi, "dnmmsi_base": partial(Dnmmsi, channels=128, window=12),
            "dnmmsi_large": _LARGE, "dnmmsi_large_v2": partial(_LARGE, version=2)}
_BUILDERS = {**_DEPTH, **_ORDER, **_BASELINES, **_STROKES}

MODELS = (*_DEPTH, *DISPARITY_MODELS, *HUB)             # what a predictor runs: depth and boundaries
ORDER_MODELS = tuple(_ORDER)                            # orders of instance pairs
ORDER_BASELINES = tuple(_BASELINES)                     # what InstaOrder was compared with
STROKE_MODELS = tuple(_STROKES)                         # boundaries that a person corrects with strokes; no depth


def build_network(name: str, **config: Any) -> nn.Module:
    """Network with fresh weights, in training mode; `config` goes to its constructor.

    Depth Anything is not built but loaded (`load_network`). Raises ValueError for a name that is in none of MODELS,
    ORDER_MODELS, ORDER_BASELINES and STROKE_MODELS, and for a config that the network does not take.
    """
    if name not in _BUILDERS:
        raise ValueError(f"model {name!r} is unknown: choose one of {', '.join(_BUILDERS)}")
    try:
        return _BUILDERS[name](**config)
    except (TypeError, RuntimeError) as error:              # RuntimeError: a negative number of channels
        raise ValueError(f"config {config} does not fit {name}: {error}") from error
