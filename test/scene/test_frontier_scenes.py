# SPDX-License-Identifier: Apache-2.0
"""Where frontiers lie in rendered rooms, against the rooms' own geometry."""
import numpy as np
import pytest

from modot_ros.learn.synthetic.camera import random_camera
from modot_ros.learn.synthetic.rooms.scene import random_scene
from modot_ros.learn.synthetic.view import render
from modot_ros.prediction import SIDE_STEPS
from modot_ros.scene.boundaries import thin
from modot_ros.scene.geometry import frontiers, rays


@pytest.mark.parametrize("seed", [200702, 200704, 200710])
def test_frontiers_of_true_depth_lie_where_surfaces_end(seed):
    """Median error of both ends under 5 % of their range; the truth is the pixel on each side of every true boundary."""
    scene = random_scene(seed)
    view = render(scene, random_camera(scene, np.random.default_rng(seed), 320, 240), seed)
    directions = rays(view.K, view.depth_m.shape)
    found = frontiers(view.depth_m, *thin(view.boundary.astype(np.float32), view.depth_m), directions)

    v, u = np.nonzero(view.side)
    step = np.array(SIDE_STEPS)[view.side[v, u].astype(int) - 1]
    across = np.clip(v + step[:, 1], 0, 239), np.clip(u + step[:, 0], 0, 319)
    near, far = view.depth_m[v, u], view.depth_m[across]
    wide = far - near >= 0.3
    ends = np.hstack([directions[v, u] * near[:, None], directions[across] * far[:, None]])[wide]
    apart = np.linalg.norm(found[:, None, :3] - ends[None, :, :3], axis=2)
    true = ends[apart.argmin(1)]
    assert len(found) > 0.8 * len(ends) > 300
    for columns in (slice(0, 3), slice(3, 6)):
        error = np.linalg.norm(found[:, columns] - true[:, columns], axis=1) / np.linalg.norm(true[:, columns], axis=1)
        assert np.median(error) < 0.05 and np.quantile(error, 0.9) < 0.1
