# SPDX-License-Identifier: Apache-2.0
"""Small scenes of triangles, and a look at them."""
import numpy as np
import pytest

from modot_ros.learn.synthetic.camera import Camera, look, pinhole


@pytest.fixture(scope="session")
def trimesh():
    pytest.importorskip("embreex", reason="embreex is not installed: pip install .[mesh]")
    return pytest.importorskip("trimesh", reason="trimesh is not installed: pip install .[mesh]")


@pytest.fixture(scope="session")
def box(trimesh):
    """box(centre, half extents) as a trimesh."""
    def make(centre, half):
        made = trimesh.creation.box(extents=2 * np.array(half, float))
        made.apply_translation(centre)
        return made
    return make


@pytest.fixture(scope="session")
def floor(box):
    return box((0, 0, -0.5), (50, 50, 0.5))


@pytest.fixture(scope="session")
def wall(box):
    """Its face is the plane y = 4."""
    return box((0, 4.5, 0), (50, 0.5, 50))


@pytest.fixture(scope="session")
def mesh_of(trimesh):
    """mesh_of(part, ...): instances 1, 2, ... in this order."""
    from modot_ros.learn.mesh2ob.mesh import mesh_of

    def make(*parts):
        scene = trimesh.Scene()
        for k, part in enumerate(parts, 1):
            scene.add_geometry(part, node_name=f"part {k:03d}", geom_name=f"part {k:03d}")
        return mesh_of(scene)
    return make


@pytest.fixture(scope="session")
def see(mesh_of):
    """see(part, ..., eye=, target=, convention=): the View of a 64x48 camera."""
    from modot_ros.learn.mesh2ob.view import Look

    def make(*parts, eye=(0.0, -2.0, 1.0), target=(0.0, 1.0, 0.5), convention="strict"):
        camera = Camera(pinhole(64, 48, 0.9), look(np.array(eye), np.array(target)), 64, 48)
        return Look(mesh_of(*parts), camera, convention).view()
    return make
