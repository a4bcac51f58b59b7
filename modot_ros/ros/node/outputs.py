# SPDX-License-Identifier: Apache-2.0
"""What the node publishes: one table of topics, each with what it needs and how its message is made."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from geometry_msgs.msg import PolygonInstanceStamped
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from modot_ros.msg import DepthScale, OrderGraph
from modot_ros.prediction import PARTS, Prediction
from modot_ros.prediction import OrderGraph as Graph
from modot_ros.ros.camera import Camera
from modot_ros.ros.lasting_frontiers import LastingFrontiers
from modot_ros.ros.messages.convert import cloud_message, image_message, in_range, millimetres, order_graph_message, packed_rgb
from modot_ros.ros.messages.markers import frontier_markers, order_markers
from modot_ros.ros.node.metres import Metres
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.sizes import enlarged_boundary, enlarged_depth, enlarged_map, graph_in_pixels, resized_labels
from modot_ros.scene.drawing.curtains import curtains
from modot_ros.scene.drawing.overlay import overlay
from modot_ros.scene.geometry import FRONTIER_COLUMNS, clearing_points, flying_pixels, frontiers_at, points
from modot_ros.scene.navigation.frontier_map import MOST_ZONES
from modot_ros.scene.navigation.ground import (
    HEIGHT_RATIO,
    Ground,
    GroundMemory,
    fit_ground,
    mounted_up,
    nearest_of_blocks,
    obstacles,
    sparse_points,
)
from modot_ros.scene.navigation.scan import scan
from modot_ros.scene.order.places import places

SCAN_RANGE_MIN_M = 0.05
KNOWN_TILT_DEG = 15.0                                   # a mount is known when its tilt is known as well as that
MOST_BLOCKS = 320                                       # per row: of a larger picture obstacles keep no more points


@dataclass(frozen=True)
class Result:
    """All that is known of one frame; what several outputs need is made once.

    Picture, camera and prediction are of the size that is worked on (`sizes`), [H, W]; images are published at the size of
    `image_camera`.
    """

    header: Header                                      # the input image's: outputs have its stamp and frame
    rgb: np.ndarray                                     # uint8 [H, W, 3]
    camera: Camera
    prediction: Prediction
    parameters: Parameters
    memory: GroundMemory = field(default_factory=GroundMemory)      # of the frames before
    image_camera: Camera | None = None                  # of the input image; None: `camera`
    image_labels: np.ndarray | None = None              # int32 of the image's size, where labels came; None: those found
    metres: Metres | None = None                        # what gave the scale, and a depth camera's depth
    image: Any = None                                   # the message
    lasting: LastingFrontiers | None = None             # frontiers of the frames so far

    @property
    def image_factor(self) -> float:
        """How many times the image is as wide as what is worked on."""
        return 1.0 if self.image_camera is None else self.image_camera.width / self.camera.width

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W) of the image."""
        camera = self.camera if self.image_camera is None else self.image_camera
        return camera.height, camera.width

    @cached_property
    def image_depth(self) -> np.ndarray:
        """float32 at the image's size, in the model's own unit."""
        return enlarged_depth(self.prediction, self.image_shape)

    @cached_property
    def image_depth_m(self) -> np.ndarray:
        """float32 at the image's size, too near and too far as -inf and +inf."""
        if self.image_shape == self.depth_m.shape:
            return self.depth_m
        return in_range(self.image_depth, self.parameters.min_depth_m, self.parameters.max_depth_m)

    @cached_property
    def image_boundary(self) -> np.ndarray:
        """bool at the image's size, one pixel wide."""
        return enlarged_boundary(self.prediction.boundary_mask, self.prediction.boundary_side, self.image_shape)

    @property
    def rays(self) -> np.ndarray:
        """float32 [H, W, 3], z = 1"""
        return self.camera.rays(self.prediction.focal_px)

    @cached_property
    def certain(self) -> np.ndarray:
        """bool [H, W]: depth is as certain as `max_uncertainty` wants it, or nothing is known of that."""
        limit, std = self.parameters.max_uncertainty, self.prediction.log_depth_std
        return np.ones(self.prediction.depth.shape, bool) if std is None or not limit else std <= limit

    @cached_property
    def depth_m(self) -> np.ndarray:
        """float32 [H, W], too near and too far as -inf and +inf."""
        return in_range(self.prediction.depth_m, self.parameters.min_depth_m, self.parameters.max_depth_m)

    @cached_property
    def flying(self) -> np.ndarray:
        """bool [H, W], pixels between two surfaces."""
        return flying_pixels(self.depth_m, self.prediction.boundary_mask)

    @cached_property
    def solid_depth_m(self) -> np.ndarray:
        """float32 [H, W], NaN also where pixels fly, are uncertain or have no ray."""
        return np.where(self.certain & ~self.flying & np.isfinite(self.rays[..., 0]), self.depth_m, np.float32(np.nan))

    @cached_property
    def ground(self) -> Ground | None:
        """The floor in sight, or the one that was in sight lately, or that of a known mount."""
        height_m, stamp = self.parameters.camera_height_m, self.header.stamp
        heights_m = (height_m / HEIGHT_RATIO, height_m * HEIGHT_RATIO) if height_m else (0.0, np.inf)
        found = fit_ground(sparse_points(self.solid_depth_m, self.rays), self.up, self.parameters.camera_tilt_deg, heights_m)
        found = self.memory.latest(found, stamp.sec + stamp.nanosec * 1e-9)
        if found is None and height_m and self.parameters.camera_tilt_deg <= KNOWN_TILT_DEG:
            return Ground(np.array(self.up), height_m, 0.0)
        return found

    @cached_property
    def has_lasting(self) -> bool:
        """The frontiers of this frame are among the lasting ones; takes them in."""
        return self.lasting is not None and self.lasting.update(
            self.frontiers[0], self.depth_m, self.camera, self.prediction.focal_px, self.header,
            self.parameters.frontier_memory_s)

    @property
    def block_px(self) -> int:
        """Side of the blocks of pixels of which obstacles keep the nearest point."""
        return max(self.parameters.points_stride_px, self.camera.width // MOST_BLOCKS)

    @cached_property
    def obstacles(self) -> np.ndarray:
        """float32 [N, 3], the nearest point of every block of pixels, without floor and ceiling; all where no floor is known."""
        parameters = self.parameters
        at = nearest_of_blocks(self.solid_depth_m, self.block_px)
        xyz = self.rays.reshape(-1, 3).take(at, axis=0) * self.solid_depth_m.take(at)[:, None]
        xyz = xyz[np.einsum("nc,nc->n", xyz, xyz) <= parameters.cloud_range_m ** 2]
        if self.ground is None:
            return xyz
        return xyz[obstacles(xyz, self.ground, parameters.obstacle_min_height_m, parameters.obstacle_max_height_m)]

    @cached_property
    def frontiers(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 [N, 7] as of scene.geometry.frontiers, and the pixel of each."""
        prediction, parameters = self.prediction, self.parameters
        return frontiers_at(self.depth_m, prediction.boundary_mask & self.certain, prediction.boundary_side, self.rays,
                            parameters.frontier_min_gap_m, parameters.cloud_range_m)

    @cached_property
    def certain_graph(self) -> Graph:
        """The order graph without relations of what is uncertain."""
        graph = self.prediction.graph
        return graph if self.certain.all() else among(graph, certain_ids(self.prediction.labels, self.certain))

    @property
    def up(self) -> tuple[float, float, float]:
        """In the optical frame, as the camera is said to be mounted."""
        return mounted_up(self.parameters.camera_pitch_deg, self.parameters.rotate)


def depth_image(result: Result) -> Image:
    if result.parameters.depth_encoding == "16UC1":
        return image_message(millimetres(result.image_depth_m), "16UC1", result.header)
    return image_message(result.image_depth_m, "32FC1", result.header)


def camera_info(result: Result) -> CameraInfo:
    camera = result.camera if result.image_camera is None else result.image_camera
    return camera.published(result.prediction.focal_px * result.image_factor).fill(CameraInfo(header=result.header))


def fused_image(result: Result) -> Image | None:
    """None while a depth camera's depth of this time is missing."""
    camera = result.camera if result.image_camera is None else result.image_camera
    if camera.no_rays or result.metres is None:
        return None
    depth_m = result.metres.fused(result.image_depth_m, result.image, camera, result.prediction.focal_px * result.image_factor,
                                  result.parameters)
    return None if depth_m is None else image_message(depth_m, "32FC1", result.header)


def scale_message(result: Result) -> DepthScale:
    scale = None if result.metres is None else result.metres.scale
    known = (1.0, 0.0, float("inf")) if scale is None else (scale.factor, scale.confidence, scale.age_s)
    return DepthScale(header=result.header, source=result.parameters.scale_source, factor=known[0], confidence=known[1],
                      age_s=known[2])


def uncertainty_image(result: Result) -> Image:
    return image_message(enlarged_map(result.prediction.log_depth_std, result.image_shape), "32FC1", result.header)


def relative_depth_image(result: Result) -> Image:
    return image_message(result.image_depth, "32FC1", result.header)


def boundary_probability(result: Result) -> Image:
    return image_message(enlarged_map(result.prediction.boundary_probability, result.image_shape), "32FC1", result.header)


def boundary_image(result: Result) -> Image:
    mask = result.image_boundary.view(np.uint8) * np.uint8(255)
    return image_message(mask, "mono8", result.header)


def instances_image(result: Result) -> Image:
    labels = result.prediction.labels if result.image_labels is None else result.image_labels
    return image_message(resized_labels(labels.astype(np.uint16), result.image_shape), "16UC1", result.header)


def classes_image(result: Result) -> Image:
    height, width = result.image_shape
    classes = cv2.resize(result.prediction.classes, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return image_message(classes, "mono8", result.header)


def order_graph(result: Result) -> OrderGraph:
    graph = result.certain_graph
    if result.image_factor != 1.0:
        graph = graph_in_pixels(graph, result.image_factor)
    return order_graph_message(graph, result.header, result.parameters.order_min_confidence)


def order_shapes(result: Result) -> MarkerArray:
    graph, least = result.certain_graph, result.parameters.order_min_confidence
    graph = replace(graph, occlusions=tuple(one for one in graph.occlusions if one.confidence >= least))
    return order_markers(graph, places(graph.instances, result.prediction.labels, result.rays), result.header)


def certain_ids(labels: np.ndarray, certain: np.ndarray) -> set[int]:
    """Labels of which at least half of the pixels are certain."""
    areas = np.bincount(labels.ravel())
    return set(np.flatnonzero(2 * np.bincount(labels.ravel(), certain.ravel(), len(areas)) >= np.maximum(areas, 1)).tolist())


def among(graph: Graph, ids: set[int]) -> Graph:
    """The graph without relations of others than these instances; all instances stay."""
    return replace(graph, occlusions=tuple(one for one in graph.occlusions if {one.occluder, one.occludee} <= ids),
                   depths=tuple(one for one in graph.depths if {one.near, one.far} <= ids))


def point_cloud(result: Result) -> PointCloud2:
    """Coloured points on the stride's grid, flying pixels and what lies beyond cloud_range_m left out."""
    stride = result.parameters.points_stride_px
    wanted = np.zeros(result.depth_m.shape, bool)
    wanted[stride // 2::stride, stride // 2::stride] = True
    wanted &= np.isfinite(result.depth_m) & np.isfinite(result.rays[..., 0])
    wanted &= result.certain & ~result.flying
    xyz = points(result.depth_m, result.rays, wanted)
    within = np.flatnonzero(np.einsum("nc,nc->n", xyz, xyz) <= result.parameters.cloud_range_m ** 2)
    cloud = np.empty((len(within), 4), np.float32)
    cloud[:, :3] = xyz.take(within, axis=0)
    cloud[:, 3] = packed_rgb(result.rgb.reshape(-1, 3).take(np.flatnonzero(wanted)[within], axis=0))
    return cloud_message(cloud, ("x", "y", "z", "rgb"), result.header)


def obstacle_cloud(result: Result) -> PointCloud2:
    return cloud_message(result.obstacles, ("x", "y", "z"), result.header)


def scan_frame(frame_id: str) -> str:
    """Frame of the camera's body, as REP 103 has it, of that of its pictures."""
    body = frame_id.removesuffix("_optical_frame")
    return f"{frame_id}_scan" if body == frame_id else f"{body}_frame"


def laser_scan(result: Result) -> LaserScan:
    parameters, block = result.parameters, result.block_px
    grid = np.s_[block // 2::block, block // 2::block]
    up = result.up if result.ground is None else result.ground.normal
    found = scan(result.obstacles, result.solid_depth_m[grid], result.rays[grid], up, parameters.cloud_range_m, result.up)
    header = Header(stamp=result.header.stamp, frame_id=parameters.scan_frame_id or scan_frame(result.header.frame_id))
    return LaserScan(header=header, angle_min=found.angle_min, angle_max=found.angle_max,
                     angle_increment=found.angle_increment, range_min=SCAN_RANGE_MIN_M, range_max=parameters.cloud_range_m,
                     ranges=found.ranges_m.tolist())


def clearing_cloud(result: Result) -> PointCloud2:
    cloud = clearing_points(result.depth_m, result.rays, result.parameters.cloud_range_m,
                            stride_px=2 * result.parameters.points_stride_px)
    return cloud_message(cloud, ("x", "y", "z"), result.header)


def lasting_cloud(result: Result) -> PointCloud2 | None:
    """None while the camera's place is not known."""
    if not result.has_lasting:
        return None
    header = Header(stamp=result.header.stamp, frame_id=result.lasting.frame_id)
    return cloud_message(result.lasting.frontiers, FRONTIER_COLUMNS, header)


def frontier_zones(result: Result) -> list[PolygonInstanceStamped] | None:
    parameters = result.parameters
    if not result.has_lasting:
        return None
    return result.lasting.zones(result.header.stamp, parameters.frontier_speed_mps * parameters.frontier_time_s)


def frontier_cloud(result: Result) -> PointCloud2:
    return cloud_message(result.frontiers[0], FRONTIER_COLUMNS, result.header)


def frontier_curtains(result: Result) -> MarkerArray:
    return frontier_markers(*curtains(*result.frontiers, result.camera.width), result.header)


def overlay_image(result: Result) -> Image:
    return image_message(overlay(result.rgb, result.prediction), "rgb8", result.header)


@dataclass(frozen=True)
class Output:
    """`parts` are those of the Prediction that `make` reads; `depth_kinds` the models that publish it."""

    topic: str
    type: type
    description: str
    parts: tuple[str, ...]
    make: Callable[[Result], Any]
    depth_kinds: tuple[str, ...] = ("metric", "relative")
    needs_rays: bool = False
    needs_uncertainty: bool = False
    needs_semantics: bool = False
    needs_depth_camera: bool = False
    needs_map: bool = False                             # a frame that does not move with the camera
    depth: int = 1                                      # messages that are made of one frame

    @property
    def needs_instances(self) -> bool:
        return not {"instances", "order"}.isdisjoint(self.parts)


METRIC, RELATIVE = ("metric",), ("relative",)
OUTPUTS = (
    Output("~/depth/image", Image, "32FC1 metres along the optical axis; NaN no estimate, +-inf out of range "
           "(REP 117); or 16UC1 millimetres", ("depth",), depth_image, METRIC),
    Output("~/depth/camera_info", CameraInfo, "Camera of all outputs, at their size", ("depth",), camera_info,
           METRIC),
    Output("~/depth/uncertainty", Image, "32FC1, standard deviation of ln z; of models that predict it (modot_nano, modot_lite)",
           ("depth",), uncertainty_image, METRIC, needs_uncertainty=True),
    Output("~/depth/fused", Image, "32FC1 metres of the depth camera on `range`, its holes filled with predicted depth at the "
           "scale around them; only with `range_type: depth_image`", ("depth",), fused_image, METRIC, needs_depth_camera=True),
    Output("~/scale", DepthScale, "what `scale_source` measured: factor that is in all metric outputs, confidence, age",
           ("depth",), scale_message, METRIC),
    Output("~/depth_relative/image", Image, "32FC1, unit-free, grows with distance; only models without "
           "metric scale", ("depth",), relative_depth_image, RELATIVE),
    Output("~/boundary/probability", Image, "32FC1 in 0..1, of an occlusion boundary", ("boundary",),
           boundary_probability),
    Output("~/boundary/image", Image, "mono8, 255 on occlusion boundaries, one pixel wide, on the occluder's "
           "side", ("boundary",), boundary_image),
    Output("~/instances/image", Image, "16UC1 labels that the order graph speaks of, 0 background",
           ("instances",), instances_image),
    Output("~/semantics/image", Image, "mono8, class of every pixel, 255 unknown; names, latched, on `~/semantics/names` "
           "(vision_msgs/LabelInfo; without that package diagnostic_msgs/DiagnosticStatus); of models that predict them "
           "(modot_nano)", ("classes",), classes_image, needs_semantics=True),
    Output("~/order_graph", OrderGraph, "Who occludes whom and who is nearer; instances with the names of their classes",
           ("order", "classes"), order_graph),
    Output("~/points", PointCloud2, "x, y, z, rgb without flying pixels", ("depth", "boundary"), point_cloud,
           METRIC, needs_rays=True),
    Output("~/points_clearing", PointCloud2, "x, y, z of the ends of free rays, a tenth before the surface "
           "or at `cloud_range_m`: for layers that clear by ray tracing", ("depth",), clearing_cloud, METRIC, needs_rays=True),
    Output("~/points_nav", PointCloud2, "x, y, z of obstacles: without the floor, and without what is above "
           "`obstacle_max_height_m`, as a ceiling", ("depth", "boundary"), obstacle_cloud, METRIC, needs_rays=True),
    Output("~/scan", LaserScan, "nearest obstacle per direction, in the level plane through the camera; inf: nothing "
           "within `cloud_range_m`, NaN: unknown. Its frame is level, see `scan_frame_id`", ("depth", "boundary"),
           laser_scan, METRIC, needs_rays=True),
    Output("~/frontiers", PointCloud2, "x, y, z of an occluding edge, hidden_x, hidden_y, hidden_z of the "
           "surface behind it, gap in metres: where something may hide and step out", ("depth", "boundary"),
           frontier_cloud, METRIC, needs_rays=True),
    Output("~/frontiers/map", PointCloud2, "the same of the last `frontier_memory_s`, merged over frames, in `frontier_frame_id`",
           ("depth", "boundary"), lasting_cloud, METRIC, needs_rays=True, needs_map=True),
    Output("~/frontiers/zones", PolygonInstanceStamped, "outlines on the floor, in `frontier_frame_id`, of what something behind "
           "the nearest frontiers can reach: a source of Nav2's collision monitor", ("depth", "boundary"), frontier_zones, METRIC,
           needs_rays=True, needs_map=True, depth=MOST_ZONES),
    Output("~/frontiers/markers", MarkerArray, "the frontiers as curtains for RViz and Foxglove, coloured by gap",
           ("depth", "boundary"), frontier_curtains, METRIC, needs_rays=True),
    Output("~/order_graph/markers", MarkerArray, "the order graph in space for RViz and Foxglove: ids and names, arrows from "
           "occluder to occludee; people, obstacles and hidden instances as shapes", PARTS, order_shapes, METRIC,
           needs_rays=True),
    Output("~/overlay", Image,
           "rgb8 picture of it all, of no more pixels than 640x480 has, at `overlay_rate_hz`", PARTS, overlay_image),
)

INPUTS = (
    ("image", "sensor_msgs/Image", "colour or grey image; with `image_transport: compressed`, "
     "`image/compressed` (sensor_msgs/CompressedImage)"),
    ("camera_info", "sensor_msgs/CameraInfo", "its calibration, for metric scale and geometry"),
    ("instances", "sensor_msgs/Image", "labels of your own with the image's stamp (mono8, 16UC1, 32SC1; "
     "0 background), or a mask of classes, see `instances_type`; optional"),
    ("detections", "vision_msgs/Detection2DArray or yolo_msgs/DetectionArray", "names, scores, boxes or masks of "
     "instances with the image's stamp, see `instances_type`; optional"),
    ("range", "sensor_msgs/LaserScan, sensor_msgs/Image or sensor_msgs/Range", "ranges of another sensor, see `range_type`; "
     "optional"),
    ("range_camera_info", "sensor_msgs/CameraInfo", "of a depth camera on `range` whose depth is not aligned to the image; "
     "optional"),
)


def type_name(message_type: type) -> str:
    """"sensor_msgs/Image" of sensor_msgs.msg.Image."""
    return f"{message_type.__module__.partition('.')[0]}/{message_type.__name__}"


def markdown_table() -> str:
    """The README's topic table."""
    lines = ["| topic | type | what |", "| --- | --- | --- |"]
    lines += [f"| `{topic}` (in) | {name} | {text} |" for topic, name, text in INPUTS]
    lines += [f"| `{output.topic}` | {type_name(output.type)} | {output.description} |" for output in OUTPUTS]
    lines.append("| `/diagnostics` | diagnostic_msgs/DiagnosticArray | rates, latency, drops per reason, "
                 "last error; 1 Hz |")
    return "\n".join(lines)
