# SPDX-License-Identifier: Apache-2.0
"""Obstacles and scan of depth that is drawn by hand, as messages."""
import cv2
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from modot_ros.learn.synthetic.camera import random_camera
from modot_ros.learn.synthetic.rooms.scene import random_scene
from modot_ros.learn.synthetic.view import render
from modot_ros.prediction import Prediction
from modot_ros.ros.camera import Camera
from modot_ros.ros.node.outputs import Result, laser_scan, obstacle_cloud, scan_frame
from modot_ros.ros.node.parameters import Parameters
from modot_ros.scene.navigation.ground import GroundMemory

SHAPE, FOCAL_PX = (120, 160), 100.0


def result(depth, memory=None, sec=1, frame_id="camera_optical_frame", boundary_mask=None, **parameters):
    header = Header(frame_id=frame_id)
    header.stamp.sec = sec
    height, width = depth.shape
    boundary_mask = np.zeros(depth.shape, bool) if boundary_mask is None else boundary_mask
    prediction = Prediction("metric", FOCAL_PX, depth=depth.astype(np.float32), boundary_mask=boundary_mask)
    return Result(header, np.zeros((height, width, 3), np.uint8), Camera(width, height), prediction,
                  Parameters(**parameters), memory or GroundMemory())


def floor(height_m=0.5, wall_m=4.0, shape=SHAPE):
    rows = (np.arange(shape[0]) - (shape[0] - 1) / 2) / FOCAL_PX
    with np.errstate(divide="ignore"):
        return np.repeat(np.minimum(np.where(rows > 0, height_m / rows, np.inf), wall_m)[:, None], shape[1], 1)


def xyz_of(message: PointCloud2) -> np.ndarray:
    assert [field.name for field in message.fields[:3]] == ["x", "y", "z"]
    return np.frombuffer(message.data, np.float32).reshape(-1, message.point_step // 4)[:, :3]


def test_obstacles_are_what_stands_on_the_floor():
    depth = floor()
    depth[65:85, 40:60] = 1.5                           # its foot is 0.38 m below the camera, 0.12 m above the floor
    depth[:10] = 2.0                                    # hangs 1 m above the camera
    cloud = xyz_of(obstacle_cloud(result(depth, obstacle_max_height_m=1.4)))
    assert set(np.round(cloud[:, 2], 3)) == {1.5, 4.0}
    assert (0.5 - cloud[:, 1] > 0.1).all() and (0.5 - cloud[:, 1] < 1.4).all()
    near = xyz_of(obstacle_cloud(result(depth, cloud_range_m=2.5)))
    assert set(np.round(near[:, 2], 3)) == {1.5, 2.0}


def ramped(true):
    """Depth as a network at half the resolution gives it: surfaces joined by ramps."""
    height, width = true.shape
    return cv2.resize(cv2.resize(true, (width // 2, height // 2), interpolation=cv2.INTER_AREA), (width, height))


@pytest.mark.parametrize("distance_m", [1.0, 2.0, 3.0, 4.0])
def test_a_pole_of_three_centimetres_survives_its_own_ramps(distance_m):
    half = round(0.015 * 525 / distance_m)
    true = np.full((480, 640), 5, np.float32)
    true[:, 323 - half:323 + half] = distance_m
    found = result(ramped(true))
    assert (np.abs(found.solid_depth_m / distance_m - 1) < 0.05).any(1).all()
    cloud = xyz_of(obstacle_cloud(found))
    assert (np.abs(cloud[:, 2] / distance_m - 1) < 0.05).sum() >= 240 // 2


def test_ramps_between_surfaces_of_rooms_are_removed_and_surfaces_kept():
    """95 % of what is farther than 3 % from every true depth within two pixels, 98 % of what is within 1 % of its own."""
    counts = np.zeros(4)
    for seed in (200704, 200710):
        scene = random_scene(seed)
        view = render(scene, random_camera(scene, np.random.default_rng(seed), 640, 480), seed)
        depth, true = ramped(view.depth_m), np.pad(view.depth_m, 2, mode="edge")
        off = np.min([np.abs(np.log(depth / true[v:v + 480, u:u + 640])) for v in range(5) for u in range(5)], axis=0) > 0.03
        on = np.abs(np.log(depth / view.depth_m)) < 0.01
        flying = result(depth, boundary_mask=view.boundary).flying
        counts += flying[off].sum(), off.sum(), (~flying[on]).sum(), on.sum()
    assert counts[0] > 0.95 * counts[1] and counts[2] > 0.98 * counts[3], counts


def test_the_floor_is_remembered_when_a_wall_hides_it():
    memory, wall = GroundMemory(), np.full(SHAPE, 1.0)
    assert len(xyz_of(obstacle_cloud(result(wall, memory)))) == 60 * 80         # nothing is known: all are obstacles
    assert result(floor(), memory, sec=2).ground is not None
    heights = 0.5 - xyz_of(obstacle_cloud(result(wall, memory, sec=3)))[:, 1]
    assert len(heights) and (heights > 0.1).all()
    assert len(xyz_of(obstacle_cloud(result(wall, memory, sec=60)))) == 60 * 80


def test_a_known_mount_stands_in_for_a_floor_that_is_not_seen():
    wall, mount = np.full(SHAPE, 1.0), {"camera_height_m": 0.5, "camera_pitch_deg": 5.0}
    assert result(wall, **mount).ground is None         # the tilt may be 40 degrees off
    ground = result(wall, camera_tilt_deg=10.0, **mount).ground
    assert ground.height_m == 0.5 and np.degrees(np.arccos(-ground.normal[1])) == pytest.approx(5)


@pytest.mark.parametrize("rotate, quarters", [(0, 0), (90, -1), (180, -2), (270, -3)])
def test_the_floor_is_found_however_the_camera_is_turned(rotate, quarters):
    ground = result(np.rot90(floor(), quarters), rotate=rotate).ground
    assert ground.height_m == pytest.approx(0.5, rel=0.01)


def test_a_scan_message_says_what_the_scan_says():
    depth = floor()
    depth[:, 70:90] = np.minimum(depth[:, 70:90], 2)
    message = laser_scan(result(depth, cloud_range_m=3.0))
    ranges = np.array(message.ranges)
    assert message.header.frame_id == "camera_frame" and message.header.stamp.sec == 1
    assert message.range_max == 3 and len(ranges) == round((message.angle_max - message.angle_min)
                                                          / message.angle_increment) + 1
    assert np.nanmin(ranges) == pytest.approx(2, rel=0.01)
    assert np.isposinf(ranges).any() and not np.isnan(ranges).any()
    assert abs(message.angle_min + message.angle_increment * np.mean(np.flatnonzero(np.isfinite(ranges)))) < 0.02


@pytest.mark.parametrize("frame_id, parameters, expected", [
    ("camera_color_optical_frame", {}, "camera_color_frame"), ("cam", {}, "cam_scan"),
    ("cam", {"scan_frame_id": "level"}, "level")])
def test_the_frame_of_a_scan(frame_id, parameters, expected):
    assert laser_scan(result(floor(), frame_id=frame_id, **parameters)).header.frame_id == expected
    assert parameters or scan_frame(frame_id) == expected
