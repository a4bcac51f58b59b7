# SPDX-License-Identifier: Apache-2.0
"""Format of the authors' checkpoint files of InstaOrder (CVPR 2022) and of MiDaS v2.1.

A file of InstaOrder is called `{DATA SET}_{MODEL}.pth.tar` and holds `step`, `state_dict` and `optimizer`; every key
begins with `module.`, the wrapper that they were trained in. The order networks inside InstaDepthNet hold their stem
twice, and layers that nothing uses were saved, too.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

# The stem before its network's stages were regrouped. The copy inside `layer1` was loaded last: it is what counts.
_ALIASES = ((re.compile(r"^(gdo_net|do_net|oo_net)\.conv1\."), r"\1.layer1.0."),
            (re.compile(r"^(gdo_net|do_net|oo_net)\.bn1\."), r"\1.layer1.1."))
_UNUSED = re.compile(r"^((gdo_net|do_net|oo_net)\.fc|scratch\.refinenet4\.resConfUnit1)\.")
_COUNTER = ".num_batches_tracked"

# Networks by a key that only they have, the more special ones first.
_MARKS = (("oo_net.layer1.0.weight", "instadepthnet_od"), ("gdo_net.layer1.0.weight", "instadepthnet_d"),
          ("scratch.output_conv.0.weight", "midas_v21"), ("fc_occ.weight", "instaordernet_od"),
          ("inc.conv.conv.0.weight", "pcnet_m"))
_BY_CLASSES = {2: ("instaordernet_o",), 3: ("instaordernet_d", "ordernet"), 4: ("ordernet_ext",)}


class OrderNetwork(nn.Module):
    """What pair inference and checkpoints rely on: how the authors' evaluation feeds the network, and their keys.

    mode  one of pair_input.MODES
    size  side of the square input, pixels
    """

    mode: str
    size: int

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As torch's, and the keys may be the authors'."""
        return super().load_state_dict(own_keys(state_dict, self.state_dict()), strict, assign)


def own_keys(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint by the keys of the network whose state dict is `own`: no wrapper, one stem, nothing that is unused.

    Keys that fit neither stay, so that whoever loads them can name them. Counters of batches that are not there or
    of another shape, as older torch wrote them, become 0. Raises ValueError when two keys become one.
    """
    found: dict[str, Tensor] = {}
    plain: dict[str, Tensor] = {}
    for key, value in state.items():
        name = _unwrapped(key)
        if name in plain:
            raise ValueError(f"{name} is there twice, under different wrappers")
        plain[name] = value
    for name, value in plain.items():
        key = _folded(name)
        if (key == name or key not in plain) and (key in own or not _UNUSED.match(key)):
            found[key] = value
    for key, value in own.items():
        if key.endswith(_COUNTER) and (key not in found or found[key].shape != value.shape):
            found[key] = torch.zeros(value.shape, dtype=value.dtype)
    return found


def names_of(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Order networks that these may be the weights of: none, one, or InstaOrderNet^d and OrderNet, which look alike."""
    shapes = {_folded(_unwrapped(key)): value.shape for key, value in state.items()}
    for key, name in _MARKS:
        if key in shapes:
            return name,
    if "conv1.weight" not in shapes or len(shapes.get("fc.weight", ())) != 2:
        return ()
    return _BY_CLASSES.get(shapes["fc.weight"][0], ())


def name_of(state: Mapping[str, Tensor], path: Path, wanted: str | None = None) -> str | None:
    """The network that these are weights of; of two that look alike the one that the path names, else `wanted`.

    Weights of no order network count as `wanted`: what does not fit is named when they are loaded. Raises ValueError
    when nothing tells which of the two it is.
    """
    names = names_of(state)
    if len(names) < 2:
        return names[0] if names else wanted
    name = told_by(path) or (wanted if wanted in names else None)
    if name is None:
        raise ValueError(f"{path}: InstaOrderNet_d and OrderNet look alike, and this file's name tells neither: "
                         "give it back the authors' name, InstaOrder_InstaOrderNet_d.pth.tar or "
                         "InstaOrder_OrderNet.pth.tar")
    return name


def told_by(path: Path) -> str | None:
    """Which of the two that look alike a path names, the file itself first."""
    for part in (path.name, *reversed(path.absolute().parent.parts)):
        if re.search(r"InstaOrderNet_d(?!epth)", part, re.IGNORECASE):
            return "instaordernet_d"
        if re.search(r"(?<!Insta)OrderNet", part, re.IGNORECASE):
            return "ordernet"
    return None


def _unwrapped(key: str) -> str:
    while key.startswith("module."):
        key = key.removeprefix("module.")
    return key


def _folded(key: str) -> str:
    for pattern, replacement in _ALIASES:
        key = pattern.sub(replacement, key)
    return key
