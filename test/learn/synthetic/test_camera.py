# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.synthetic import random_camera, random_scene
from modot_ros.learn.synthetic.camera import look


@pytest.mark.parametrize("seed", range(6))
def test_every_camera_is_in_the_room_and_in_no_solid(seed):
    scene, rng = random_scene(seed), np.random.default_rng(seed)
    eyes = np.stack([random_camera(scene, rng, 64, 48).pose[:3, 3] for _ in range(12)])
    assert (eyes > 0).all() and (eyes < scene.size_m).all()
    assert (scene.clearance_m(eyes) > 0.05).all()


def test_a_crowded_room_still_has_its_clearest_place():
    scene = random_scene(4)
    blocked = scene.clearance_m
    object.__setattr__(scene, "clearance_m", lambda points_m: np.minimum(blocked(points_m), 0.14))
    camera = random_camera(scene, np.random.default_rng(0), 64, 48)
    assert blocked(camera.pose[None, :3, 3])[0] > 0.1


def test_a_camera_looks_at_its_target_with_its_x_axis_level():
    pose = look(np.array([1.0, 2.0, 1.5]), np.array([3.0, 2.0, 1.5]))
    np.testing.assert_allclose(pose[:3, :3], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12)
