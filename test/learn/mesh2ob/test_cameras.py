# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest

from modot_ros.learn.mesh2ob.cameras import cameras_json, orbit, read_cameras
from modot_ros.learn.mesh2ob.mesh import Mesh
from modot_ros.learn.synthetic.camera import look

POSE = look(np.array([1.0, 2, 3]), np.zeros(3)).tolist()


def read(tmp_path, *entries):
    (tmp_path / "cameras.json").write_text(json.dumps(entries))
    return read_cameras(tmp_path / "cameras.json", (64, 48))


def test_every_way_to_say_the_focal_length(tmp_path):
    K = [[50, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]
    ways = ({"K": K}, {"K": [50, 50, 31.5, 23.5]}, {"focal_px": 50}, {"fov_deg": float(np.degrees(2 * np.arctan(0.64)))})
    for camera in read(tmp_path, *({"world_from_optical": POSE, **way} for way in ways)).values():
        np.testing.assert_allclose(camera.K, K)
        assert (camera.width, camera.height) == (64, 48) and camera.pose.tolist() == POSE


def test_names_and_sizes_and_back(tmp_path):
    cameras = read(tmp_path, {"world_from_optical": POSE, "focal_px": 30, "width": 20, "height": 10, "name": "desk"},
                   {"world_from_optical": POSE, "focal_px": 30})
    assert list(cameras) == ["desk", "view_001"] and (cameras["desk"].width, cameras["desk"].height) == (20, 10)
    (tmp_path / "again.json").write_text(cameras_json(cameras))
    again = read_cameras(tmp_path / "again.json", (1, 1))
    assert all((again[name].K == camera.K).all() and again[name].width == camera.width for name, camera in cameras.items())


@pytest.mark.parametrize("change, says", [
    ({"world_from_optical": None}, "no 4x4 pose"),
    ({"world_from_optical": np.diag([2.0, 1, 1, 1]).tolist()}, "no.* rotation"),
    ({"world_from_optical": np.diag([-1.0, 1, 1, 1]).tolist()}, "right-handed"),
    ({"focal_px": -3}, "must be above 0"),
    ({"fov_deg": 60}, "one of K, focal_px and fov_deg, has focal_px, fov_deg"),
    ({"width": 0}, "whole numbers"),
    ({"width": "64"}, "whole numbers"),
    ({"name": "a/b"}, "no file name"),
    ({"name": "view_000"}, "there before"),
])
def test_what_is_wrong_is_named_with_its_entry(tmp_path, change, says):
    good = {"world_from_optical": POSE, "focal_px": 30}
    with pytest.raises(ValueError, match=f"entry 1: .*{says}"):
        read(tmp_path, good, {**good, **change})


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(ValueError, match="entry 0: 'world_from_optical' is missing"):
        read(tmp_path, {"focal_px": 30})
    with pytest.raises(ValueError, match="entry 0: K is"):
        read(tmp_path, {"world_from_optical": POSE, "K": [1, 2]})
    with pytest.raises(ValueError, match="no list"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match="none.json"):
        read_cameras(tmp_path / "none.json", (64, 48))


@pytest.mark.parametrize("up", ["y", "z"])
def test_cameras_round_the_scene_see_all_of_it_upright(up):
    corners = np.random.default_rng(0).uniform(-1, 1, (60, 3)) + [10, 20, 30]
    mesh = Mesh(corners, np.arange(60).reshape(-1, 3), np.ones(20, np.int32), np.ones((20, 3, 3), np.float32), ("", "a"))
    cameras = orbit(mesh, (64, 48), up)
    assert len(cameras) == 6
    for camera in cameras.values():
        local = (corners - camera.pose[:3, 3]) @ camera.pose[:3, :3]
        u_px, v_px = (local[:, k] / local[:, 2] * camera.K[k, k] + camera.K[k, 2] for k in range(2))
        assert (local[:, 2] > 0).all() and u_px.min() > 0 and u_px.max() < 63 and v_px.min() > 0 and v_px.max() < 47
        above = "xyz".index(up)
        assert camera.pose[above, 1] < -0.8 and abs(camera.pose[above, 0]) < 1e-9      # down in the picture is down
        assert np.linalg.det(camera.pose[:3, :3]) == pytest.approx(1)


def test_an_unknown_axis_is_refused():
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]), np.ones(1, np.int32), np.ones((1, 3, 3), np.float32), ("", "a"))
    with pytest.raises(ValueError, match="'x'; choices: y, z"):
        orbit(mesh, (64, 48), "x")
