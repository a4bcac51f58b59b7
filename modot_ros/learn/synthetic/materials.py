# SPDX-License-Identifier: Apache-2.0
"""Materials and solid textures.

Patterns are functions of a point in the solid's own frame (metres), so that they stick to the surface. Many have strong
edges that are no boundaries: that is what a network must learn to ignore.
"""
from __future__ import annotations

import colorsys

import numpy as np
import torch

PLAIN, STRIPES, CHECKER, GRAIN, TILES, BLOTCHES, POSTER, DOTS = range(8)

# role: (hue range, saturation range, value range, {pattern: weight}, feature size in m, specular range)
_ROLES = {
    "wall": ((0, 1), (0, .25), (.45, .95), {PLAIN: 6, STRIPES: 1, BLOTCHES: 1, TILES: 1, DOTS: .5}, (.05, .6),
             (0, .05)),
    "ceiling": ((0, 1), (0, .06), (.75, .97), {PLAIN: 8, TILES: 1}, (.4, .8), (0, .02)),
    "floor": ((.02, .14), (.05, .6), (.2, .8), {GRAIN: 3, TILES: 3, CHECKER: 1, BLOTCHES: 2, STRIPES: 1, POSTER: 2},
              (.06, .7), (0, .25)),
    "wood": ((.03, .12), (.15, .75), (.2, .9), {GRAIN: 6, PLAIN: 3, BLOTCHES: 1}, (.03, .15), (.02, .25)),
    "metal": ((0, 1), (0, .12), (.08, .85), {PLAIN: 1}, (.1, .2), (.2, .7)),
    "paint": ((0, 1), (0, .8), (.1, .97), {PLAIN: 6, STRIPES: 1, DOTS: 1, POSTER: 1}, (.01, .1), (.02, .4)),
    "fabric": ((0, 1), (.05, .7), (.12, .85), {PLAIN: 4, BLOTCHES: 3, STRIPES: 1.5, CHECKER: 1, DOTS: 1}, (.02, .15),
               (0, .02)),
    "cloth": ((0, 1), (.05, .8), (.1, .95), {PLAIN: 3, STRIPES: 2, CHECKER: 1, BLOTCHES: 2, POSTER: 1.5}, (.02, .12),
              (0, .02)),
    "book": ((0, 1), (.1, .95), (.12, .95), {PLAIN: 4, STRIPES: 2, POSTER: 2}, (.02, .08), (0, .2)),
    "card": ((.04, .13), (.1, .6), (.35, .85), {PLAIN: 4, POSTER: 2, STRIPES: 1}, (.05, .2), (0, .05)),
    "poster": ((0, 1), (.1, .9), (.1, .95), {POSTER: 6, BLOTCHES: 1, CHECKER: .5}, (.05, .3), (0, .15)),
    "pane": ((.5, .65), (.05, .4), (.6, 1), {PLAIN: 2, POSTER: 2, BLOTCHES: 1}, (.1, .5), (.2, .5)),
    "screen": ((.5, .7), (0, .5), (.02, .7), {PLAIN: 2, POSTER: 3, STRIPES: .5}, (.02, .12), (.2, .6)),
    "glow": ((.08, .16), (.03, .25), (.9, 1), {PLAIN: 1}, (.1, .2), (0, .02)),
    "skin": ((.03, .08), (.25, .6), (.3, .95), {PLAIN: 1}, (.1, .2), (0, .1)),
    "hair": ((.03, .12), (.1, .6), (.04, .5), {PLAIN: 1, GRAIN: 1}, (.01, .03), (0, .2)),
    "leaf": ((.2, .4), (.3, .8), (.15, .7), {PLAIN: 2, BLOTCHES: 1}, (.02, .06), (0, .2)),
    "clay": ((0, 1), (.05, .7), (.2, .9), {PLAIN: 3, BLOTCHES: 1, STRIPES: .5}, (.02, .1), (0, .3)),
    "glass": ((0, 1), (.1, .7), (.15, .9), {PLAIN: 1}, (.1, .2), (.3, .8)),
    "fruit": ((0, .3), (.5, .95), (.4, .95), {PLAIN: 2, BLOTCHES: 1}, (.02, .04), (0, .3)),
    "rubber": ((0, 1), (0, .3), (.04, .4), {PLAIN: 1}, (.1, .2), (0, .1)),
}
_GLOW = {"glow": 2.0, "pane": 1.2, "screen": 0.7}


class MaterialTable:
    """Materials of a scene, one row each; frozen into tensors by `tensors()`."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []

    def add_random(self, role: str, rng: np.random.Generator) -> int:
        """Adds a material for a role ("wood", "fabric", ...) and returns its index. ValueError for an unknown role."""
        if role not in _ROLES:
            raise ValueError(f"material role is {role!r}: choose from {sorted(_ROLES)}")
        hue, saturation, value, patterns, size, specular = _ROLES[role]

        def colour() -> np.ndarray:
            rgb = colorsys.hsv_to_rgb(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))
            return np.array(rgb) ** 2.2

        first = colour()
        second = colour() if rng.random() < 0.5 else np.clip(first * rng.uniform(0.35, 1.7), 0.01, 1)
        third = colour()
        weights = np.array(list(patterns.values()))
        pattern = list(patterns)[rng.choice(len(weights), p=weights / weights.sum())]
        if pattern == GRAIN:                            # veins are close to the ground colour
            second = np.clip(first * rng.uniform(0.55, 0.9), 0.01, 1)
        feature_m = np.exp(rng.uniform(*np.log(size)))
        stretch = np.array([1.0, 1.0, 1.0])
        if pattern == GRAIN:
            stretch[rng.integers(3)] = 0.08
        turn = np.eye(3)[rng.permutation(3)] if pattern in (STRIPES, TILES, CHECKER) else _random_rotation(rng)
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
    cell = (table["to_pattern"][material] @ local_m[:, :, None])[:, :, 0] + table["offset"][material]
    pattern = table["pattern"][material]
    first, second, third = (table[name][material] for name in ("first", "second", "third"))
    noise, fine = value_noise(cell), value_noise(cell * 2.7 + 11)
    inside = cell - cell.floor()
    parity = cell.floor().long().sum(1) % 2
    mix = torch.zeros_like(noise)
    mix = torch.where(pattern == STRIPES, (inside[:, 0] < 0.5).float(), mix)
    mix = torch.where(pattern == CHECKER, parity.float(), mix)
    mix = torch.where(pattern == GRAIN, (0.65 * noise + 0.35 * fine), mix)
    edge = torch.minimum(inside, 1 - inside)
    mix = torch.where(pattern == TILES, (edge.topk(2, dim=1, largest=False).values[:, 0] < 0.025).float(), mix)
    mix = torch.where(pattern == BLOTCHES, ((0.6 * noise + 0.4 * fine) * 2.2 - 0.6).clamp(0, 1), mix)
    mix = torch.where(pattern == POSTER, (noise > 0.5).float(), mix)
    mix = torch.where(pattern == DOTS, ((inside - 0.5).norm(dim=1) < 0.33).float(), mix)
    visible = (1.5 - 2 * footprint_m / table["feature_m"][material]).clamp(0, 1)
    mix = visible * mix + (1 - visible) * 0.3
    colour = first + (second - first) * mix[:, None]
    poster = (pattern == POSTER) & (fine > 0.58)
    colour = torch.where(poster[:, None], visible[:, None] * third + (1 - visible[:, None]) * colour, colour)
    return colour * (1 + table["mottle"][material] * (fine - 0.5))[:, None]
