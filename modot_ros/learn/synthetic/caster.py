# SPDX-License-Identifier: Apache-2.0
"""First hits of many rays that leave one point, the camera's, or a few close ones, a light's.

Directions are binned into cells of a perspective grid (a camera's picture, or the six faces of a cube). A solid is a
candidate of a cell when its silhouette meets it within an octagon, the extents of the silhouette along four directions
of the grid, which support functions give exactly. So a ray is tested against a few solids of hundreds.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch

from modot_ros.learn.synthetic.rooms.shapes import (
    BOX,
    ELLIPSOID,
    FRUSTUM,
    HULL,
    KINDS,
    Solids,
    enter_box,
    enter_ellipsoid,
    enter_frustum,
    enter_hull,
    through_top,
)

NO_HIT = -1
_MIN_T = 1e-6
_TINY = 1e-30
_SLACK = 1e-9                                            # for rounding, in cells times metres


@dataclass(frozen=True)
class Grid:
    """Cells of directions: `rows` x `columns` on each of F perspective faces.

    frames float64 [F, 3, 3], rows of the frame's x, y, z axes in the world; low, high: the tangents (x/z, y/z) at the
    first and last corner of a face.
    """

    frames: torch.Tensor
    low: tuple[float, float]
    high: tuple[float, float]
    columns: int
    rows: int

    @staticmethod
    def cube(side: int, device: str | torch.device) -> Grid:
        """All directions: six faces of side x side cells."""
        axes = torch.eye(3, dtype=torch.float64, device=device)
        frames = torch.stack([torch.stack([axes[(k + 1) % 3], axes[(k + 2) % 3], sign * axes[k]])
                              for k in range(3) for sign in (1, -1)])
        return Grid(frames, (-1.0, -1.0), (1.0, 1.0), side, side)

    def cell_frames(self) -> torch.Tensor:
        """[F, 3, 3]: world directions to (X, Y, Z) with X/Z and Y/Z counted in columns and rows."""
        scale_x = self.columns / (self.high[0] - self.low[0])
        scale_y = self.rows / (self.high[1] - self.low[1])
        to_cells = torch.tensor([[scale_x, 0, -self.low[0] * scale_x], [0, scale_y, -self.low[1] * scale_y],
                                 [0, 0, 1]], dtype=torch.float64, device=self.frames.device)
        return to_cells @ self.frames

    def cells(self, directions: torch.Tensor) -> torch.Tensor:
        """The cell [R] of each direction [R, 3]."""
        frames = self.cell_frames().to(directions.dtype)
        if len(frames) == 1:
            face, local = 0, directions @ frames[0].T
        else:
            axes = self.frames[:, 2].to(directions.dtype)
            face = (directions @ axes.T).argmax(1)
            local = (frames[face] * directions[:, None]).sum(2)
        column = (local[:, 0] / local[:, 2]).long().clamp(0, self.columns - 1)
        row = (local[:, 1] / local[:, 2]).long().clamp(0, self.rows - 1)
        return (face * self.rows + row) * self.columns + column

    def candidates(self, solids: Solids, origins_m: torch.Tensor) -> torch.Tensor:
        """Which solids rays from origins_m [K, 3] may hit in a cell; bool [F * rows * columns, P]."""
        device = self.frames.device
        rows = torch.arange(self.rows, device=device)
        columns = torch.arange(self.columns, device=device)
        diagonal = rows[:, None] + columns
        slant = rows[:, None] - columns + self.columns - 1
        found = []
        for frame in self.cell_frames():
            centre = (solids.centre_m[None] - origins_m[:, None]) @ frame.T             # [K, P, 3]
            spread = frame @ solids.world_from_local                                    # [P, 3, 3]

            def meets(x: float, y: float, first: int, count: int, width: int) -> torch.Tensor:
                """[count, P]: solids with a point between the lines x X/Z + y Y/Z = k and k + width, k from first."""
                k = torch.arange(first, first + count + width, device=device, dtype=torch.float64)
                line = torch.stack([torch.full_like(k, x), torch.full_like(k, y), -k], 1)
                away = centre @ line.T                                                  # [K, P, lines]
                across = torch.einsum("lc,pci->pil", line, spread)
                lowest, highest = extent(solids, across)
                above, below = away.amax(0) + highest, away.amin(0) + lowest
                return ((above[:, :count] >= -_SLACK) & (below[:, width:] <= _SLACK)).T

            in_front = centre[:, :, 2].amax(0) + extent(solids, spread[:, 2, :, None])[1][:, 0] > 0
            across = meets(1, 0, 0, self.columns, 1) & in_front
            down = meets(0, 1, 0, self.rows, 1)
            found.append((down[:, None] & across[None]
                          & meets(1, 1, 0, self.rows + self.columns - 1, 2)[diagonal]
                          & meets(-1, 1, -self.columns, self.rows + self.columns - 1, 2)[slant]).flatten(0, 1))
        return torch.cat(found)


def extent(solids: Solids, across: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Smallest and largest value [P, L] of across . x over the unit shapes; across [P, 3, L]. A hull counts as its
    cube, a cut ellipsoid as a whole one."""
    x, y, z = across.unbind(1)
    flat = x * x + y * y
    radial = flat.sqrt()
    end = solids.taper[:, None] * radial
    kind = solids.kind[:, None]
    even = torch.where(kind == ELLIPSOID, (flat + z * z).sqrt(), x.abs() + y.abs() + z.abs())
    frustum = kind == FRUSTUM
    return (torch.where(frustum, -torch.maximum(radial + z, end - z), -even),
            torch.where(frustum, torch.maximum(radial - z, end + z), even))


