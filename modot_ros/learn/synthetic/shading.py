# SPDX-License-Identifier: Apache-2.0
"""Light on surfaces: area lights with shadows, a sky-like ambient term that darkens in corners, highlights, glow."""
from __future__ import annotations

from collections.abc import Callable

import torch

from modot_ros.learn.synthetic.caster import Caster, Grid
from modot_ros.learn.synthetic.rooms.materials import albedo
from modot_ros.learn.synthetic.rooms.scene import Scene
from modot_ros.learn.synthetic.rooms.shapes import Solids

_SAMPLES = 4                                            # points per area light; a ray looks at one of them
_CELLS = 20                                             # along the side of a light's cube of directions


class Shader:
    """Shades surface points of one scene."""

    def __init__(self, scene: Scene, solids: Solids) -> None:
        self.solids = solids
        device = solids.device
        self.materials = scene.materials.tensors(device)
        self.ambient = torch.as_tensor(scene.ambient, dtype=torch.float32, device=device)
        self.room_m = torch.as_tensor(scene.size_m, dtype=torch.float32, device=device)
        self.lights = []
        for light in scene.lights:
            corners = torch.tensor([(-.5, -.5, -.5), (.5, -.5, .5), (-.5, .5, .5), (.5, .5, -.5)], dtype=torch.float64)
            points = torch.as_tensor(light.centre_m) + corners * torch.as_tensor(light.half_m)
            caster = Caster(solids, points, Grid.cube(_CELLS, device), dtype=torch.float32)
            centre, colour = (torch.as_tensor(value, dtype=torch.float32, device=device)
                              for value in (light.centre_m, light.colour))
            self.lights.append((centre, points.float().to(device), caster, colour))

    def shade(self, index: torch.Tensor, points_m: torch.Tensor, normals: torch.Tensor, directions: torch.Tensor,
              pixel_rad: float, sample: torch.Tensor, soften: Callable = lambda lit: lit) -> torch.Tensor:
        """Linear radiance [R, 3] of surface points.

        index [R] solid; points_m, normals, directions [R, 3] world frame, the latter from the eye to the point with
        optical z = 1; pixel_rad angle of a pixel; sample [R] int64, which of the light points a ray looks at; soften
        [R] -> [R] may average the visibility of a light over neighbouring rays.
        """
        material = self.solids.material[index]
        local_m = self.solids.to_local(index, points_m) * self.solids.half_m[index].float()
        distance_m = (points_m - self.eye_m).norm(dim=1)
        view = torch.nn.functional.normalize(directions, dim=1)
        facing = -(normals * view).sum(1)
        colour = albedo(self.materials, material, local_m, distance_m * pixel_rad / facing.abs().clamp(min=0.15))
        gap = torch.minimum(points_m, self.room_m - points_m).clamp(min=0)
        corner = (1 - 0.3 * torch.exp(-gap / 0.3)).prod(1) * (0.75 + 0.25 * normals[:, 2])
        diffuse = self.ambient * corner[:, None]
        shine = torch.zeros_like(diffuse)
        gloss = self.materials["gloss"][material]
        for centre, light_points, caster, power in self.lights:
            to_light = centre - points_m
            square = (to_light * to_light).sum(1).clamp(min=0.05)
            unit = to_light / square.sqrt()[:, None]
            cosine = (normals * unit).sum(1).clamp(min=0)
            lit = torch.zeros_like(cosine)
            rays = (cosine > 0).nonzero()[:, 0]
            point = sample[rays]
            t, _ = caster.cast(points_m[rays] + 2e-3 * normals[rays] - light_points[point], point)
            lit[rays] = (t > 0.998).float()
            strength = (soften(lit) * cosine / (0.6 + square))[:, None] * power * 2.2
            diffuse = diffuse + strength
            half = torch.nn.functional.normalize(unit - view, dim=1)
            shine = shine + strength * ((normals * half).sum(1).clamp(min=1e-3) ** gloss)[:, None] * 4
        glow = self.materials["glow"][material][:, None]
        return colour * (diffuse + glow) + shine * self.materials["specular"][material][:, None]

    def at(self, eye_m: torch.Tensor) -> Shader:
        """Tells where the eye is [3] (world frame) and returns itself."""
        self.eye_m = eye_m
        return self
