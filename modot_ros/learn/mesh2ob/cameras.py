# SPDX-License-Identifier: Apache-2.0
"""Camera poses for a mesh: from a JSON file, or round the scene.

The file is a list of
    {"world_from_optical": [[...] x 4] x 4,     pose of the optical frame (x right, y down, z forward), metres
     "K": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] or [fx, fy, cx, cy], pixels, pixel centres at whole numbers;
     or "focal_px": f; or "fov_deg": horizontal angle of view (both with the axis through the middle);
     "width": W, "height": H,                   pixels; both may be left out
     "name": "kitchen"}                         of the files that are written; may be left out
"""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from modot_ros.learn.mesh2ob.mesh import Mesh
from modot_ros.learn.synthetic.camera import Camera, look, pinhole

ORBIT = 6                                               # cameras round a scene
ELEVATION_RAD = 0.45
FOCAL_RATIO = 0.9                                       # focal length / width
UPS = ("y", "z")


def read_cameras(path: Path, size: tuple[int, int]) -> dict[str, Camera]:
    """Cameras by their names; `size` (width, height) for those that state none.

    Raises FileNotFoundError without the file, and ValueError that names the entry and what is wrong with it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"cameras {str(path)!r} does not exist")
    try:
        entries = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"cameras {str(path)!r} is no JSON ({error})") from error
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"cameras {str(path)!r} is no list of cameras")
    cameras: dict[str, Camera] = {}
    for number, entry in enumerate(entries):
        try:
            name = str(entry.get("name", f"view_{number:03d}"))
            if name in cameras or not name or "/" in name or "\\" in name:
                raise ValueError(f"name {name!r} has been there before or is no file name")
            cameras[name] = _camera(entry, size)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(f"cameras {str(path)!r}, entry {number}: {reason}") from error
    return cameras


def cameras_json(cameras: dict[str, Camera]) -> str:
    """The text of a file that `read_cameras` reads."""
    return json.dumps([{"name": name, "width": camera.width, "height": camera.height, "K": camera.K.tolist(),
                        "world_from_optical": camera.pose.tolist()} for name, camera in cameras.items()], indent=1)


def orbit(mesh: Mesh, size: tuple[int, int], up: str = "z") -> dict[str, Camera]:
    """ORBIT cameras evenly round the scene and a little above, each of which sees the whole of it.

    size: (width, height) in pixels; up: the axis of the world that points up, one of UPS.
    """
    if up not in UPS:
        raise ValueError(f"unknown axis {up!r}; choices: {', '.join(UPS)}")
    used_m = mesh.vertices_m[np.unique(mesh.faces)]
    centre_m = (used_m.min(0) + used_m.max(0)) / 2
    radius_m = np.linalg.norm(used_m - centre_m, axis=1).max()
    K = pinhole(*size, FOCAL_RATIO)
    distance_m = radius_m / np.sin(np.arctan(min(size) / 2 / K[0, 0]))
    stand = np.eye(4)                                   # from z up to the scene's axes
    if up == "y":
        stand[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    cameras = {}
    for number in range(ORBIT):
        angle = 2 * np.pi * (number + 0.35) / ORBIT
        way = np.array([np.cos(angle) * np.cos(ELEVATION_RAD), np.sin(angle) * np.cos(ELEVATION_RAD),
                        np.sin(ELEVATION_RAD)])
        pose = stand @ look(distance_m * way, np.zeros(3))
        pose[:3, 3] += centre_m
        cameras[f"view_{number:03d}"] = Camera(K, pose, *size)
    return cameras


def _camera(entry: dict, size: tuple[int, int]) -> Camera:
    width, height = entry.get("width", size[0]), entry.get("height", size[1])
    if not (isinstance(width, int) and isinstance(height, int) and width > 1 and height > 1):
        raise ValueError(f"width and height are {width!r} and {height!r}: whole numbers from 2 are needed")
    pose = np.array(entry["world_from_optical"], float)
    if pose.shape != (4, 4) or not np.isfinite(pose).all() or not np.allclose(pose[3], [0, 0, 0, 1]):
        raise ValueError("world_from_optical is no 4x4 pose with the last row 0 0 0 1")
    turn = pose[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-4) or np.linalg.det(turn) < 0:
        raise ValueError("world_from_optical does not hold a rotation: its columns have to be the right-handed unit "
                         "axes of the optical frame")
    return Camera(_intrinsics(entry, width, height), pose, width, height)


def _intrinsics(entry: dict, width: int, height: int) -> np.ndarray:
    given = [key for key in ("K", "focal_px", "fov_deg") if key in entry]
    if len(given) != 1:
        raise ValueError(f"needs one of K, focal_px and fov_deg, has {', '.join(given) or 'none'}")
    if given[0] == "K":
        K = np.array(entry["K"], float)
        if K.shape == (4,):
            K = np.array([[K[0], 0, K[2]], [0, K[1], K[3]], [0, 0, 1]])
        if K.shape != (3, 3) or not np.isfinite(K).all() or not np.array_equal(K[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]],
                                                                               [0, 0, 0, 0, 1]):
            raise ValueError(f"K is {entry['K']!r}: needs fx fy cx cy, or a matrix 3x3 without skew")
    elif given[0] == "focal_px":
        K = pinhole(width, height, float(entry["focal_px"]) / width)
    else:
        if not 0 < float(entry["fov_deg"]) < 180:
            raise ValueError(f"fov_deg is {entry['fov_deg']!r}: must be between 0 and 180")
        K = pinhole(width, height, 0.5 / np.tan(np.radians(float(entry["fov_deg"])) / 2))
    if not (np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0):
        raise ValueError(f"focal lengths are {K[0, 0]} and {K[1, 1]}: must be above 0")
    return K
