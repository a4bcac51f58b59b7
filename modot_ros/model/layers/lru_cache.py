# SPDX-License-Identifier: Apache-2.0
"""Cache of tables that networks compute once per size of map."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

MOST = 256                                              # about ten picture sizes of a large network

_kept: OrderedDict[tuple, Any] = OrderedDict()          # by what it was made from, oldest use first


def remember(key: tuple, make: Callable[[], Any]) -> Any:
    """Result of `make`, computed once per key while the key is among the MOST last used ones."""
    if key not in _kept:
        with torch.inference_mode(False):               # kept for training, too
            _kept[key] = make()
        if len(_kept) > MOST:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def all_recent() -> list[Any]:
    """All that is kept at the moment."""
    return list(_kept.values())
