# SPDX-License-Identifier: Apache-2.0
"""The convex solids that a scene is made of, and where a ray enters them.

Each solid is an affine image of a unit shape, so one 3x4 matrix places, turns and scales it:
    BOX        [-1, 1]^3
    ELLIPSOID  x^2 + y^2 + z^2 <= 1, and z <= cut
    FRUSTUM    |z| <= 1 and x^2 + y^2 <= r(z)^2, r going linearly from 1 at z = -1 to `taper` at z = 1
    HULL       n . x <= d for up to FACES planes (n, d), inside [-1, 1]^3
Ellipsoids and frustums may be open at the top: `hole` is the share of the top's radius that rays pass through, and
`inside` makes a solid the hollow itself, of which only the far surface is seen, through its top. A bowl is a rim with
a hole and the hollow in it.
Only convex solids are allowed: two rays that enter the same one see a continuous surface between them, which is what
the boundary test of truth.py rests on; so do two rays that leave the same hollow. World frame: x, y on the floor,
z up (REP 103), metres.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.spatial import ConvexHull

from modot_ros.classes import UNKNOWN_CLASS

BOX, ELLIPSOID, FRUSTUM, HULL = range(4)
KINDS = (BOX, ELLIPSOID, FRUSTUM, HULL)
FACES = 10                                              # most planes of a HULL


@cache
def hull_planes(vertices: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Planes [FACES, 4] (outward normal, distance) of the convex hull of points in [-1, 1]^3, filled up with planes
    that hold everything. Raises ValueError when it has more faces or leaves the cube."""
    points = np.array(vertices, float)
    if np.abs(points).max() > 1 + 1e-9:
        raise ValueError(f"a hull's vertices must be in [-1, 1]^3, found {np.abs(points).max():.3f}")
    found = np.unique(ConvexHull(points).equations.round(9), axis=0)      # triangles of one face have one equation
    if len(found) > FACES:
        raise ValueError(f"a hull has {len(found)} faces: at most {FACES} are allowed")
    planes = np.tile([0.0, 0.0, 0.0, 1.0], (FACES, 1))
    planes[:len(found)] = found * [1, 1, 1, -1]
    return planes


@dataclass(frozen=True)
class Solid:
    """One placed solid.

    centre_m [3]; rotation [3, 3] world from local; half_m [3] half extents; taper only for FRUSTUM, cut only for
    ELLIPSOID, planes [FACES, 4] (see hull_planes) only for HULL; hole and inside as in the module's text.
    """

    kind: int
    centre_m: np.ndarray
    rotation: np.ndarray
    half_m: np.ndarray
    material: int
    instance: int = 0                                   # 0 = room shell
    taper: float = 1.0
    cut: float = 1.0
    hole: float = 0.0
    inside: bool = False
    planes: np.ndarray | None = None
    class_id: int = UNKNOWN_CLASS                       # in modot_ros.classes.CLASS_NAMES


