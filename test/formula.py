# SPDX-License-Identifier: Apache-2.0
"""Weights and pictures by formula, from which every machine makes the same bits: what the published networks are compared on.

A weight is drawn by the CRC-32 of its name, so that no weight has to be stored. The formulas are those of the reference outputs
that were made with the official code; with other ones those could not be compared with.
"""
from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable

import numpy as np
import torch

State = dict[str, torch.Tensor]
CASES = {"modot": ((64, 96, 2), (33, 47, 1)), "modot_ssr": ((64, 96, 2), (33, 47, 1)),
         "dnmmsi_small": ((96, 160, 2), (100, 150, 1)),
         **dict.fromkeys(("instaordernet_o", "instaordernet_d", "instaordernet_od", "ordernet", "ordernet_ext", "instadepthnet_d",
                          "instadepthnet_od"), ((64, 64, 2),)), "pcnet_m": ((64, 64, 1),)}     # height, width, pictures


def fill_boundary_network(state: State) -> None:
    """Fill the floating tensors of a MoDOT, MoDOT + SSR or DNMMSI in place."""
    for key, value in state.items():
        if not value.is_floating_point():
            continue
        name = key.replace("module.", "").removeprefix("init_model.")
        drawn = _uniform(f"{name}b", value.shape)
        if name.endswith("running_var"):
            drawn = 0.6 + 0.3 * drawn
        elif value.ndim >= 2 and not name.endswith("relative_position_bias_table"):
            drawn = drawn * np.sqrt(3.0 / math.prod(value.shape[1:])) * 1.2
            if name in ("heads.depth.1.weight", "ob_conv_out_.weight"):
                drawn = drawn * 0.1
        elif name.endswith("weight"):
            drawn = 1.0 + 0.3 * drawn
        elif not name.endswith("relative_position_bias_table"):     # means and biases
            drawn = 0.2 * drawn
        value.copy_(torch.from_numpy(drawn.astype(np.float32)))


def canonical(key: str) -> str:
    """An order network's key without its wrapper; its stem is called by its place in the first stage."""
    key = re.sub(r"^(gdo_net|do_net|oo_net)\.conv1\.", r"\1.layer1.0.", key.removeprefix("module."))
    return re.sub(r"^(gdo_net|do_net|oo_net)\.bn1\.", r"\1.layer1.1.", key)


def fill_order_network(state: State) -> None:
    """Fill the floating tensors of a network of InstaOrder, or of its baselines, in place."""
    for key, value in state.items():
        if not value.is_floating_point():
            continue
        name = canonical(key)
        drawn, leaf = _uniform(name, value.shape), name.rpartition(".")[2]
        if value.shape == (1,):
            drawn = 0.0 * drawn - 2.0
        elif leaf == "running_var":
            drawn = 1.0 + 0.3 * drawn
        elif leaf in ("running_mean", "bias"):
            drawn = 0.1 * drawn
        elif value.ndim == 1:
            drawn = (1.0 + 0.3 * drawn) * (0.3 if ".bn3." in name else 1.0)
        else:
            gain = 0.02 if value.ndim == 2 else 0.6 if name.startswith("scratch.") else 2.0
            drawn = drawn * np.sqrt(3.0 * gain / math.prod(value.shape[1:]))
        value.copy_(torch.from_numpy(drawn.astype(np.float32)))


