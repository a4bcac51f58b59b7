# SPDX-License-Identifier: Apache-2.0
"""First hits of rays from a camera with the triangles of a mesh, by Embree.

Embree computes in float32, and the boundary test asks for rays 2^-16 px apart. So:
- the triangles are moved into the camera's frame in float64 first, where float32 has its precision at the camera: a
  direction is exact to about 2^-23, at a focal length of 600 px that is 2^-14 px;
- Embree gives only the triangle that a ray hits; depth is that of the triangle's plane, in float64 along the exact ray,
  and not outside of the triangle's own range of depth, so that a ray that passes it by a rounding error reads no
  depth that the triangle does not have. What is left is the slope of a surface times 2^-14 px, orders below the gap
  that counts as contact;
- the scene is "robust", Embree's word for watertight where triangles share an edge. Without, one ray in twenty slips
  through an edge that it is aimed at, and bisection aims at edges.
"""
from __future__ import annotations

import numpy as np

from modot_ros.learn.mesh2ob.mesh import Mesh

NO_HIT = -1


class MeshCaster:
    """Casts rays from the eye of a camera with the pose world_from_optical [4, 4].

    corners_m float64 [F, 3, 3] and normals [F, 3] (unit, by winding) are in the optical frame.
    Raises ModuleNotFoundError without embreex.
    """

    def __init__(self, mesh: Mesh, world_from_optical: np.ndarray) -> None:
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("rays are cast by embreex: pip install .[mesh]") from error
        vertices_m = (mesh.vertices_m - world_from_optical[:3, 3]) @ world_from_optical[:3, :3]
        self.corners_m = vertices_m[mesh.faces]
        across = np.cross(self.corners_m[:, 1] - self.corners_m[:, 0], self.corners_m[:, 2] - self.corners_m[:, 0])
        self.normals = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-300)
        self._distance_m = np.einsum("fi,fi->f", self.normals, self.corners_m[:, 0])
        self._near_m, self._far_m = self.corners_m[:, :, 2].min(1), self.corners_m[:, :, 2].max(1)
        self._scene = EmbreeScene(robust=True)
        TriangleMesh(self._scene, vertices=vertices_m.astype(np.float32), indices=mesh.faces.astype(np.int32))

    def cast(self, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First hits along (x/z, y/z) = tangents float64 [R, 2]: z in metres [R], inf without; triangle int64 [R],
        NO_HIT without."""
        depth_m = np.full(len(tangents), np.inf)
        if not len(tangents):
            return depth_m, np.zeros(0, np.int64)
        rays = np.column_stack([tangents, np.ones(len(tangents))])
        triangle = self._scene.run(np.zeros_like(rays, np.float32), rays.astype(np.float32)).astype(np.int64)
        hit = triangle != NO_HIT
        seen = triangle[hit]
        with np.errstate(divide="ignore", invalid="ignore"):            # along the plane: fmin, fmax pass NaN by
            along_m = self._distance_m[seen] / np.einsum("ri,ri->r", self.normals[seen], rays[hit])
        depth_m[hit] = np.fmax(np.fmin(along_m, self._far_m[seen]), self._near_m[seen])
        return depth_m, triangle
