# SPDX-License-Identifier: Apache-2.0
"""First hits of many rays that leave one point, the camera's or a light's.

Directions are binned with the octahedral map (Meyer et al., EGSR 2010); a solid is a candidate of a bin when their
bounding cones meet, so that a ray is tested against about a tenth of the scene.
"""
from __future__ import annotations

import torch

from modot_ros.learn.synthetic.shapes import BOX, ELLIPSOID, KINDS, Solids, enter_box, enter_ellipsoid, enter_frustum

NO_HIT = -1
_CHUNK = 2048                                           # rays at a time: solids x rays stays in a core's cache
_MIN_T = 1e-6


def octahedral(directions: torch.Tensor) -> torch.Tensor:
    """Directions [R, 3] of any length onto the square [-1, 1]^2; [R, 2]."""
    unit = directions / directions.abs().sum(1, keepdim=True)
    folded = (1 - unit[:, [1, 0]].abs()) * torch.where(unit[:, :2] >= 0, 1.0, -1.0).to(unit.dtype)
    return torch.where(unit[:, 2:] < 0, folded, unit[:, :2])


def from_octahedral(square: torch.Tensor) -> torch.Tensor:
    """Inverse of octahedral(): points [R, 2] of the square to unit directions [R, 3]."""
    z = 1 - square.abs().sum(1)
    fold = (-z).clamp(min=0)[:, None]
    xy = square - torch.where(square >= 0, fold, -fold)
    return torch.nn.functional.normalize(torch.cat([xy, z[:, None]], 1), dim=1)


class Caster:
    """Casts rays from `origin_m` [3] (world frame) against `solids`.

    `cells` is the number of direction bins along each side of the octahedral square.
    """

    def __init__(self, solids: Solids, origin_m: torch.Tensor, cells: int = 48, dtype=torch.float64) -> None:
        self.cells, self.dtype = cells, dtype
        device = solids.device
        origin_m = origin_m.to(device=device, dtype=torch.float64)
        step = torch.arange(cells, device=device, dtype=torch.float64)
        row, column = torch.meshgrid(step, step, indexing="ij")
        corner = torch.stack([column, row], 2).reshape(-1, 2)

        def direction(dx: float, dy: float) -> torch.Tensor:
            return from_octahedral((corner + torch.tensor([dx, dy], device=device)) * (2 / cells) - 1)

        middle = direction(0.5, 0.5)
        rim = torch.stack([direction(x, y) for x in (0.0, 0.5, 1.0) for y in (0.0, 0.5, 1.0)])
        cell_angle = (rim * middle).sum(2).clamp(-1, 1).acos().amax(0) * 1.02 + 1e-6        # [cells^2]
        offset = solids.centre_m - origin_m
        distance = offset.norm(dim=1).clamp(min=1e-9)
        half_angle = torch.where(distance > solids.radius_m, (solids.radius_m / distance).clamp(max=1).asin(), torch.pi)
        between = (middle @ (offset / distance[:, None]).T).clamp(-1, 1).acos()             # [cells^2, P]
        candidate = between <= cell_angle[:, None] + half_angle
        # solids ordered by kind, so that the candidates of a bin come in one run per kind
        self.by_kind = torch.cat([(solids.kind == kind).nonzero()[:, 0] for kind in KINDS])
        self.kind = solids.kind[self.by_kind]
        self.candidate = candidate[:, self.by_kind]
        self.linear = solids.local_from_world[self.by_kind, :, :3].to(dtype)
        origin = solids.local_from_world[:, :, :3] @ origin_m + solids.local_from_world[:, :, 3]
        self.origin = origin[self.by_kind].to(dtype)
        self.taper = solids.taper[self.by_kind].to(dtype)

    def cast(self, directions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """First hits along origin + t * direction, t > 0.

        directions [R, 3], any length. Returns t [R] (inf without a hit) and the solid's index [R] (NO_HIT without).
        A solid that holds the origin is not seen.
        """
        directions = directions.to(self.dtype)
        column, row = ((octahedral(directions) + 1) * (self.cells / 2)).long().clamp(0, self.cells - 1).unbind(1)
        # rays that follow each other come from one 4 x 4 block of bins, so that a chunk shares its candidates
        block = (row // 4 * self.cells + column // 4) * 16 + row % 4 * 4 + column % 4
        order = block.argsort()
        bins = (row * self.cells + column)[order]
        t = torch.full((len(directions),), torch.inf, dtype=self.dtype, device=directions.device)
        hit = torch.full((len(directions),), NO_HIT, dtype=torch.int64, device=directions.device)
        for start in range(0, len(directions), _CHUNK):
            rays = order[start:start + _CHUNK]
            near = self.candidate[bins[start:start + _CHUNK].unique()].any(0).nonzero()[:, 0]
            t[rays], hit[rays] = self._cast_chunk(directions[rays].T, near)
        return t, hit

    def _cast_chunk(self, directions: torch.Tensor, near: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rays [3, R] against the solids `near` [N] (places in by_kind): t [R], index [R]."""
        count = directions.shape[1]
        local = (self.linear[near].reshape(-1, 3) @ directions).reshape(-1, 3, count)
        origin, kinds = self.origin[near, :, None], self.kind[near].tolist()
        first, found = 0, []
        for kind in KINDS:
            last = first + kinds.count(kind)
            if last > first:
                o, d = origin[first:last].unbind(1), local[first:last].unbind(1)
                if kind == BOX:
                    enter, leave = enter_box(o, d)
                elif kind == ELLIPSOID:
                    enter, leave = enter_ellipsoid(o, d)
                else:
                    enter, leave = enter_frustum(o, d, self.taper[near[first:last], None])
                found.append(torch.where((enter <= leave) & (enter > _MIN_T), enter, torch.inf))
            first = last
        if not found:
            return (torch.full((count,), torch.inf, dtype=self.dtype, device=directions.device),
                    torch.full((count,), NO_HIT, device=directions.device))
        t, which = torch.cat(found).min(0)
        return t, torch.where(t.isinf(), NO_HIT, self.by_kind[near[which]])
