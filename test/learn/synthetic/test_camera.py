# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.synthetic import random_camera, random_scene
from modot_ros.learn.synthetic.camera import any_camera, close_camera, look


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("draw, clearance_m", [(random_camera, 0.05), (any_camera, 0.03), (close_camera, 0.03)])
def test_every_camera_is_in_the_room_and_in_no_solid(draw, clearance_m, seed):
    scene, rng = random_scene(seed), np.random.default_rng(seed)
    eyes = np.stack([draw(scene, rng, 64, 48).pose[:3, 3] for _ in range(12)])
    assert (eyes > 0).all() and (eyes < scene.size_m).all()
    assert (scene.clearance_m(eyes) > clearance_m).all()


def test_a_close_camera_is_an_arm_s_length_from_a_top():
    scene, rng = random_scene(1), np.random.default_rng(0)
    for _ in range(20):
        eye_m = close_camera(scene, rng, 64, 48).pose[:3, 3]
        away_m = [np.linalg.norm(np.maximum(np.abs((eye_m - top.centre_m) @ top.turn) - np.append(top.half_m, 0.1), 0))
                  for top in scene.tops]
        assert min(away_m) < 1.3


def test_a_crowded_room_still_has_its_clearest_place():
    scene = random_scene(4)
    blocked = scene.clearance_m
    object.__setattr__(scene, "clearance_m", lambda points_m: np.minimum(blocked(points_m), 0.14))
    camera = random_camera(scene, np.random.default_rng(0), 64, 48)
    assert blocked(camera.pose[None, :3, 3])[0] > 0.1


def test_a_camera_looks_at_its_target_with_its_x_axis_level():
    pose = look(np.array([1.0, 2.0, 1.5]), np.array([3.0, 2.0, 1.5]))
    np.testing.assert_allclose(pose[:3, :3], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12)
