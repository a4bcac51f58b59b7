# SPDX-License-Identifier: Apache-2.0
"""Marking and clearing in Nav2's voxel layer, as config/nav2_modot.yaml sets it, by the node's clouds of rooms of boxes.

Source and VoxelLayer follow nav2_costmap_2d 1.4.2 (Kilted): what a source's limits drop, what a ray clears, what a point marks.
The camera looks along the map's x. Depth is cast exactly; its scale is then wrong by 15 %, tf's is not.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from std_msgs.msg import Header

from modot_ros.prediction import Prediction
from modot_ros.ros.calibration import Calibration
from modot_ros.ros.camera import Camera
from modot_ros.ros.node.outputs import Result, clearing_cloud, obstacle_cloud
from modot_ros.ros.node.parameters import Parameters

ROOT = Path(__file__).resolve().parents[3]
LAYER = yaml.safe_load((ROOT / "config" / "nav2_modot.yaml").read_text())[
    "local_costmap"]["local_costmap"]["ros__parameters"]["voxel_layer"]
CLOUDS = {"/modot_node/points_nav": obstacle_cloud, "/modot_node/points_clearing": clearing_cloud}
WIDTH, HEIGHT, FOCAL_PX = 320, 240, 220.0
RESOLUTION_M, SIZE_M = 0.05, 12.0
ROOM = [((-1, -3, 0), (6, 3, 2.5))]                     # seen from inside: low and high corner


@dataclass
class Source:
    """An observation source: its parameters, and the newest cloud, as the buffer keeps it with observation_persistence 0."""

    marking: bool
    clearing: bool
    min_obstacle_height: float = 0.0
    max_obstacle_height: float = 0.0
    obstacle_min_range: float = 0.0
    obstacle_max_range: float = 2.5
    raytrace_min_range: float = 0.0
    raytrace_max_range: float = 3.0
    cloud: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    origin: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def buffer(self, cloud: np.ndarray, origin: np.ndarray) -> None:
        """Cloud [N, 3] and the sensor's place in the map's frame. Points outside the source's heights are dropped at once, those
        that are NaN among them."""
        z = cloud[:, 2]
        self.cloud, self.origin = cloud[(z <= self.max_obstacle_height) & (z >= self.min_obstacle_height)], origin


class VoxelLayer:
    """`size` x `size` metres around the map's origin; `parameters` are the layer's, `sources` by name."""

    def __init__(self, parameters: dict, sources: dict[str, Source], resolution: float, size: float) -> None:
        self.low, self.high = parameters["min_obstacle_height"], parameters["max_obstacle_height"]
        self.sources = sources
        self.scale = np.array([resolution, resolution, parameters["z_resolution"]])
        cells = round(size / resolution)
        self.shape = (cells, cells, parameters["z_voxels"])
        assert self.shape[2] <= 16, "a voxel column has 16 bits"
        self.corner = np.array([-size / 2, -size / 2, parameters["origin_z"]])
        self.voxels = np.zeros(self.shape, bool)
        self.lethal = np.zeros(self.shape[:2], bool)

    def cells(self, points: np.ndarray) -> np.ndarray:
        """Indices [N, 3], not bounded."""
        return np.floor((points - self.corner) / self.scale).astype(int)

    def inside(self, cells: np.ndarray) -> np.ndarray:
        return ((cells >= 0) & (cells < self.shape)).all(-1)

    def update(self) -> None:
        """VoxelLayer::updateBounds: all clearing first, then all marking."""
        for source in self.sources.values():
            if source.clearing:
                self._clear(source)
        for source in self.sources.values():
            if source.marking:
                self._mark(source)

    def _clear(self, source: Source) -> None:
        """VoxelLayer::raytraceFreespace: nothing at all unless the sensor is inside; rays end two cells before their point."""
        start = self.cells(source.origin)
        if not len(source.cloud) or not self.inside(start):
            return
        way = source.cloud - source.origin
        length = np.linalg.norm(way, axis=1, keepdims=True)
        way *= np.clip((length - 2 * self.scale[0]) / length, 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            top = self.corner + self.scale * self.shape
            bounds = np.where(way > 0, (top - 0.01 - source.origin) / way, (self.corner - source.origin) / way)
        way *= np.clip(np.nanmin(np.where(way == 0, np.inf, bounds), axis=1), 0, 1)[:, None] * (1 - 1e-5)
        start_float = (source.origin - self.corner) / self.scale
        step = self.cells(source.origin + way) - start
        most = round(source.raytrace_max_range / self.scale[0])
        distance = np.linalg.norm((source.origin + way - self.corner) / self.scale - start_float, axis=1)
        dominant = np.abs(step).max(1)
        steps = (np.minimum(1, most / np.maximum(distance, 1e-9)) * dominant).astype(int)
        for k in range(steps.max(initial=0) + 1):
            on = steps >= k
            share = k / np.maximum(dominant[on], 1)[:, None]
            cell = start + np.sign(step[on]) * np.floor(np.abs(step[on]) * share + 0.5).astype(int)
            cell = cell[self.inside(cell)]
            self.voxels[tuple(cell.T)] = False
            column = tuple(cell[:, :2].T)
            self.lethal[column] &= self.voxels[column].any(-1)

    def _mark(self, source: Source) -> None:
        distance = np.linalg.norm(source.cloud - source.origin, axis=1)
        z = source.cloud[:, 2]
        points = source.cloud[(z >= self.low) & (z <= self.high) & (distance < source.obstacle_max_range)
                              & (distance >= source.obstacle_min_range)]
        points = np.column_stack([points[:, :2], np.maximum(points[:, 2], self.corner[2])])
        cell = self.cells(points)
        cell = cell[self.inside(cell)]
        self.voxels[tuple(cell.T)] = True
        self.lethal[tuple(cell[:, :2].T)] = True


class Robot:
    """A camera above the floor that looks down by `pitch_deg`, and the costmap that it fills."""

    def __init__(self, height_m=0.6, pitch_deg=10.0, scale=1.0, **parameters):
        tilt = np.radians(pitch_deg)
        ahead, down = np.array([np.cos(tilt), 0, -np.sin(tilt)]), np.array([-np.sin(tilt), 0, -np.cos(tilt)])
        self.rotation = np.stack([[0.0, -1, 0], down, ahead])       # rows: the optical axes in the map's frame
        self.origin = np.array([0, 0, height_m])
        self.scale, self.parameters = scale, Parameters(**parameters)
        names = Source.__dataclass_fields__
        self.topics = {name: LAYER[name]["topic"] for name in LAYER["observation_sources"].split()}
        self.layer = VoxelLayer(LAYER, {name: Source(**{key: value for key, value in LAYER[name].items() if key in names})
                                        for name in self.topics}, RESOLUTION_M, SIZE_M)
        self.camera = Camera.of(Calibration.pinhole(WIDTH, HEIGHT, FOCAL_PX), WIDTH, HEIGHT)

    def depth(self, boxes):
        """float32 [H, W] of a room and boxes in it, (low corner, high corner) each."""
        ways = self.camera.rays(FOCAL_PX).astype(float) @ self.rotation
        depth = np.full(ways.shape[:2], np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            for low, high in ROOM + list(boxes):
                ends = np.stack([(np.array(low) - self.origin) / ways, (np.array(high) - self.origin) / ways])
                enter, leave = np.nanmax(ends.min(0), -1), np.nanmin(ends.max(0), -1)
                depth = np.minimum(depth, np.where((enter <= leave) & (enter > 0), enter,
                                                   np.where(enter <= 0, leave, np.inf)))
        return depth.astype(np.float32)

    def see(self, boxes=()):
        """One frame: both clouds into the layer, and its update. Returns depth as the node has it."""
        depth = self.depth(boxes) * np.float32(self.scale)
        prediction = Prediction("metric", FOCAL_PX, depth=depth, boundary_mask=np.zeros(depth.shape, bool))
        result = Result(Header(), np.zeros((*depth.shape, 3), np.uint8), self.camera, prediction, self.parameters)
        for name, topic in self.topics.items():
            message = CLOUDS[topic](result)
            cloud = np.frombuffer(message.data, np.float32).reshape(-1, message.point_step // 4)[:, :3]
            self.layer.sources[name].buffer(cloud @ self.rotation + self.origin, self.origin)
        self.layer.update()
        return depth

    def places(self, depth, wanted):
        """bool of the map's cells that hold a point of the `wanted` pixels, or lie beside one that does."""
        points = (self.camera.rays(FOCAL_PX)[wanted] * depth[wanted][:, None]) @ self.rotation + self.origin
        cells = np.zeros_like(self.layer.lethal)
        cells[tuple(self.layer.cells(points)[:, :2].clip(0, len(cells) - 1).T)] = True
        padded = np.pad(cells, 1)
        return np.any([padded[1 + i:len(padded) - 1 + i, 1 + j:len(padded) - 1 + j]
                       for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)

    def lethal(self, x, y, reach=0.1):
        """How many cells within `reach` metres of a place are lethal."""
        low, high = (self.layer.cells(np.array([x + side, y + side, 0])) for side in (-reach, reach))
        return int(self.layer.lethal[low[0]:high[0] + 1, low[1]:high[1] + 1].sum())


@pytest.mark.parametrize("scale", [0.85, 1.0, 1.15])
@pytest.mark.parametrize("height_m, pitch_deg", [(0.25, 0), (0.6, 10), (1.3, 25)])
def test_no_cell_of_the_floor_is_an_obstacle(height_m, pitch_deg, scale):
    robot = Robot(height_m, pitch_deg, scale)
    boxes = [((2, -0.8, 0), (2.4, -0.2, 0.5)), ((2.6, 0.4, 0), (3, 1, 1.0))]
    depth = robot.see(boxes)
    robot.see(boxes)
    true = depth / np.float32(scale)
    heights = ((robot.camera.rays(FOCAL_PX) * true[..., None]) @ robot.rotation + robot.origin)[..., 2]
    stands = robot.places(depth, heights > 0.02)        # cells of all that is not the floor, where this depth has it
    assert robot.layer.lethal.any()
    assert not (robot.layer.lethal & ~stands).any()
    for low, high in boxes:                             # and the boxes are there, where this depth has their fronts
        front = robot.origin[:2] + scale * (np.array([low[0], (low[1] + high[1]) / 2]) - robot.origin[:2])
        assert robot.lethal(*front) > 0


@pytest.mark.parametrize("scale", [0.85, 1.0, 1.15])
def test_an_obstacle_that_moved_is_cleared_within_three_frames(scale):
    robot = Robot(scale=scale)
    before, after = [((2, -0.8, 0), (2.3, -0.4, 1.0))], [((2, 0.4, 0), (2.3, 0.8, 1.0))]
    for _ in range(3):
        robot.see(before)
    place = 2 * scale, -0.6 * scale
    assert robot.lethal(*place, reach=0.15) > 3
    for _ in range(3):
        robot.see(after)
    assert robot.lethal(*place, reach=0.15) == 0
    assert robot.lethal(2 * scale, 0.6 * scale, reach=0.15) > 3


@pytest.mark.parametrize("stride", [2, 4, 8])
@pytest.mark.parametrize("x", [1.0, 2.0, 4.0])
def test_a_pole_of_three_centimetres_is_an_obstacle(x, stride):
    robot = Robot(points_stride_px=stride)
    robot.see([((x, 0.185, 0), (x + 0.03, 0.215, 1.2))])
    assert robot.lethal(x, 0.2, reach=0.05) > 0


def test_the_clearing_source_must_not_drop_rays_by_their_height():
    """Why its limits are wide: with Nav2's defaults rays end outside them, and the obstacle stays."""
    robot = Robot()
    source = robot.layer.sources["modot_clearing"]
    source.min_obstacle_height = source.max_obstacle_height = 0.0
    robot.see([((2, -0.8, 0), (2.3, -0.4, 1.0))])
    for _ in range(3):
        robot.see()
    assert robot.lethal(2, -0.6, reach=0.15) > 3


def test_a_camera_above_the_grid_clears_nothing():
    robot = Robot(height_m=2.1, pitch_deg=30)
    robot.see([((2, -0.8, 0), (2.3, -0.4, 1.0))])
    marked = robot.lethal(2, -0.6, reach=0.15)
    robot.see()
    assert robot.lethal(2, -0.6, reach=0.15) == marked > 3
