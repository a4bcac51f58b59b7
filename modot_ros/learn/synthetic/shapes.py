# SPDX-License-Identifier: Apache-2.0
"""The convex solids that a scene is made of, and where a ray enters them.

Each solid is an affine image of a unit shape, so one 3x4 matrix places, turns and scales it:
    BOX        [-1, 1]^3
    ELLIPSOID  x^2 + y^2 + z^2 <= 1
    FRUSTUM    |z| <= 1 and x^2 + y^2 <= r(z)^2, r going linearly from 1 at z = -1 to `taper` at z = 1
Only convex solids are allowed: two rays that enter the same one see a continuous surface between them, which is what
the boundary test of truth.py rests on. World frame: x, y on the floor, z up (REP 103), metres.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

BOX, ELLIPSOID, FRUSTUM = range(3)
KINDS = (BOX, ELLIPSOID, FRUSTUM)


@dataclass(frozen=True)
class Solid:
    """One placed solid.

    centre_m [3]; rotation [3, 3] world from local; half_m [3] half extents; taper only for FRUSTUM.
    """

    kind: int
    centre_m: np.ndarray
    rotation: np.ndarray
    half_m: np.ndarray
    material: int
    instance: int = 0                                   # 0 = room shell
    taper: float = 1.0

    @property
    def radius_m(self) -> float:
        """Radius of a sphere about centre_m that holds the solid."""
        if self.kind == ELLIPSOID:
            return float(self.half_m.max())
        if self.kind == FRUSTUM:
            return float(np.hypot(self.half_m[:2].max() * max(1.0, self.taper), self.half_m[2]))
        return float(np.linalg.norm(self.half_m))


class Solids:
    """All solids of a scene as tensors, ready to be cast against.

    local_from_world [P, 3, 4], centre_m [P, 3], radius_m [P], half_m [P, 3], taper [P] float64;
    kind, instance, material [P] int64.
    """

    def __init__(self, solids: list[Solid], device: str | torch.device = "cpu") -> None:
        if not solids:
            raise ValueError("a scene needs at least one solid, got 0")
        linear = np.stack([solid.rotation.T / solid.half_m[:, None] for solid in solids])
        offset = -np.einsum("pij,pj->pi", linear, np.stack([solid.centre_m for solid in solids]))

        def tensor(values, dtype=torch.float64):
            return torch.as_tensor(np.asarray(values), dtype=dtype, device=device)

        self.local_from_world = tensor(np.concatenate([linear, offset[:, :, None]], axis=2))
        self.centre_m = tensor([solid.centre_m for solid in solids])
        self.radius_m = tensor([solid.radius_m for solid in solids])
        self.half_m = tensor([solid.half_m for solid in solids])
        self.taper = tensor([solid.taper for solid in solids])
        self.kind = tensor([solid.kind for solid in solids], torch.int64)
        self.instance = tensor([solid.instance for solid in solids], torch.int64)
        self.material = tensor([solid.material for solid in solids], torch.int64)

    @property
    def device(self) -> torch.device:
        return self.kind.device

    def to_local(self, index: torch.Tensor, points_m: torch.Tensor) -> torch.Tensor:
        """World points [R, 3] in the unit frames of the solids index [R]; [R, 3]."""
        matrix = self.local_from_world.to(points_m.dtype)[index]
        return (matrix[:, :, :3] @ points_m[:, :, None])[:, :, 0] + matrix[:, :, 3]

    def normals(self, index: torch.Tensor, points_m: torch.Tensor) -> torch.Tensor:
        """Outward unit normals [R, 3] in the world frame at surface points [R, 3] of the solids index [R]."""
        local = self.to_local(index, points_m)
        kind = self.kind[index]
        gradient = local.clone()                        # right for the ellipsoid
        face = torch.zeros_like(local).scatter_(1, local.abs().argmax(1, keepdim=True), 1.0) * local.sign()
        gradient[kind == BOX] = face[kind == BOX]
        taper = self.taper.to(local.dtype)[index]
        radius = (1 + taper) / 2 + (taper - 1) / 2 * local[:, 2]
        radial = local[:, :2].norm(dim=1)
        on_cap = (1 - local[:, 2].abs()) < (radius - radial).abs()
        side = torch.cat([local[:, :2], (-(taper - 1) / 2 * radius)[:, None]], 1)
        cap = torch.zeros_like(local)
        cap[:, 2] = local[:, 2].sign()
        gradient[kind == FRUSTUM] = torch.where(on_cap[:, None], cap, side)[kind == FRUSTUM]
        # a normal transforms with the transpose of local_from_world
        linear = self.local_from_world.to(local.dtype)[index][:, :, :3]
        return torch.nn.functional.normalize((linear.transpose(1, 2) @ gradient[:, :, None])[:, :, 0], dim=1)


def enter_box(o: tuple, d: tuple) -> tuple[torch.Tensor, torch.Tensor]:
    """Entry and exit parameters of rays o + t d with the unit box; o, d are triples of tensors that
    broadcast. A miss: entry > exit."""
    enter, leave = None, None
    for axis in range(3):
        inverse = 1.0 / d[axis]
        middle, half = -o[axis] * inverse, inverse.abs()
        enter = middle - half if enter is None else torch.maximum(enter, middle - half)
        leave = middle + half if leave is None else torch.minimum(leave, middle + half)
    return enter, leave


def enter_ellipsoid(o: tuple, d: tuple) -> tuple[torch.Tensor, torch.Tensor]:
    """As enter_box, for the unit sphere. A miss gives NaN, which fails every comparison."""
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
    c = o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 1
    root = (b * b - a * c).sqrt()
    return (-b - root) / a, (-b + root) / a


def enter_frustum(o: tuple, d: tuple, taper: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As enter_box, for the unit frustum with end radius `taper`."""
    slope, mean = (taper - 1) / 2, (taper + 1) / 2
    inverse = 1.0 / d[2]
    middle, half = -o[2] * inverse, inverse.abs()
    near, far = middle - half, middle + half            # between the two caps
    radius, slant = mean + slope * o[2], slope * d[2]
    a = d[0] * d[0] + d[1] * d[1] - slant * slant
    a = torch.where(a.abs() < 1e-14, torch.full_like(a, 1e-14), a)
    b = o[0] * d[0] + o[1] * d[1] - radius * slant
    c = o[0] * o[0] + o[1] * o[1] - radius * radius
    discriminant = b * b - a * c
    root = discriminant.sqrt()
    low, high = torch.minimum((-b - root) / a, (-b + root) / a), torch.maximum((-b - root) / a, (-b + root) / a)
    # a > 0: inside between the roots. a < 0 (steeper than the cone): inside before the first or after the second,
    # of which the caps leave one; no root then means inside all along.
    before = torch.minimum(far, low)
    first = before > near
    steep_enter = torch.where(first, near, torch.maximum(near, high))
    steep_leave = torch.where(first, before, far)
    steep_enter = torch.where(discriminant < 0, near, steep_enter)
    steep_leave = torch.where(discriminant < 0, far, steep_leave)
    steep = a < 0
    enter = torch.where(steep, steep_enter, torch.maximum(near, low))
    leave = torch.where(steep, steep_leave, torch.minimum(far, high))
    return enter, leave
