# SPDX-License-Identifier: Apache-2.0
"""Materials and solid textures.

Patterns are functions of a point in the solid's own frame (metres), so that they stick to the surface. Many have strong
edges that are no boundaries: that is what a network must learn to ignore.
"""
from __future__ import annotations

import colorsys

import numpy as np
import torch

(PLAIN, STRIPES, CHECKER, GRAIN, TILES, BLOTCHES, POSTER, DOTS, PLANKS, BRICKS, TEXT, KEYS, SPECKLE, PLAID,
 ORNAMENT) = range(15)

# role: (hue range, saturation range, value range, {pattern: weight}, feature size in m, specular range)
_ROLES = {
    "wall": ((0, 1), (0, .25), (.45, .95), {PLAIN: 8, STRIPES: 1, BLOTCHES: .8, TILES: .6, DOTS: .3, BRICKS: .5,
                                            ORNAMENT: .5, SPECKLE: 1}, (.05, .6), (0, .05)),
    "ceiling": ((0, 1), (0, .06), (.75, .97), {PLAIN: 8, TILES: 1, PLANKS: .3}, (.4, .8), (0, .02)),
    "floor": ((.02, .14), (.05, .6), (.2, .8), {PLANKS: 4, GRAIN: 1, TILES: 2.5, CHECKER: .7, BLOTCHES: 1,
                                                PLAIN: 1, SPECKLE: 1}, (.07, .5), (0, .25)),
    "carpet": ((0, 1), (.05, .6), (.12, .7), {SPECKLE: 4, STRIPES: 1, PLAID: 1, ORNAMENT: 2, POSTER: 1, CHECKER: .5,
                                              DOTS: .5}, (.01, .3), (0, .01)),
    "wood": ((.03, .12), (.15, .75), (.2, .9), {GRAIN: 5, PLANKS: 2, PLAIN: 3, BLOTCHES: .5}, (.03, .15), (.02, .25)),
    "top": ((.03, .14), (0, .65), (.25, .95), {GRAIN: 5, PLANKS: 2.5, PLAIN: 4, SPECKLE: .7, PLAID: .5, CHECKER: .2},
            (.05, .2), (.02, .4)),
    "metal": ((0, 1), (0, .12), (.08, .85), {PLAIN: 1}, (.1, .2), (.2, .7)),
    "paint": ((0, 1), (0, .8), (.1, .97), {PLAIN: 7, STRIPES: .7, DOTS: .5, POSTER: .7}, (.01, .1), (.02, .4)),
    "plastic": ((0, 1), (0, .95), (.05, .97), {PLAIN: 8, SPECKLE: .5}, (.01, .1), (.05, .5)),
    "fabric": ((0, 1), (.05, .7), (.12, .9), {PLAIN: 4, BLOTCHES: 1.5, STRIPES: 1, CHECKER: .5, DOTS: .5, PLAID: 1,
                                              SPECKLE: 2, ORNAMENT: .5}, (.02, .15), (0, .02)),
    "cloth": ((0, 1), (0, .8), (.1, .97), {PLAIN: 4, STRIPES: 2, CHECKER: .5, BLOTCHES: 1, POSTER: 1, PLAID: 1,
                                           ORNAMENT: 1}, (.02, .12), (0, .02)),
    "fur": ((.03, .12), (.2, .6), (.15, .8), {SPECKLE: 2, BLOTCHES: 1}, (.004, .02), (0, .02)),
    "book": ((0, 1), (.1, .95), (.12, .95), {PLAIN: 3, STRIPES: 1, POSTER: 1.5, TEXT: 2}, (.02, .08), (0, .2)),
    "label": ((0, 1), (.1, .95), (.2, .97), {POSTER: 3, TEXT: 3, STRIPES: 1, PLAIN: 1, DOTS: .3}, (.012, .08),
              (0, .3)),
    "paper": ((.05, .15), (0, .12), (.75, .98), {TEXT: 3, PLAIN: 1}, (.008, .02), (0, .05)),
    "keys": ((0, 1), (0, .1), (.03, .9), {KEYS: 1}, (.017, .02), (0, .1)),
    "card": ((.05, .1), (.2, .55), (.4, .85), {PLAIN: 4, TEXT: 1, POSTER: 1, STRIPES: .3}, (.03, .2), (0, .05)),
    "poster": ((0, 1), (.1, .9), (.1, .95), {POSTER: 5, BLOTCHES: 1, TEXT: 1, ORNAMENT: .5}, (.04, .3), (0, .15)),
    "pane": ((.5, .65), (.05, .4), (.6, 1), {PLAIN: 2, POSTER: 2, BLOTCHES: 1}, (.1, .5), (.2, .5)),
    "outdoors": ((.2, .6), (.1, .6), (.4, 1), {POSTER: 2, BLOTCHES: 2, BRICKS: 1, PLAIN: 1}, (.1, 1.0), (0, 0)),
    "sky": ((.5, .62), (0, .4), (.8, 1), {PLAIN: 3, BLOTCHES: 1}, (.5, 3.0), (0, 0)),
    "curtain": ((0, 1), (0, .5), (.35, .97), {PLAIN: 5, STRIPES: 1, ORNAMENT: 1, DOTS: .3}, (.02, .15), (0, .02)),
    "screen": ((.5, .7), (0, .5), (.01, .6), {PLAIN: 3, POSTER: 2, TEXT: 2}, (.01, .1), (.2, .6)),
    "glow": ((.08, .16), (.03, .25), (.9, 1), {PLAIN: 1}, (.1, .2), (0, .02)),
    "skin": ((.03, .08), (.25, .6), (.3, .95), {PLAIN: 1}, (.1, .2), (0, .1)),
    "hair": ((.03, .12), (.1, .6), (.04, .5), {PLAIN: 1, GRAIN: 1}, (.01, .03), (0, .2)),
    "leaf": ((.2, .4), (.3, .8), (.15, .7), {PLAIN: 2, BLOTCHES: 1}, (.02, .06), (0, .2)),
    "clay": ((0, 1), (.05, .7), (.2, .9), {PLAIN: 3, BLOTCHES: 1, STRIPES: .5}, (.02, .1), (0, .3)),
    "glass": ((0, 1), (.1, .7), (.15, .9), {PLAIN: 1}, (.1, .2), (.3, .8)),
    "fruit": ((0, .3), (.5, .95), (.4, .95), {PLAIN: 2, BLOTCHES: 1}, (.02, .04), (0, .3)),
    "rubber": ((0, 1), (0, .3), (.02, .3), {PLAIN: 1}, (.1, .2), (0, .1)),
}
_GLOW = {"glow": 2.0, "pane": 1.2, "outdoors": 1.5, "sky": 3.0, "screen": 0.7}
_ALIGNED = (STRIPES, TILES, CHECKER, PLANKS, BRICKS, TEXT, KEYS, PLAID, ORNAMENT)   # with the solid's own axes


