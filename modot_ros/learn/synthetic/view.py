# SPDX-License-Identifier: Apache-2.0
"""One rendered view of a scene: the picture and its ground truth."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from modot_ros.learn.synthetic.camera import Camera
from modot_ros.learn.synthetic.caster import NO_HIT, Caster, Grid
from modot_ros.learn.synthetic.lens import Lens
from modot_ros.learn.synthetic.rooms.scene import Scene
from modot_ros.learn.synthetic.rooms.shapes import Solids
from modot_ros.learn.synthetic.shading import Shader
from modot_ros.learn.synthetic.truth import boundary_map, boundary_pairs, depth_order_pairs, occlusion_pairs

_COLUMNS = 64                                           # of the grid of cells over the picture


@dataclass(frozen=True)
class View:
    """Picture and truth, NumPy, row-major.

    rgb uint8 [H, W, 3]; depth_m float32 [H, W] z along the optical axis; normals float32 [H, W, 3] optical frame,
    towards the camera; labels int32 [H, W], 0 = room shell; classes uint8 [H, W], ids of modot_ros.classes.CLASS_NAMES, 255
    unknown; boundary_right int8 [H, W-1] and boundary_down int8 [H-1, W] pair labels (+1 the left / upper pixel occludes, -1
    the other); K float64 [3, 3] pixels.
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    boundary_right: np.ndarray
    boundary_down: np.ndarray
    K: np.ndarray

    @cached_property
    def _map(self) -> tuple[np.ndarray, np.ndarray]:
        return boundary_map(self.boundary_right, self.boundary_down)

    @property
    def boundary(self) -> np.ndarray:
        """bool [H, W], one pixel on the occluder's side."""
        return self._map[0]

    @property
    def side(self) -> np.ndarray:
        """uint8 [H, W], direction towards the hidden surface on the boundary, see truth.boundary_map."""
        return self._map[1]

    @cached_property
    def occlusions(self) -> np.ndarray:
        """int64 [M, 3]: occluder id, occludee id, length in pixel pairs."""
        return occlusion_pairs(self.labels, self.boundary_right, self.boundary_down)

    @cached_property
    def depth_orders(self) -> list[tuple]:
        """(near id, far id, equal, overlapping) for every pair of visible instances."""
        return depth_order_pairs(self.labels, self.depth_m)


