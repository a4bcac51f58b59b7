# SPDX-License-Identifier: Apache-2.0
"""`modot mesh2ob`: views with exact truth from triangle meshes."""
from __future__ import annotations

import argparse
from pathlib import Path

from modot_ros.cli.arguments import size
from modot_ros.cli.progress import progress

HELP = ("Render a scene of triangles with exact boundaries, their classes and orders, as a data set (needs trimesh and "
        "embreex: pip install .[mesh]).")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", type=Path, help="GLB, OBJ, PLY or whatever trimesh reads, in metres; nodes are "
                        "instances")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the views, made when missing")
    parser.add_argument("--cameras", type=Path, help="JSON list of poses and intrinsics, see docs/datasets.md; without "
                        "it six cameras look at the scene from round about")
    parser.add_argument("--up", help="axis of the scene that points up, y or z, for those six cameras; without it y for "
                        "glTF (.glb, .gltf) and z otherwise")
    parser.add_argument("--size", type=size, default=(640, 480), metavar="WxH", help="of cameras that state none, in "
                        "pixels")
    parser.add_argument("--convention", default="strict", help="strict: a gap in depth makes a boundary; or published: "
                        "as the tool that OB-FUTURE was made with has it, where contact counts")
    parser.add_argument("--supersample", type=int, default=1, metavar="N", help="above 1: also write a soft boundary, "
                        "from NxN points a pixel")


def run(options: argparse.Namespace) -> int:
    from modot_ros.learn.mesh2ob.cameras import orbit, read_cameras
    from modot_ros.learn.mesh2ob.mesh import load_mesh
    from modot_ros.learn.mesh2ob.writer import write_views

    mesh = load_mesh(options.scene)
    if options.cameras is not None:
        cameras = read_cameras(options.cameras, options.size)
    else:
        up = options.up or ("y" if options.scene.suffix.lower() in (".glb", ".gltf") else "z")
        cameras = orbit(mesh, options.size, up)
    write_views(mesh, cameras, options.output, options.convention, options.supersample, progress)
    print(f"{len(cameras)} views of {len(mesh.names) - 1} instances, {len(mesh.faces)} triangles, in {options.output}; "
          f"score a model with `modot evaluate --data pairs={options.output}`")
    return 0