class MaterialTable:
    """Materials of a scene, one row each; frozen into tensors by `tensors()`.

    vivid: share of the usual saturation, for scenes in which things differ little from what is behind them.
    """

    def __init__(self, vivid: float = 1.0) -> None:
        self.vivid = vivid
        self.rows: list[tuple] = []

    def add_random(self, role: str, rng: np.random.Generator) -> int:
        """Adds a material for a role ("wood", "fabric", ...) and returns its index. ValueError for an unknown role."""
        if role not in _ROLES:
            raise ValueError(f"material role is {role!r}: choose from {sorted(_ROLES)}")
        hue, saturation, value, patterns, size, specular = _ROLES[role]

        def colour() -> np.ndarray:
            rgb = colorsys.hsv_to_rgb(rng.uniform(*hue), self.vivid * rng.uniform(*saturation), rng.uniform(*value))
            return np.array(rgb) ** 2.2

        first = colour()
        second = colour() if rng.random() < 0.5 else np.clip(first * rng.uniform(0.35, 1.7), 0.01, 1)
        third = colour()
        weights = np.array(list(patterns.values()))
        pattern = list(patterns)[rng.choice(len(weights), p=weights / weights.sum())]
        if pattern in (GRAIN, PLANKS, SPECKLE):         # veins are close to the ground colour
            second = np.clip(first * rng.uniform(0.55, 0.9), 0.01, 1)
        feature_m = np.exp(rng.uniform(*np.log(size)))
        stretch = np.array([1.0, 1.0, 1.0])
        if pattern == GRAIN:
            stretch[rng.integers(3)] = 0.08
        if pattern == KEYS:
            second = np.clip(first * rng.choice([0.25, 3.0]), 0.01, 1)
        turn = np.eye(3)[rng.permutation(3)] if pattern in _ALIGNED else _random_rotation(rng)
        self.rows.append((first, second, third, pattern, feature_m, stretch, turn, rng.uniform(-50, 50, 3),
                          rng.uniform(*specular), np.exp(rng.uniform(np.log(8), np.log(120))),
                          _GLOW.get(role, 0.0) * rng.uniform(0.5, 1.2), rng.uniform(0, 0.12)))
        return len(self.rows) - 1

    def tensors(self, device: str | torch.device) -> dict[str, torch.Tensor]:
        """Columns as tensors: first, second, third [M, 3]; pattern [M] int64; to_pattern [M, 3, 3] (metres to cells);
        offset [M, 3]; feature_m, specular, gloss, glow, mottle [M]."""
        columns = [np.stack([np.asarray(row[k], float) for row in self.rows]) for k in range(12)]
        first, second, third, pattern, feature_m, stretch, turn, offset, specular, gloss, glow, mottle = (
            torch.as_tensor(column, dtype=torch.float32, device=device) for column in columns)
        to_pattern = stretch[:, :, None] * turn / feature_m[:, None, None]
        return dict(first=first, second=second, third=third, pattern=pattern.long(), to_pattern=to_pattern,
                    offset=offset, feature_m=feature_m, specular=specular, gloss=gloss, glow=glow, mottle=mottle)