def render(scene: Scene, camera: Camera, seed: int = 0, device: str | torch.device = "cpu") -> View:
    """Casts a view. Deterministic in its arguments (the lens and its noise come from `seed`).

    Raises ValueError when a ray hits nothing: the surfaces of a scene have to enclose the camera.
    """
    solids = Solids(scene.solids, device)
    eye_m = torch.as_tensor(camera.pose[:3, 3], device=device)
    rotation = torch.as_tensor(camera.pose[:3, :3], device=device)
    K = camera.K
    height, width = camera.height, camera.width
    # one pixel of margin, for rays beside the pixels' centres
    grid = Grid(rotation.T[None], (-(K[0, 2] + 1) / K[0, 0], -(K[1, 2] + 1) / K[1, 1]),
                ((width - K[0, 2]) / K[0, 0], (height - K[1, 2]) / K[1, 1]), _COLUMNS, _COLUMNS * height // width)
    caster = Caster(solids, eye_m[None], grid)

    def directions(points_px: torch.Tensor) -> torch.Tensor:
        local = torch.stack([(points_px[:, 0] - K[0, 2]) / K[0, 0], (points_px[:, 1] - K[1, 2]) / K[1, 1],
                             torch.ones_like(points_px[:, 0])], 1)
        return local @ rotation.T

    v, u = torch.meshgrid(torch.arange(height, dtype=torch.float64, device=device),
                          torch.arange(width, dtype=torch.float64, device=device), indexing="ij")
    centres_px = torch.stack([u, v], 2).reshape(-1, 2)
    rays = directions(centres_px)
    depth, solid = caster.cast(rays)
    if (solid == NO_HIT).any():
        leaving = int((solid == NO_HIT).sum())
        raise ValueError(f"{leaving} of {height * width} rays leave the scene: it has to be closed")

    def look(points_px: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return caster.cast(directions(points_px))

    number = torch.arange(height * width, device=device).reshape(height, width)
    pairs = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    first, second = (torch.cat([pair[k].reshape(-1) for pair in pairs]) for k in (0, 1))
    label = boundary_pairs(centres_px[first], centres_px[second], (depth[first], solid[first]),
                           (depth[second], solid[second]), look)
    cut = height * (width - 1)
    right, down = label[:cut].reshape(height, width - 1), label[cut:].reshape(height - 1, width)

    shader = Shader(scene, solids).at(eye_m.float())
    points_m = eye_m + depth[:, None] * rays
    normals = solids.normals(solid, points_m)
    ids = solid.reshape(height, width)
    # neighbours look at different points of a light; the mean over a 3 x 3 window then gives each point equal weight
    sample = ((u.long() % 2) + 2 * (v.long() % 2)).reshape(-1)
    radiance = shader.shade(solid, points_m.float(), normals.float(), rays.float(), 1 / K[0, 0], sample,
                            soften=lambda lit: _binomial(lit.reshape(height, width), ids).reshape(-1))
    # pixels where another solid begins are taken as the mean of three rays, as a sensor's pixel integrates
    edge = torch.zeros_like(ids, dtype=torch.bool)
    differs = ids[:, 1:] != ids[:, :-1]
    edge[:, 1:] |= differs
    edge[:, :-1] |= differs
    differs = ids[1:] != ids[:-1]
    edge[1:] |= differs
    edge[:-1] |= differs
    edge = edge.reshape(-1).nonzero()[:, 0]
    offset = torch.tensor([(-.17, -.36), (.17, .36)], dtype=torch.float64, device=device)
    fine_rays = directions((centres_px[edge][:, None] + offset).reshape(-1, 2))
    fine_depth, fine_solid = caster.cast(fine_rays)
    fine_points_m = eye_m + fine_depth[:, None] * fine_rays
    fine = shader.shade(fine_solid, fine_points_m.float(), solids.normals(fine_solid, fine_points_m).float(),
                        fine_rays.float(), 1 / K[0, 0], torch.tensor([0, 3], device=device).repeat(len(edge)))
    radiance[edge] = (radiance[edge] + fine.reshape(-1, 2, 3).sum(1)) / 3

    depth_m = depth.reshape(height, width).float().cpu().numpy()
    rng = np.random.default_rng(seed)
    rgb = Lens.random(rng, depth_m).photograph(radiance.reshape(height, width, 3).cpu().numpy(), depth_m, rng)
    return View(rgb=rgb, depth_m=depth_m,
                normals=(normals @ rotation).reshape(height, width, 3).float().cpu().numpy(),
                labels=solids.instance[solid].reshape(height, width).int().cpu().numpy(),
                classes=np.array([one.class_id for one in scene.solids], np.uint8)[ids.cpu().numpy()],
                boundary_right=right.cpu().numpy(), boundary_down=down.cpu().numpy(), K=K)


def _binomial(values: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Mean of values [H, W] under the 3 x 3 binomial window, over the pixels that see the same solid (ids [H, W])."""
    padded = torch.nn.functional.pad(values[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    padded_ids = torch.nn.functional.pad(ids, (1, 1, 1, 1), value=NO_HIT)
    total, weight = torch.zeros_like(values), torch.zeros_like(values)
    height, width = values.shape
    for row, row_weight in enumerate((1.0, 2.0, 1.0)):
        for column, column_weight in enumerate((1.0, 2.0, 1.0)):
            window = (slice(row, row + height), slice(column, column + width))
            same = (padded_ids[window] == ids) * (row_weight * column_weight)
            total += same * padded[window]
            weight += same
    return total / weight