class Caster:
    """Casts rays from origins_m [K, 3] (world frame), close to each other, against `solids`, in cells of `grid`."""

    def __init__(self, solids: Solids, origins_m: torch.Tensor, grid: Grid, dtype=torch.float64) -> None:
        self.grid, self.dtype = grid, dtype
        device = solids.device
        origins_m = origins_m.to(device=device, dtype=torch.float64)
        candidate = grid.candidates(solids, origins_m)
        self.solids = []                                # per kind: candidates of all cells, one cell after the other
        self.first, self.count = [], []                 # per kind: where a cell's run begins, how long it is
        for kind in KINDS:
            member = (solids.kind == kind).nonzero()[:, 0]
            cell, mine = candidate[:, member].nonzero().unbind(1)
            self.solids.append(member[mine])
            self.count.append(torch.bincount(cell, minlength=len(candidate)))
            self.first.append(self.count[-1].cumsum(0) - self.count[-1])
        self.linear = solids.local_from_world[:, :, :3].permute(1, 2, 0).reshape(9, -1).to(dtype).contiguous()
        origin = torch.einsum("pij,kj->ikp", solids.local_from_world[:, :, :3], origins_m)
        self.origin = (origin + solids.local_from_world[:, :, 3].T[:, None]).to(dtype).reshape(3, -1)   # [3, K * P]
        self.taper, self.cut, self.hole = (x.to(dtype) for x in (solids.taper, solids.cut, solids.hole))
        # the radius of the opening: of the top's for a rim, all of it for a hollow
        rim = torch.where(solids.kind == FRUSTUM, solids.taper, (1 - solids.cut ** 2).clamp(min=0).sqrt())
        self.opening = (rim * torch.where(solids.inside, 2.0, solids.hole)).to(dtype)
        self.inside, self.planes = solids.inside, solids.planes.to(dtype)
        self.places = len(origins_m)
        self.chunk = 4096 if device.type == "cpu" else 1 << 20      # rays at a time: stay in a core's cache

    def cast(self, directions: torch.Tensor, origin: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """First hits along origins_m[origin] + t * direction, t > 0.

        directions [R, 3], any length; origin [R] int64, all 0 when left out. Returns t [R] (inf without a hit) and the
        solid's index [R] (NO_HIT without). A solid that holds the origin is not seen.
        """
        directions = directions.to(self.dtype)
        t = directions.new_full((len(directions),), torch.inf)
        hit = torch.full((len(directions),), NO_HIT, dtype=torch.int64, device=directions.device)
        if not len(directions):
            return t, hit
        # rays of one cell and origin go in bundles [N, B], so that what is looked up is looked up once per bundle
        key = self.grid.cells(directions)
        if origin is not None:
            key = key * self.places + origin
        order = key.argsort()
        count = torch.bincount(key, minlength=len(self.count[0]) * (1 if origin is None else self.places))
        width = 16 if len(directions) > 6 * int((count > 0).sum()) else 4
        bundles = (count + width - 1) // width
        key = torch.repeat_interleave(bundles)
        number = torch.arange(len(key), device=key.device) - (bundles.cumsum(0) - bundles)[key]
        last = count.cumsum(0)
        place = (last - count)[key][:, None] + number[:, None] * width + torch.arange(width, device=key.device)
        ray = order[torch.minimum(place, last[key][:, None] - 1)]                       # the last one fills up
        step = max(1, self.chunk // width)
        for k in range(0, len(key), step):
            rays, cell = ray[k:k + step], key[k:k + step]
            local = directions.index_select(0, rays.reshape(-1)).T.reshape(3, -1, width)
            if origin is None:
                t[rays], hit[rays] = self._cast_bundles(local, cell, None)
            else:
                t[rays], hit[rays] = self._cast_bundles(local, cell // self.places, cell % self.places)
        return t, hit

    def _cast_bundles(self, directions: torch.Tensor, cells: torch.Tensor, origin: torch.Tensor | None) -> tuple:
        """Bundles of rays [3, N, B] in their cells [N], from their origins [N]: t [N, B], index [N, B]."""
        found = []
        for kind in KINDS:
            count = self.count[kind][cells]
            bundle = torch.repeat_interleave(count)
            if len(bundle):
                before = self.first[kind][cells] - (count.cumsum(0) - count)
                solid = self.solids[kind][torch.arange(len(bundle), device=bundle.device) + before[bundle]]
                found.append((self._enter(kind, directions, bundle, solid, origin), bundle, solid))
        best = torch.full_like(directions[0], torch.inf)
        hit = torch.full_like(best, NO_HIT, dtype=torch.int64)
        if found:
            t, bundle, solid = (torch.cat(part) for part in zip(*found))
            into = bundle[:, None].expand_as(t)
            best.scatter_reduce_(0, into, t, "amin")
            first = (t == best.index_select(0, bundle)) & (t < torch.inf)
            hit.scatter_reduce_(0, into, torch.where(first, solid[:, None], NO_HIT), "amax")
        return best, hit

    def _enter(self, kind: int, directions: torch.Tensor, bundle: torch.Tensor, solid: torch.Tensor,
               origin: torch.Tensor | None) -> torch.Tensor:
        """t [Q, B] of pairs (bundle [Q], solid [Q]) of one kind; inf for a miss."""
        x, y, z = (axis.index_select(0, bundle) for axis in directions)
        linear = self.linear.index_select(1, solid)[:, :, None]
        # no component is exactly 0: the shapes divide by them
        d = tuple(torch.addcmul(torch.addcmul(linear[k] * x, linear[k + 1], y), linear[k + 2], z) + _TINY
                  for k in (0, 3, 6))
        place = solid if origin is None else torch.add(solid, origin[bundle], alpha=self.linear.shape[1])
        o = self.origin.index_select(1, place)[:, :, None].unbind(0)
        if kind == BOX:
            enter, leave = enter_box(o, d)
        elif kind == HULL:
            enter, leave = enter_hull(o, d, self.planes[solid])
        else:
            shape, form = {ELLIPSOID: (enter_ellipsoid, self.cut), FRUSTUM: (enter_frustum, self.taper)}[kind]
            enter, leave, level = shape(o, d, form[solid][:, None])
            opening = self.opening[solid][:, None]
            if (opening > 0).any():
                inside = self.inside[solid][:, None]
                falls_in = through_top(o, d, enter, level, opening)
                seen = torch.where(falls_in == inside, torch.where(inside, leave, enter), torch.inf)
                return torch.where((enter <= leave) & (enter > _MIN_T), seen, torch.inf)
        return torch.where((enter <= leave) & (enter > _MIN_T), enter, torch.inf)
