# SPDX-License-Identifier: Apache-2.0
"""One rendered view of a mesh: the picture and its ground truth, as a View of the synthetic rooms."""
from __future__ import annotations

import re

import numpy as np
import torch

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS
from modot_ros.learn.mesh2ob.caster import NO_HIT, MeshCaster
from modot_ros.learn.mesh2ob.mesh import Mesh
from modot_ros.learn.mesh2ob.published_convention import published_pairs
from modot_ros.learn.synthetic.camera import Camera
from modot_ros.learn.synthetic.rooms.names import CLASS_OF, class_of
from modot_ros.learn.synthetic.truth import boundary_map, boundary_pairs
from modot_ros.learn.synthetic.view import View

CONVENTIONS = ("strict", "published")
CRACK_PX = 2.0 ** -8
BACKGROUND = np.float32(0.8)
LAMP = np.array([0.35, -0.8, -0.5]) / np.linalg.norm([0.35, -0.8, -0.5])     # direction to it, optical frame


class Look:
    """A mesh as a camera sees it.

    Raises ValueError for a convention that is none of CONVENTIONS, ModuleNotFoundError without embreex.
    """

    def __init__(self, mesh: Mesh, camera: Camera, convention: str = "strict") -> None:
        if convention not in CONVENTIONS:
            raise ValueError(f"unknown convention {convention!r}; choices: {', '.join(CONVENTIONS)}")
        self.mesh, self.camera, self.convention = mesh, camera, convention
        self.caster = MeshCaster(mesh, camera.pose)

    def view(self) -> View:
        """Picture and truth; labels are 0 and depth is inf, normals 0, where nothing is hit."""
        camera = self.camera
        points_px, depth_m, triangle = self._hits(1)
        right, down = self._pairs(1, points_px, depth_m, triangle)
        hit = triangle != NO_HIT
        normals = np.zeros((camera.height * camera.width, 3))
        normals[hit] = self._towards(triangle[hit], self._tangents(points_px[hit]))
        labels = np.zeros(len(hit), np.int32)
        labels[hit] = self.mesh.instance[triangle[hit]]
        size = camera.height, camera.width
        return View(rgb=self._picture(), depth_m=depth_m.reshape(size).astype(np.float32),
                    normals=normals.reshape(*size, 3).astype(np.float32), labels=labels.reshape(size),
                    classes=np.array([class_of_node(name) for name in self.mesh.names], np.uint8)[labels].reshape(size),
                    boundary_right=right, boundary_down=down, K=camera.K)

    def soft_boundary(self, factor: int) -> np.ndarray:
        """Share of the factor x factor points in each pixel that are boundary at that many times the resolution,
        float32 [H, W]."""
        mask, _ = boundary_map(*self._pairs(factor, *self._hits(factor)))
        blocks = mask.reshape(self.camera.height, factor, self.camera.width, factor)
        return blocks.mean(axis=(1, 3), dtype=np.float32)

    def _hits(self, factor: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image points [N, 2] of a grid `factor` times as fine as the pixels, row by row, their z and triangle [N].

        strict: centres of the grid's cells. published: their upper left corners, where that tool samples.
        """
        within = 0.0 if self.convention == "published" else 0.5
        u_px = (np.arange(self.camera.width * factor) + within) / factor - 0.5
        v_px = (np.arange(self.camera.height * factor) + within) / factor - 0.5
        points_px = np.stack(np.meshgrid(u_px, v_px), 2).reshape(-1, 2)
        return points_px, *self.caster.cast(self._tangents(points_px))

    def _tangents(self, points_px: np.ndarray) -> np.ndarray:
        K = self.camera.K
        return (points_px - K[:2, 2]) / [K[0, 0], K[1, 1]]

    def _pairs(self, factor: int, points_px: np.ndarray, depth_m: np.ndarray,
               triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pair labels right int8 [H, W-1] and down int8 [H-1, W] of the grid."""
        height, width = self.camera.height * factor, self.camera.width * factor
        if self.convention == "published":
            return published_pairs(self.mesh, self.caster, self._tangents(points_px).reshape(height, width, 2),
                                   depth_m.reshape(height, width), triangle.reshape(height, width))
        number = torch.arange(height * width).reshape(height, width)
        first = torch.cat([number[:, :-1].reshape(-1), number[:-1].reshape(-1)])
        second = torch.cat([number[:, 1:].reshape(-1), number[1:].reshape(-1)])
        points_px, seen = torch.from_numpy(points_px), (torch.from_numpy(depth_m), torch.from_numpy(triangle))
        label = boundary_pairs(points_px[first], points_px[second], tuple(x[first] for x in seen),
                               tuple(x[second] for x in seen), self._look)
        # what looks like a boundary is looked at again without cracks
        found = label.nonzero()[:, 0]
        first_px, second_px = points_px[first[found]], points_px[second[found]]
        label[found] = boundary_pairs(first_px, second_px, self._look_closed(first_px), self._look_closed(second_px),
                                      self._look_closed)
        cut = height * (width - 1)
        label = label.numpy()
        return label[:cut].reshape(height, width - 1), label[cut:].reshape(height - 1, width)

    def _look(self, points_px: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return tuple(map(torch.from_numpy, self.caster.cast(self._tangents(points_px.numpy()))))

    def _look_closed(self, points_px: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The nearest of five rays, CRACK_PX apart: what lies behind a narrower crack is not seen. Edges that meet
        without sharing their vertices (T-junctions) have such cracks in float32, and bisection finds them."""
        spread = CRACK_PX * torch.tensor([(0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)], dtype=points_px.dtype)
        depth_m, triangle = self._look((points_px[:, None] + spread).reshape(-1, 2))
        depth_m, nearest = depth_m.reshape(-1, 5).min(dim=1)
        return depth_m, triangle.reshape(-1, 5).gather(1, nearest[:, None])[:, 0]

    def _towards(self, triangle: np.ndarray, tangents: np.ndarray) -> np.ndarray:
        """Unit normals [R, 3] of triangles, turned towards the camera; optical frame."""
        normals = self.caster.normals[triangle]
        away = np.einsum("ri,ri->r", normals[:, :2], tangents) + normals[:, 2] > 0
        return np.where(away[:, None], -normals, normals)

    def _picture(self) -> np.ndarray:
        """uint8 [H, W, 3]: corner colours under a lamp and a headlight, four rays a pixel."""
        height, width = self.camera.height, self.camera.width
        u_px, v_px = (grid.reshape(-1) for grid in np.meshgrid(np.arange(width), np.arange(height)))
        total = np.zeros((height * width, 3), np.float32)
        for du, dv in ((-.125, -.375), (.375, -.125), (-.375, .125), (.125, .375)):
            tangents = self._tangents(np.column_stack([u_px + du, v_px + dv]))
            depth_m, triangle = self.caster.cast(tangents)
            hit = triangle != NO_HIT
            normals = self._towards(triangle[hit], tangents[hit])
            rays = np.column_stack([tangents[hit], np.ones(hit.sum())])
            facing = -np.einsum("ri,ri->r", normals, rays) / np.linalg.norm(rays, axis=1)
            light = 0.25 + 0.35 * np.maximum(normals @ LAMP, 0) + 0.4 * facing
            share = _barycentric(self.caster.corners_m[triangle[hit]], rays * depth_m[hit, None])
            colour = np.full((height * width, 3), BACKGROUND)
            colour[hit] = np.einsum("rk,rkc->rc", share, self.mesh.colours[triangle[hit]]) * light[:, None]
            total += colour / 4
        return np.round(255 * total.clip(0, 1)).astype(np.uint8).reshape(height, width, 3)


def _barycentric(corners_m: np.ndarray, points_m: np.ndarray) -> np.ndarray:
    """Weights [R, 3] in 0..1 of triangles' corners [R, 3, 3] at points [R, 3] on them."""
    a, b, c = corners_m.transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    area = np.einsum("ri,ri->r", across, across)
    second = np.einsum("ri,ri->r", np.cross(points_m - a, c - a), across) / area
    third = np.einsum("ri,ri->r", np.cross(b - a, points_m - a), across) / area
    return np.stack([1 - second - third, second, third], 1).clip(0, 1)


def class_of_node(name: str) -> int:
    """Id in CLASS_NAMES by the name of a mesh's node, its case and number aside (Chair.001); else UNKNOWN_CLASS."""
    plain = re.sub(r"[\W\d_]+$", "", name.lower())
    return class_of(plain) if plain in CLASS_NAMES or plain in CLASS_OF else UNKNOWN_CLASS