def picture(height: int, width: int, count: int = 1) -> torch.Tensor:
    """float32 [count, 3, height, width], as if normalised: waves, blocks with sharp edges and a fine pattern."""
    n, c, y, x = np.ogrid[0:count, 0:3, 0:height, 0:width]

    def wave(at: np.ndarray, half: int | np.ndarray) -> np.ndarray:
        return np.abs(at % (2 * half) - half) / half
    made = wave(3 * x + 5 * y + 17 * c + 29 * n, 61) + wave(7 * x - 4 * y + 11 * c + 100000, 97 + 10 * c)
    made = made + ((y // 13 + x // 17 + c + n) % 3) * 0.5
    made = made + ((x * 1103 + y * 7919 + c * 104729 + n * 15485863) % 257 / 257.0 - 0.5) * 0.4
    return torch.from_numpy((made * 1.3 - 1.9).astype(np.float32))


def stroke_picture(height: int, width: int, count: int = 1) -> torch.Tensor:
    """float32 [count, 6, height, width]: `picture`, strokes where a boundary is missing and where one is false, and an
    earlier output."""
    y, x = np.mgrid[0:height, 0:width]

    def disk(u: int, v: int) -> np.ndarray:
        return (x - u) ** 2 + (y - v) ** 2 <= 144
    maps = np.zeros((count, 3, height, width), np.float32)
    for n in range(count):
        left = width // 4 + 5 * n
        maps[n, 0] = disk(left, height // 3) | disk(left + 9, height // 3 + 6)
        maps[n, 1] = disk(2 * width // 3, 3 * height // 5 + 4 * n)
        maps[n, 2] = np.where((x + 2 * y + 7 * n) % 23 == 0, (179 + x * y % 77) / 255.0, 0.0)
    return torch.cat([picture(height, width, count), torch.from_numpy(maps)], dim=1)


def pair_picture(height: int, width: int, count: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """float32 picture [count, 3, height, width], as if normalised, and two masks [count, 1, height, width]."""
    n, c, y, x = np.mgrid[0:count, 0:3, 0:height, 0:width].astype(np.float64)
    rgb = 1.3 * np.sin(.11 * x + .07 * y * (1 + c) + .9 * n) + .6 * np.cos(.05 * x * (c + 1) - .13 * y + n)

    def ellipse(centre: tuple[float, float], half: tuple[float, float]) -> np.ndarray:
        (u, v), (a, b) = (tuple(map(int, pair)) for pair in (centre, half))
        rows, columns = np.mgrid[0:height, 0:width]
        return (((columns - u) * b) ** 2 + ((rows - v) * a) ** 2 <= (a * b) ** 2).astype(np.float32)
    first = np.stack([ellipse((width * (.35 + .1 * k), .4 * height), (.25 * width, .3 * height)) for k in range(count)])
    second = np.stack([ellipse((.6 * width, height * (.6 - .1 * k)), (.3 * width, .2 * height)) for k in range(count)])
    return tuple(torch.from_numpy(array) for array in (rgb.astype(np.float32), first[:, None], (second * (1 - first))[:, None]))


@torch.inference_mode()
def outputs(name: str, network: torch.nn.Module, case: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """What the network called `name`, one of CASES, predicts for a picture of the case, by the names of the reference outputs."""
    found: dict[str, torch.Tensor] = {}
    if name.startswith("modot"):
        depth, boundaries = network(picture(*case))
        found = {"depth": depth, **({"ob": boundaries} if name == "modot_ssr" else
                                    {f"ob{k}": logits for k, logits in enumerate(boundaries)})}
    elif name.startswith("dnmmsi"):
        found = dict(zip((*(f"side{k}" for k in range(5)), "fused"), network(stroke_picture(*case))))
    else:
        rgb, *masks = pair_picture(*case)
        for order, (first, second) in (("ab", masks), ("ba", masks[::-1])):
            if name.startswith("instadepthnet"):
                parts = dict(zip(("disp", "depth", "occ"), network(rgb, first, second)))
            else:
                made = network(torch.cat([first, second] if name == "pcnet_m" else [first, second, rgb], dim=1))
                parts = dict(zip(("occ", "depth"), made)) if isinstance(made, tuple) else {"out": made}
            found |= {f"{part}_{order}": value for part, value in parts.items() if value is not None}
    return {part: value.numpy() for part, value in found.items()}


def sampled(values: np.ndarray, most: int = 16) -> np.ndarray:
    """Of a map its corners, borders and a grid between: at most `most` rows and columns; anything else as it is."""
    if values.ndim < 3:
        return values
    rows, columns = (np.unique(np.linspace(0, side - 1, most).round().astype(int)) for side in values.shape[-2:])
    return values[..., rows[:, None], columns]


def names_of(network: torch.nn.Module) -> list[int]:
    """Number of the tensors of a network's state, and CRC-32 of their names, sizes and types."""
    lines = sorted(f"{key} {list(value.shape)} {value.dtype}" for key, value in network.state_dict().items())
    return [len(lines), zlib.crc32("\n".join(lines).encode())]


def fill_of(name: str) -> Callable[[State], None]:
    return fill_boundary_network if name.startswith(("modot", "dnmmsi")) else fill_order_network


def _uniform(name: str, shape: torch.Size) -> np.ndarray:
    """float64 in -1 .. 1, by the name alone."""
    return np.random.RandomState(zlib.crc32(name.encode())).random_sample(tuple(shape)) * 2.0 - 1.0