def _random_rotation(rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(3, 3)))[0]


def value_noise(points: torch.Tensor) -> torch.Tensor:
    """Smooth noise in [0, 1] at points [R, 3], one random value per unit cell corner; [R]."""
    cell = points.floor()
    f = points - cell
    f = f * f * (3 - 2 * f)
    x, y, z = cell.long().unbind(1)
    total = torch.zeros_like(f[:, 0])
    for dx in (0, 1):
        hx, wx = (x + dx) * 73856093, (f[:, 0] if dx else 1 - f[:, 0])
        for dy in (0, 1):
            hy, wy = hx ^ ((y + dy) * 19349663), wx * (f[:, 1] if dy else 1 - f[:, 1])
            for dz in (0, 1):
                h = hy ^ ((z + dz) * 83492791)
                h = (h ^ (h >> 13)) * 1274126177
                value = ((h ^ (h >> 16)) & 0xFFFF).to(f.dtype) * (1 / 65535)
                total += value * wy * (f[:, 2] if dz else 1 - f[:, 2])
    return total


def albedo(table: dict[str, torch.Tensor], material: torch.Tensor, local_m: torch.Tensor,
           footprint_m: torch.Tensor) -> torch.Tensor:
    """Diffuse colour [R, 3], linear RGB in [0, 1], of materials [R] at points [R, 3] in the solid's frame (metres).

    footprint_m [R] is the width of a pixel on the surface: a pattern finer than that fades to its mean.
    """
    matrix = table["to_pattern"].index_select(0, material)
    cell = (matrix * local_m[:, None]).sum(2) + table["offset"].index_select(0, material)
    pattern = table["pattern"][material]
    fine = value_noise(cell * 2.7 + 11)
    mix, poster = torch.zeros_like(fine), torch.zeros_like(fine)
    for which, amount in _AMOUNT.items():
        mine = (pattern == which).nonzero()[:, 0]
        mix[mine] = amount(cell[mine], fine[mine])
    mine = ((pattern == POSTER) | (pattern == TEXT)).nonzero()[:, 0]
    poster[mine] = (value_noise(cell[mine] * 0.43 + 3) > 0.62).float()
    visible = (1.5 - 2 * footprint_m / table["feature_m"][material]).clamp(0, 1)
    mix = visible * mix + (1 - visible) * 0.3
    poster = (poster * (0.3 + 0.7 * visible))[:, None]
    first, second, third = (table[name].index_select(0, material) for name in ("first", "second", "third"))
    colour = first + (second - first) * mix[:, None]
    colour = colour + (third - colour) * poster
    return colour * (1 + table["mottle"][material] * (fine - 0.5))[:, None]


