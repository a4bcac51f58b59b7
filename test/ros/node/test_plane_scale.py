# SPDX-License-Identifier: Apache-2.0
"""`scale_source: plane` before scenes with and without a floor: rays cut planes, so the truth is exact."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import PointCloud2

from modot_ros.msg import DepthScale
from modot_ros.prediction import Prediction
from modot_ros.ros.node.metres import Metres
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.perception import Perception
from modot_ros.ros.node.sync import ALL, Frame

WIDTH, HEIGHT, FOCAL_PX = 160, 120, 100.0
MODEL = 0.8                                             # the model's metres are so many times the true ones
PARAMETERS = Parameters(steady_scale=False, scale_source="plane", camera_height_m=1.0, scale_timeout_s=2.0)


def scene(pitch_deg=0.0, roll_deg=0.0, floor_m=1.0, ceiling_m=None, wall_m=6.0):
    """float32 [H, W], z-depth of a room by a camera that looks down by `pitch_deg`; None: there is no floor, ceiling or wall."""
    u, v = np.meshgrid(np.arange(WIDTH) - (WIDTH - 1) / 2, np.arange(HEIGHT) - (HEIGHT - 1) / 2)
    rays = np.stack([u / FOCAL_PX, v / FOCAL_PX, np.ones_like(u)], -1)
    pitch, roll = np.radians(pitch_deg), np.radians(roll_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]) @ np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    level = rays @ turn.T                               # y down, z ahead, of the level camera
    depth = np.full((HEIGHT, WIDTH), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for distance, along in ((floor_m, level[..., 1]), (ceiling_m, -level[..., 1]), (wall_m, level[..., 2])):
            if distance is not None:
                depth = np.where(along > 1e-6, np.minimum(depth, distance / along), depth)
    return np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)


@pytest.fixture
def see(fake_predictor, make_image, make_camera_info):
    """Feeds pictures of true depths to one camera: see(depth, parameters, stamp) -> (depth that goes out, its Metres)."""
    predictor = fake_predictor()
    perception = Perception(predictor, metres=Metres())

    def see(depth_m, parameters=PARAMETERS, stamp=1.0):
        predictor.predict = lambda rgb, focal_px, parts: Prediction("metric", FOCAL_PX, depth=depth_m * np.float32(MODEL))
        frame = Frame(make_image(WIDTH, HEIGHT, stamp=stamp), make_camera_info(WIDTH, HEIGHT, stamp=stamp), None, stamp, ALL)
        return perception.result(frame, {"depth"}, parameters).prediction.depth, perception.metres
    return see


@pytest.mark.parametrize("pitch_deg, roll_deg", [(0, 0), (20, 0), (30, 0), (-8, 0), (0, 12), (15, -10)])
def test_a_tilted_camera_needs_no_known_tilt(see, pitch_deg, roll_deg):
    truth = scene(pitch_deg, roll_deg)
    depth, metres = see(truth)
    np.testing.assert_allclose(depth, truth, rtol=0.01)
    assert metres.problem(PARAMETERS) == ""


def test_a_tilt_beyond_the_limit_is_told_with_the_parameter_to_change(see):
    depth, metres = see(scene(60.0))
    np.testing.assert_allclose(depth, scene(60.0) * MODEL, rtol=1e-5)     # the model's own metres, and nothing made up
    assert "no floor seen 1.0 m below the camera" in metres.problem(PARAMETERS)
    assert "within 40 degrees of level (camera_tilt_deg" in metres.problem(PARAMETERS)
    known = replace(PARAMETERS, camera_pitch_deg=60.0)
    depth, metres = see(scene(60.0), known, stamp=9.0)
    np.testing.assert_allclose(depth, scene(60.0), rtol=0.01)
    assert metres.problem(known) == ""


@pytest.mark.parametrize("truth", [scene(floor_m=None), scene(floor_m=None, ceiling_m=1.0),
                                   scene(-15, floor_m=None, ceiling_m=1.2), scene(floor_m=None, wall_m=None, ceiling_m=1.0),
                                   np.full((HEIGHT, WIDTH), np.nan, np.float32)],
                         ids=["a wall", "wall and ceiling", "wall and ceiling, looking up", "a ceiling", "nothing"])
def test_what_is_no_floor_gives_no_scale_and_is_told(see, truth):
    depth, metres = see(truth)
    np.testing.assert_allclose(depth, truth * MODEL, rtol=1e-5)
    assert metres.scale is None and "no floor seen" in metres.problem(PARAMETERS)


def test_a_floor_below_a_ceiling_is_the_floor(see):
    truth = scene(ceiling_m=0.9)
    np.testing.assert_allclose(see(truth)[0], truth, rtol=0.01)


def test_a_table_top_is_not_taken_for_the_floor(see):
    """0.55 m below a camera that hangs 1 m above the floor: too far from what is known, so no factor of 1.8."""
    depth, metres = see(scene(20, floor_m=0.55))
    assert metres.scale is None and "within a factor of 1.5" in metres.problem(PARAMETERS)


def test_the_last_scale_grows_old_when_the_floor_is_lost_and_comes_back(see):
    see(scene())
    wall = scene(floor_m=None)
    depth, metres = see(wall, stamp=2.5)
    np.testing.assert_allclose(depth, wall, rtol=0.01)
    assert metres.problem(PARAMETERS) == "" and metres.scale.age_s == pytest.approx(1.5)
    depth, metres = see(wall, stamp=4.0)
    np.testing.assert_allclose(depth, wall, rtol=0.01)
    assert metres.problem(PARAMETERS) == "no floor seen for 3 s"
    _, metres = see(scene(10), stamp=4.1)
    assert metres.problem(PARAMETERS) == "" and metres.scale.age_s == 0


def test_without_a_floor_the_node_withholds_clouds_and_says_why(running, make_image):
    """The fake predictor sees a box before a wall."""
    rig = running(scale_source="plane", camera_height_m=1.0, steady_scale=False)
    scale, points, depth = rig.listen("~/scale", DepthScale), rig.listen("~/points", PointCloud2), rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: depth)
    rig.spin_for(0.3)
    status, _ = rig.status()
    assert not points and status.level == DiagnosticStatus.ERROR and "no floor seen 1.0 m below the camera" in status.message
    assert all(one.confidence == 0 for one in scale)
