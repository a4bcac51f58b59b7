# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.mesh2ob.mesh import load_mesh, mesh_of


@pytest.fixture
def scene(trimesh, box):
    """A red box; the same box again, mirrored and moved by its node; a path, which is no surface."""
    part = box((0, 0, 0), (1, 0.5, 0.5))
    part.visual.face_colors = (255, 0, 0, 255)
    made = trimesh.Scene()
    made.add_geometry(part, node_name="first", geom_name="box")
    mirror = np.diag([-1.0, 1, 1, 1])
    mirror[:3, 3] = (5, 0, 0)
    made.graph.update(frame_to="second", matrix=mirror, geometry="box")
    made.add_geometry(trimesh.load_path(np.array([[(0, 0, 0), (1, 1, 1)]])), node_name="line")
    return made


@pytest.mark.parametrize("ending", ["glb", "ply"])
def test_nodes_are_instances(scene, tmp_path, ending):
    scene.delete_geometry([name for name in scene.geometry if name != "box"])
    path = tmp_path / f"scene.{ending}"
    (scene if ending != "ply" else scene.to_mesh()).export(path)
    mesh = load_mesh(path)
    count = 1 if ending == "ply" else 2                 # a PLY knows no parts
    assert np.bincount(mesh.instance).tolist() == [0, *[24 // count] * count]
    assert len(mesh.names) == 1 + count and len(mesh.vertices_m) == 16
    np.testing.assert_allclose([mesh.vertices_m.min(0), mesh.vertices_m.max(0)], [(-1, -0.5, -0.5), (6, 0.5, 0.5)])


def test_objects_of_an_obj_are_instances_whatever_their_materials(trimesh, tmp_path):
    corners = "".join(f"v {x} {y} 0\n" for x in range(3) for y in range(2))
    (tmp_path / "a.obj").write_text(f"{corners}o table\nusemtl a\nf 1 2 3\nusemtl b\nf 2 3 4\no chair\nf 4 5 6\n")
    mesh = load_mesh(tmp_path / "a.obj")
    assert mesh.names == ("", "chair", "table") and mesh.instance.tolist() == [1, 2, 2]


def test_what_is_no_surface_is_left_out_and_mirrored_parts_keep_their_outside(scene):
    mesh = mesh_of(scene)
    assert mesh.names == ("", "first", "second")
    assert (mesh.colours == (1, 0, 0)).all() and mesh.colours.shape == (24, 3, 3)
    a, b, c = mesh.corners_m.transpose(1, 0, 2)
    centre_m = np.where(mesh.instance[:, None] == 1, (0, 0, 0), (5, 0, 0))
    assert (np.einsum("fi,fi->f", np.cross(b - a, c - a), a - centre_m) > 0).all()


def test_vertex_colours_go_to_corners_and_the_rest_is_grey(trimesh):
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0.0)])
    plain = trimesh.Trimesh(corners, [(0, 1, 2)])
    bright = trimesh.Trimesh(corners, [(0, 1, 2)], vertex_colors=[(255, 0, 0), (0, 255, 0), (0, 0, 255)], process=False)
    mesh = mesh_of(trimesh.Scene([bright, plain]))
    by_corner = {tuple(point): tuple(colour) for point, colour in zip(mesh.corners_m[0], mesh.colours[0])}
    assert by_corner == {(0, 0, 0): (1, 0, 0), (1, 0, 0): (0, 1, 0), (0, 1, 0): (0, 0, 1)}
    np.testing.assert_allclose(mesh.colours[1], 190 / 255)


def test_triangles_without_area_are_dropped(trimesh):
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0.5, 0, 0.0)])
    made = trimesh.Trimesh(corners, [(0, 1, 2), (0, 3, 1), (1, 1, 2)], process=False)
    assert mesh_of(trimesh.Scene([made])).faces.shape == (1, 3)


def test_what_can_not_be_used_is_said(trimesh, tmp_path):
    with pytest.raises(FileNotFoundError, match="none.glb"):
        load_mesh(tmp_path / "none.glb")
    (tmp_path / "broken.glb").write_bytes(b"glTF and then nothing")
    with pytest.raises(ValueError, match="broken.glb' can't be read"):
        load_mesh(tmp_path / "broken.glb")
    (tmp_path / "scene.png").touch()
    with pytest.raises(ValueError, match="unknown ending '.png'; trimesh reads .*glb"):
        load_mesh(tmp_path / "scene.png")
    with pytest.raises(ValueError, match="empty has no triangles"):
        mesh_of(trimesh.Scene(), "empty")
    made = trimesh.Trimesh([(0, 0, 0), (1, 0, 0), (0, np.nan, 0)], [(0, 1, 2)], process=False)
    with pytest.raises(ValueError, match="not finite"):
        mesh_of(trimesh.Scene([made]))
