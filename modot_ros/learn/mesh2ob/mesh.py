# SPDX-License-Identifier: Apache-2.0
"""Triangles of a scene file in the world frame, and the instances that they belong to."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

GREY = 190                                              # of what has no colour
MOST_INSTANCES = 65535                                  # fit into a label image of 16 bits


@dataclass(frozen=True)
class Mesh:
    """Triangles that rays are cast against.

    vertices_m float64 [V, 3]; faces int64 [F, 3], an instance's triangles that meet share vertices; instance int32 [F],
    1..N; colours float32 [F, 3, 3], RGB in 0..1 at each corner; names[k] is the name of instance k, names[0] is "".
    """

    vertices_m: np.ndarray
    faces: np.ndarray
    instance: np.ndarray
    colours: np.ndarray
    names: tuple[str, ...]

    @property
    def corners_m(self) -> np.ndarray:
        """float64 [F, 3, 3]."""
        return self.vertices_m[self.faces]


def load_mesh(path: Path) -> Mesh:
    """Reads whatever trimesh reads (GLB, OBJ, PLY, STL, ...), in metres. Instances are the nodes of the scene graph
    that hold triangles, numbered in the order of their names; an OBJ's are its objects ("o" lines).

    Raises FileNotFoundError without the file, ValueError when it can't be read or holds no triangles, and
    ModuleNotFoundError without trimesh.
    """
    if not path.is_file():
        raise FileNotFoundError(f"scene {str(path)!r} does not exist")
    # trimesh parts an OBJ by materials unless it is told otherwise
    options = {"split_objects": True, "group_material": False} if path.suffix.lower() == ".obj" else {}
    endings = sorted(_trimesh().available_formats())
    if path.suffix.lower()[1:] not in endings:
        raise ValueError(f"scene {str(path)!r}: unknown ending {path.suffix!r}; trimesh reads {', '.join(endings)}")
    try:
        scene = _trimesh().load_scene(path, **options)
    except ModuleNotFoundError:
        raise
    except Exception as error:                          # each of trimesh's readers has exceptions of its own
        raise ValueError(f"scene {str(path)!r} can't be read: {error!r}") from error
    return mesh_of(scene, path.name)


def mesh_of(scene, title: str = "scene") -> Mesh:
    """The triangles of a trimesh.Scene. Raises ValueError when there are none, or too many instances."""
    vertices, faces, instance, colours, names = [], [], [], [], [""]
    used = 0
    for node in sorted(scene.graph.nodes_geometry):
        transform, geometry = scene.graph[node]
        part = scene.geometry[geometry]
        if not len(getattr(part, "faces", ())):         # a path or a point cloud
            continue
        points_m = np.asarray(part.vertices, float) @ transform[:3, :3].T + transform[:3, 3]
        # corners that were split for their normals or textures are one vertex of the surface
        points_m, merged = np.unique(points_m, axis=0, return_inverse=True)
        triangles = merged.reshape(-1)[np.asarray(part.faces)]
        a, b, c = (points_m[triangles[:, k]] for k in range(3))
        wide = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 0       # triangles without area can't be seen
        if not np.isfinite(points_m).all():
            raise ValueError(f"{title}: {node!r} has vertices that are not finite")
        if not wide.any():
            continue
        turn = 1 if np.linalg.det(transform[:3, :3]) > 0 else -1        # a mirrored node keeps its outside
        vertices.append(points_m)
        faces.append(triangles[wide, ::turn] + used)
        instance.append(np.full(wide.sum(), len(names), np.int32))
        colours.append(_corner_colours(part)[wide, ::turn])
        names.append(str(node))
        used += len(points_m)
    if not faces:
        raise ValueError(f"{title} has no triangles")
    if len(names) - 1 > MOST_INSTANCES:
        raise ValueError(f"{title} has {len(names) - 1} instances: at most {MOST_INSTANCES} are allowed")
    return Mesh(np.concatenate(vertices), np.concatenate(faces), np.concatenate(instance), np.concatenate(colours),
                tuple(names))


def _corner_colours(part) -> np.ndarray:
    """float32 [F, 3, 3] of a trimesh.Trimesh: its vertices', its faces', its texture's at the vertices, or grey."""
    visual = part.visual
    if visual.kind == "texture":
        try:
            visual = visual.to_color()
        except (AttributeError, ImportError, TypeError, ValueError):    # a texture that is not there, or no Pillow
            return np.full((len(part.faces), 3, 3), GREY / 255, np.float32)
    if visual.kind == "face":
        colours = np.repeat(visual.face_colors[:, None, :3], 3, axis=1)
    elif visual.kind == "vertex":
        colours = visual.vertex_colors[part.faces][:, :, :3]
    else:
        colours = np.full((len(part.faces), 3, 3), GREY)
    return colours.astype(np.float32) / 255


def _trimesh():
    """The module trimesh. Raises ModuleNotFoundError that says what to install."""
    try:
        import trimesh
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("meshes are read by trimesh: pip install .[mesh]") from error
    return trimesh