class Solids:
    """All solids of a scene as tensors, ready to be cast against.

    local_from_world [P, 3, 4], centre_m [P, 3], half_m [P, 3], world_from_local [P, 3, 3] (turn and scale), taper,
    cut, hole [P], planes [P, FACES, 4] float64; inside [P] bool; kind, instance, material [P] int64.
    """

    def __init__(self, solids: list[Solid], device: str | torch.device = "cpu") -> None:
        if not solids:
            raise ValueError("a scene needs at least one solid, got 0")
        linear = np.stack([solid.rotation.T / solid.half_m[:, None] for solid in solids])
        centre = np.stack([solid.centre_m for solid in solids])
        offset = -np.einsum("pij,pj->pi", linear, centre)
        no_planes = np.tile([0.0, 0.0, 0.0, 1.0], (FACES, 1))

        def tensor(values, dtype=torch.float64):
            return torch.as_tensor(np.asarray(values), dtype=dtype, device=device)

        self.local_from_world = tensor(np.concatenate([linear, offset[:, :, None]], axis=2))
        self.world_from_local = tensor([solid.rotation * solid.half_m for solid in solids])
        self.centre_m = tensor(centre)
        self.half_m = tensor([solid.half_m for solid in solids])
        self.taper = tensor([solid.taper for solid in solids])
        self.cut = tensor([solid.cut for solid in solids])
        self.hole = tensor([solid.hole for solid in solids])
        self.planes = tensor([no_planes if solid.planes is None else solid.planes for solid in solids])
        self.inside = tensor([solid.inside for solid in solids], torch.bool)
        self.kind = tensor([solid.kind for solid in solids], torch.int64)
        self.instance = tensor([solid.instance for solid in solids], torch.int64)
        self.material = tensor([solid.material for solid in solids], torch.int64)

    @property
    def device(self) -> torch.device:
        return self.kind.device

    def to_local(self, index: torch.Tensor, points_m: torch.Tensor) -> torch.Tensor:
        """World points [R, 3] in the unit frames of the solids index [R]; [R, 3]."""
        matrix = self.local_from_world.to(points_m.dtype).index_select(0, index)
        return _times(matrix, points_m) + matrix[:, :, 3]

    def normals(self, index: torch.Tensor, points_m: torch.Tensor) -> torch.Tensor:
        """Unit normals [R, 3] in the world frame at surface points [R, 3] of the solids index [R]: outward, and
        inward in a hollow."""
        local = self.to_local(index, points_m)
        gradient = torch.empty_like(local)
        for kind, gradient_of in ((BOX, self._box), (ELLIPSOID, self._ellipsoid), (FRUSTUM, self._frustum),
                                  (HULL, self._hull)):
            mine = (self.kind[index] == kind).nonzero()[:, 0]
            gradient[mine] = gradient_of(local[mine], index[mine])
        gradient = torch.where(self.inside[index][:, None], -gradient, gradient)
        # a normal transforms with the transpose of local_from_world
        linear = self.local_from_world[:, :, :3].transpose(1, 2).to(local.dtype).contiguous().index_select(0, index)
        return torch.nn.functional.normalize(_times(linear, gradient), dim=1)

    # Gradients [R, 3] of the unit shapes at surface points [R, 3], outward

    def _box(self, local: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(local).scatter_(1, local.abs().argmax(1, keepdim=True), 1.0) * local.sign()

    def _ellipsoid(self, local: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        on_cut = (self.cut[index] - local[:, 2]).abs() < (1 - local.norm(dim=1)).abs()
        return torch.where(on_cut[:, None], local.new_tensor([0.0, 0.0, 1.0]), local)

    def _frustum(self, local: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        taper = self.taper.to(local.dtype)[index]
        radius = (1 + taper) / 2 + (taper - 1) / 2 * local[:, 2]
        on_cap = (1 - local[:, 2].abs()) < (radius - local[:, :2].norm(dim=1)).abs()
        cap = local.sign() * local.new_tensor([0.0, 0.0, 1.0])
        return torch.where(on_cap[:, None], cap, torch.cat([local[:, :2], (-(taper - 1) / 2 * radius)[:, None]], 1))

    def _hull(self, local: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        planes = self.planes.to(local.dtype)[index]
        away = ((planes[:, :, :3] * local[:, None]).sum(2) - planes[:, :, 3]).abs()
        return planes[torch.arange(len(index), device=index.device), away.argmin(1), :3]


def _times(matrix: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """Products [R, 3] of matrices [R, 3, 3 or 4] and vectors [R, 3]; faster than a batch of tiny matmuls."""
    x, y, z = vector[:, None].unbind(2)
    return torch.addcmul(torch.addcmul(matrix[:, :, 0] * x, matrix[:, :, 1], y), matrix[:, :, 2], z)


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


def enter_ellipsoid(o: tuple, d: tuple, cut: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As enter_box, for the part of the unit sphere below z = cut. A miss may give NaN, which fails every comparison.
    The third is the parameter at the cut's plane."""
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
    c = o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 1
    root = (b * b - a * c).sqrt()
    level = (cut - o[2]) / d[2]
    falls = d[2] < 0
    enter, leave = (-b - root) / a, (-b + root) / a
    return (torch.where(falls, torch.maximum(enter, level), enter),
            torch.where(falls, leave, torch.minimum(leave, level)), level)


def enter_frustum(o: tuple, d: tuple, taper: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As enter_box, for the unit frustum with end radius `taper`. The third is the parameter at the top's plane."""
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
    return enter, leave, middle + inverse


def enter_hull(o: tuple, d: tuple, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As enter_box, for what is inside of all planes [Q, FACES, 4]; o [Q, 1], d [Q, B]."""
    enter, leave = torch.full_like(d[0], -torch.inf), torch.full_like(d[0], torch.inf)
    for x, y, z, distance in planes.permute(1, 2, 0)[:, :, :, None]:
        slope = x * d[0] + y * d[1] + z * d[2]
        room = distance - (x * o[0] + y * o[1] + z * o[2])
        t = room / slope
        beside = (slope == 0) & (room < 0)              # runs along the plane, outside
        enter = torch.maximum(enter, torch.where(slope < 0, t, torch.where(beside, torch.inf, -torch.inf)))
        leave = torch.minimum(leave, torch.where(slope > 0, t, torch.inf))
    return enter, leave


def through_top(o: tuple, d: tuple, enter: torch.Tensor, level: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Which rays enter through the disc of `radius` about the top's centre: they fall, and enter at its plane."""
    x, y = o[0] + level * d[0], o[1] + level * d[1]
    return (d[2] < 0) & (enter == level) & (x * x + y * y < radius * radius)