# Patterns: the share [R] of the second colour at cells [R, 3], given fine noise [R]. A unit cell is a feature large.

def _inside(cell: torch.Tensor) -> torch.Tensor:
    return cell - cell.floor()


def _near_edge(cell: torch.Tensor, axes: tuple[int, ...], width: float) -> torch.Tensor:
    """Whether a point is near a cell's wall along some of the axes."""
    inside = _inside(cell[:, axes])
    return torch.minimum(inside, 1 - inside).amin(1) < width


def _tiles(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    inside = _inside(cell)
    edge = torch.minimum(inside, 1 - inside)
    return (edge.topk(2, dim=1, largest=False).values[:, 0] < 0.025).float()


def _rows(cell: torch.Tensor, length: float) -> torch.Tensor:
    """Cells as rows of bricks `length` units long, every row shifted by chance."""
    row = cell[:, 1].floor()
    shift = torch.frac(torch.sin(row * 12.9898) * 43758.5).abs()
    return torch.stack([cell[:, 0] / length + shift, cell[:, 1]], 1)


def _planks(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    bricks = _rows(cell, 8.0)
    inside = _inside(bricks)
    seam = (inside[:, 1] < 0.03) | (inside[:, 0] < 0.004)
    number = bricks.floor()
    tone = torch.frac(torch.sin(number[:, 0] * 78.233 + number[:, 1] * 37.719) * 43758.5).abs()
    veins = value_noise(cell * torch.tensor([0.4, 6.0, 6.0], device=cell.device) + number[:, :1] * 5.3)
    return torch.where(seam, 2.2, 0.7 * tone + 0.6 * veins)


def _bricks(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    inside = _inside(_rows(cell, 2.2))
    return torch.where((inside[:, 1] < 0.12) | (inside[:, 0] < 0.05), 1.0, 0.3 * fine)


def _text(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """Lines of marks as long as words."""
    line = _inside(cell[:, 1:2])[:, 0]
    squeezed = torch.stack([cell[:, 0] * 1.3, cell[:, 1].floor() * 7.1, cell[:, 1].floor() * 3.3], 1)
    return ((line > 0.35) & (line < 0.75) & (value_noise(squeezed) > 0.35) & (fine > 0.3)).float()


def _plaid(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    inside = _inside(cell[:, :2])
    bands = ((inside > 0.2) & (inside < 0.55)).float() + 0.7 * (inside > 0.9).float()
    return bands.mean(1)


def _ornament(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """Rings and diamonds in a lattice, as on carpets and wallpaper."""
    centred = _inside(cell[:, :2]) - 0.5
    ring, diamond = centred.norm(dim=1), centred.abs().sum(1)
    return (((ring > 0.28) & (ring < 0.37)) | (diamond > 0.8) | (diamond < 0.16)).float()


def _speckle(cell: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    return ((fine + value_noise(cell * 6.3) - 0.7) * 2).clamp(0, 1)


_AMOUNT = {
    STRIPES: lambda cell, fine: (_inside(cell[:, :1])[:, 0] < 0.5).float(),
    CHECKER: lambda cell, fine: (cell.floor().long().sum(1) % 2).float(),
    GRAIN: lambda cell, fine: 0.65 * value_noise(cell) + 0.35 * fine,
    TILES: _tiles,
    BLOTCHES: lambda cell, fine: ((0.6 * value_noise(cell) + 0.4 * fine) * 2.2 - 0.6).clamp(0, 1),
    POSTER: lambda cell, fine: (value_noise(cell) > 0.5).float(),
    DOTS: lambda cell, fine: ((_inside(cell) - 0.5).norm(dim=1) < 0.33).float(),
    PLANKS: _planks, BRICKS: _bricks, TEXT: _text, PLAID: _plaid, ORNAMENT: _ornament, SPECKLE: _speckle,
    KEYS: lambda cell, fine: _near_edge(cell, (0, 1), 0.12).float(),
}
