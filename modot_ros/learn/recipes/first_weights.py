# SPDX-License-Identifier: Apache-2.0
"""The files that a published training begins with: an ImageNet encoder, or a finished first stage."""
from __future__ import annotations

import hashlib
import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.checkpoint import read_weights

BIAS_TABLE = "relative_position_bias_table"


def digest(path: str | Path) -> str:
    """Of a file's content, SHA-256 in hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def fill_encoder(encoder: nn.Module, path: str | Path) -> None:
    """Put the weights of a classifier, as `swin_large_patch4_window7_224_22k.pth`, into MoDOT's encoder.

    The classifier's own last norm, head and attention masks are left aside, and the norms of the four outputs stay as they
    are, as officially. Bias tables of other windows are resized, bicubically. Nothing is changed when the file is refused.

    Raises FileNotFoundError for no such file; ValueError, which names it, for one that is damaged or of another network.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of a Swin's weights")
    state, metadata = read_weights(path, "swin")
    if name := metadata.get("name"):
        raise ValueError(f"{path}: these are weights of {name!r}, not of a Swin that was trained on ImageNet")
    state = {key.removeprefix("encoder."): value for key, value in state.items()}
    own = encoder.state_dict()
    filled: dict[str, Tensor] = {}
    for key, value in own.items():
        if key.endswith("relative_position_index") or key.startswith("norm"):
            continue
        if key not in state:
            raise ValueError(f"{path}: is of another network, it has no {key!r} but {', '.join(list(state)[:3])} ...; a Swin "
                             f"whose first stage has {own['patch_embed.proj.bias'].numel()} channels was expected")
        found = state[key]
        if key.endswith(BIAS_TABLE) and found.ndim == 2 and found.shape[1] == value.shape[1]:
            found = _resized_table(found, value.shape[0])
        if found.shape != value.shape:
            raise ValueError(f"{path}: is of another network, {key} is {tuple(found.shape)}, expected was "
                             f"{tuple(value.shape)}")
        filled[key] = found
    encoder.load_state_dict(filled, strict=False)


def _resized_table(table: Tensor, length: int) -> Tensor:
    """[(2 w - 1)^2, heads] of one window size for another."""
    old, new = math.isqrt(len(table)), math.isqrt(length)
    if old == new or old * old != len(table):
        return table
    square = table.float().T.reshape(1, -1, old, old)
    with torch.no_grad():
        return F.interpolate(square, size=(new, new), mode="bicubic").reshape(-1, length).T.contiguous()
