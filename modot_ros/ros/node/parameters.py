# SPDX-License-Identifier: Apache-2.0
"""The node's parameters: one frozen struct that is valid or does not exist.

Every parameter stands here once, with its default, unit, range or choices. The ROS declaration,
config/modot.yaml and the README's table are made from it. The pattern is Nav2's parameter handlers':
callbacks build a new struct, the worker reads whole structs only.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import Field, dataclass, field, fields, replace
from textwrap import wrap
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from modot_ros.ros.transforms import mount


@dataclass(frozen=True)
class Meaning:
    """What a parameter says and what it may be. `reload`: read-only, a change needs a new start."""

    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str | int, ...] = ()
    reload: bool = False

    @property
    def limits(self) -> str:
        """Range or choices as text; empty when anything goes."""
        return f"{self.low} to {self.high}" if self.low is not None else ", ".join(map(str, self.choices))

    def check(self, name: str, value: Any) -> None:
        """ValueError that names the value and what it may be. A choice `cuda:N` stands for any number N."""
        if self.low is not None and not self.low <= value <= self.high:
            raise ValueError(f"{name} is {value}: it must lie in {self.limits}")
        patterns = "|".join(re.escape(str(choice)).replace(":N", r":\d+") for choice in self.choices)
        if self.choices and not re.fullmatch(patterns, str(value)):
            raise ValueError(f"{name} is {value!r}: choose from {self.limits}")


def parameter(default: Any, description: str, **meaning: Any) -> Any:
    """A field of Parameters."""
    return field(default=default, metadata={"meaning": Meaning(description, **meaning)})


@dataclass(frozen=True)
class Parameters:
    """Raises ValueError, naming value and choices, for what cannot work."""

    model: str = parameter("modot_nano", "Network to run", reload=True)
    weights: str = parameter(
        "", "Weights file, .safetensors or .pth; empty = those that come with the package",
        unit="path", reload=True)
    engine: str = parameter("local", "What runs the network: torch in this process (local), ONNX Runtime (onnx), which `weights` "
                            "may be a file of `modot export` for, or a pool of machines (ray)", choices=("local", "onnx", "ray"),
                            reload=True)
    engine_addresses: str = parameter("", "With `engine: ray`, host:port of each machine of the pool, the preferred one first, "
                                      "with commas between", reload=True)
    engine_budget_s: float = parameter(0.3, "With `engine: ray`, how long an answer may take; the frame is dropped then and "
                                       "counted", unit="s", low=0.01, high=10.0, reload=True)
    device: str = parameter("auto", "Where the network runs; auto = a GPU when there is one",
                            choices=("auto", "cpu", "cuda", "cuda:N"), reload=True)
    precision: str = parameter("fp32", "Number format of the network", choices=("fp32", "fp16", "bf16"),
                               reload=True)
    flip: bool = parameter(
        False, "Run the network on the mirrored image as well and merge both: a little better, twice as slow",
        reload=True)
    order_method: str = parameter(
        "geometric", "Where the order graph comes from: depth and boundaries (geometric), an order network (learned) "
        "or both (fused)", choices=("geometric", "learned", "fused"), reload=True)
    order_model: str = parameter(
        "", "Order network of `order_method` learned and fused, as instaordernet_od", reload=True)
    order_weights: str = parameter("", "Weights file of the order network, .safetensors or .pth", unit="path",
                                   reload=True)
    order_max_instances: int = parameter(
        16, "The order network looks at so many of the largest instances, once per ordered pair of them", low=2,
        high=1024, reload=True)
    autostart: bool = parameter(
        True, "Configure and activate at start; false leaves that to a lifecycle manager", reload=True)
    image_transport: str = parameter(
        "raw", "Subscribe `image` (raw), `image/compressed` (JPEG, PNG), `image/ffmpeg` (packets of ffmpeg_image_transport) or "
        "`image` as a CompressedVideo (foxglove)", choices=("raw", "compressed", "ffmpeg", "foxglove"), reload=True)
    max_rate_hz: float = parameter(
        0.0, "Most frames processed per second, by the ROS clock; 0 = as fast as possible",
        unit="Hz", low=0.0, high=1000.0)
    rectified: str = parameter(
        "auto", "Whether the images are rectified, so that P of their CameraInfo is their matrix (true), or raw, so that K is "
        "it and clouds are made from undistorted rays (false); auto: true when D is zero or the topic is image_rect*",
        choices=("auto", "true", "false"), reload=True)
    rotate: int = parameter(
        0, "How the camera is mounted: its pictures are turned clockwise by so many degrees. The network "
        "sees them upright, all outputs fit the image as it comes", choices=(0, 90, 180, 270), reload=True)
    frame_id: str = parameter("", "Frame of all outputs; empty = that of the image")
    exit_on_failure: bool = parameter(
        False, "End the process with an error when it can't be configured at start, so that whoever started it can try again",
        reload=True)
    instances_type: str = parameter(
        "labels", "What says which instances there are: label images on `instances` (labels), the same with names "
        "and scores on `detections` (labels_and_detections), Isaac ROS masks on `instances` parted by boxes on "
        "`detections` (isaac_ros), or masks of yolo_ros on `detections` (yolo_ros)",
        choices=("labels", "labels_and_detections", "isaac_ros", "yolo_ros"), reload=True)
    instances_timeout_s: float = parameter(
        1.0, "While labels come, only frames that have some give instances and order graph; after so long without "
        "any the node goes on with its own partition", unit="s", low=0.0, high=60.0)
    instances_max_age_s: float = parameter(
        0.0, "0: labels are used for the image of their very stamp; above: every frame takes those nearest in time, "
        "at most so far from it", unit="s", low=0.0, high=10.0)
    track_instances: bool = parameter(
        True, "Keep ids from frame to frame, count ages and remember what is hidden; ids that come from outside and "
        "last already are kept as they are")
    class_names: bool = parameter(
        True, "Instances of the order graph have the names of the model's semantic classes where labels from outside give none; "
        "false saves the time of predicting them")
    steady_scale: bool = parameter(
        True, "Filter jumps of depth's scale from frame to frame by points that are followed through the pictures; real motion "
        "passes at once, and in the long run the scale is the network's")
    hidden_timeout_s: float = parameter(
        2.0, "How long an instance that is out of sight is remembered, by the images' stamps", unit="s", low=0.0,
        high=600.0)
    max_instances: int = parameter(
        64, "Most instances of the own partition, and most labels a label image may have", low=1, high=1024)
    boundary_threshold: float = parameter(0.5, "Probability from which an occlusion boundary counts",
                                          low=0.01, high=1.0)
    order_min_confidence: float = parameter(
        0.0, "Relations of the order graph below this confidence are left out", low=0.0, high=1.0)
    depth_encoding: str = parameter(
        "32FC1", "Encoding of `~/depth/image`: 32FC1 metres (NaN, +-inf as in REP 117) or 16UC1 millimetres "
        "(0 = invalid)", choices=("32FC1", "16UC1"))
    min_depth_m: float = parameter(0.0, "Depth below this is published as -inf (too near, REP 117)",
                                   unit="m", low=0.0, high=1000.0)
    max_depth_m: float = parameter(0.0, "Depth above this is published as +inf (beyond range); 0 = no limit",
                                   unit="m", low=0.0, high=1000.0)
    max_uncertainty: float = parameter(
        0.0, "Points, frontiers and orders whose depth has a larger standard deviation of ln z are left out; 0 = none are. "
        "Needs a model that predicts it", low=0.0, high=2.0)
    bad_picture: str = parameter(
        "stop", "While pictures are black, over-exposed, covered or frozen: clouds, scan and frontiers stop (stop), all outputs "
        "have an uncertainty of at least 1, which `max_uncertainty` leaves out (mark), or nothing changes (report). "
        "Blurred pictures stop nothing. Diagnostics tell it in any case", choices=("stop", "mark", "report"))
    points_stride_px: int = parameter(
        2, "One point of `~/points` and `~/points_nav` and one beam of `~/scan` per so many pixels of a picture that has at most "
        "640x480; the latter two have at most 320 per row", unit="px", low=1, high=32)
    cloud_range_m: float = parameter(
        10.0, "Distance at which `~/points` ends and `~/points_clearing` lies, and depth that a surface "
        "hidden beyond it counts as in `~/frontiers`", unit="m", low=0.1, high=1000.0)
    camera_height_m: float = parameter(
        0.0, "Height of the camera above the floor; tells the floor from table tops and, with camera_tilt_deg up to 15, stands "
        "in for a floor that is not seen. 0 = unknown", unit="m", low=0.0, high=100.0)
    camera_pitch_deg: float = parameter(0.0, "How far the camera looks down", unit="deg", low=-60.0, high=80.0)
    camera_tilt_deg: float = parameter(
        40.0, "How far pitch and roll may be off from that: 10 where the mount is known, as predicted floors are not quite "
        "level",
        unit="deg", low=1.0, high=60.0)
    scale_source: str = parameter(
        "model", "What the metres of depth rest on: the model; the floor in sight and `camera_height_m`, with `camera_pitch_deg` "
        "right to 2 degrees (camera_height) or unknown (plane), which is worse; or ranges of another sensor (range)",
        choices=("model", "camera_height", "range", "plane"))
    scale_timeout_s: float = parameter(
        5.0, "With a `scale_source` other than the model, clouds and scan stop when it has given no scale for so long", unit="s",
        low=0.1, high=3600.0)
    range_type: str = parameter(
        "none", "What comes on `range`: a laser scanner's LaserScan, a depth camera's image or a single sensor's Range",
        choices=("none", "laser_scan", "depth_image", "single"), reload=True)
    range_mount: str = parameter(
        "", "Where the sensor on `range` is, seen from the camera's body (x forward, y left, z up): x y z in metres, roll pitch "
        "yaw in degrees, as \"0.05 0 -0.1 0 0 0\"; empty = as tf says", reload=True)
    range_max_age_s: float = parameter(
        0.1, "Ranges are used for images at most so far away in time", unit="s", low=0.0, high=10.0)
    obstacle_min_height_m: float = parameter(
        0.1, "Least height above the floor, near the camera, of what is an obstacle in `~/points_nav` and `~/scan`; 2 cm more "
        "per metre of distance", unit="m", low=0.0, high=10.0)
    obstacle_max_height_m: float = parameter(
        1.8, "Height above the floor from which nothing is an obstacle: the robot's own and a margin", unit="m", low=0.01,
        high=100.0)
    scan_frame_id: str = parameter(
        "", "Frame of `~/scan`: level, x forward, in the camera's centre; empty = the image's, with _frame for _optical_frame, "
        "or with _scan behind it")
    frontier_min_gap_m: float = parameter(0.3, "Smallest step in depth that makes an occlusion frontier",
                                          unit="m", low=0.01, high=100.0)
    frontier_frame_id: str = parameter(
        "", "Frame in which `~/frontiers/map` and `~/frontiers/zones` last, as map or odom; needs tf; empty = none do",
        reload=True)
    frontier_memory_s: float = parameter(10.0, "How long a frontier lasts that is not seen again", unit="s", low=0.1,
                                         high=3600.0)
    frontier_speed_mps: float = parameter(
        1.0, "Velocity at which something may step out from behind a frontier; with frontier_time_s the reach of "
        "`~/frontiers/zones`", unit="m/s", low=0.0, high=20.0)
    frontier_time_s: float = parameter(0.5, "Time that the robot needs to see it and to stop", unit="s", low=0.0, high=10.0)
    overlay_rate_hz: float = parameter(
        5.0, "Most overlay pictures per second, by the ROS clock; 0 = every frame",
        unit="Hz", low=0.0, high=1000.0)

    def __post_init__(self) -> None:
        for item in fields(self):
            meaning_of(item).check(item.name, getattr(self, item.name))
        if self.scale_source in ("camera_height", "plane") and not self.camera_height_m:
            raise ValueError(f"scale_source is {self.scale_source!r} and camera_height_m 0.0: say how high the camera is")
        if self.scale_source == "range" and self.range_type == "none":
            raise ValueError("scale_source is 'range' and range_type 'none': choose what comes on `range`, from laser_scan, "
                             "depth_image, single")
        if self.range_mount:
            mount(self.range_mount)
        if (self.engine == "ray") != bool(self.addresses()):
            raise ValueError(f"engine is {self.engine!r} and engine_addresses {self.engine_addresses!r}: a pool (ray) needs "
                             "host:port of its machines, the others none")
        if self.obstacle_max_height_m <= self.obstacle_min_height_m:
            raise ValueError(f"obstacle_max_height_m is {self.obstacle_max_height_m}: it must be above obstacle_min_height_m, "
                             f"which is {self.obstacle_min_height_m}")
        if 0 < self.max_depth_m <= self.min_depth_m:
            raise ValueError(f"max_depth_m is {self.max_depth_m}: it must be above min_depth_m, which is "
                             f"{self.min_depth_m}, or 0 for no limit")

    def addresses(self) -> list[str]:
        """engine_addresses one by one."""
        return [one.strip() for one in self.engine_addresses.split(",") if one.strip()]


def meaning_of(item: Field) -> Meaning:
    return item.metadata["meaning"]


def declare(node: Node) -> Parameters:
    """Declare every parameter on the node and read what launch files and YAML say.

    Raises ValueError, or rclpy's exceptions for a wrong type or range, all naming parameter and value.
    """
    for item in fields(Parameters):
        meaning = meaning_of(item)
        descriptor = ParameterDescriptor(description=meaning.description, read_only=meaning.reload,
                                         additional_constraints=", ".join(map(str, meaning.choices)),
                                         dynamic_typing=isinstance(item.default, float))    # 10 serves for 10.0
        if meaning.low is not None:
            kind, ranges = ((IntegerRange, descriptor.integer_range) if isinstance(item.default, int)
                            else (FloatingPointRange, descriptor.floating_point_range))
            ranges.append(kind(from_value=meaning.low, to_value=meaning.high))
        node.declare_parameter(item.name, item.default, descriptor)
    return Parameters(**{item.name: typed(item, node.get_parameter(item.name).value) for item in fields(Parameters)})


def typed(item: Field, value: Any) -> Any:
    """The value in the parameter's own type: whole numbers serve for real ones. Raises ValueError for another type."""
    kind = type(item.default)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{item.name} is {value!r}: it must be of type {kind.__name__}")
    return value


def changed(current: Parameters, news: Iterable[Parameter]) -> Parameters:
    """The struct with these changes; others' parameters are passed over. Raises ValueError for a bad one."""
    known = {item.name: item for item in fields(Parameters)}
    return replace(current, **{new.name: typed(known[new.name], new.value) for new in news if new.name in known})


def markdown_table() -> str:
    """The README's parameter table. Names in bold can be changed while the node runs."""
    lines = ["| parameter | default | unit, range or choices | meaning |", "| --- | --- | --- | --- |"]
    for item in fields(Parameters):
        meaning = meaning_of(item)
        name = f"`{item.name}`" if meaning.reload else f"**`{item.name}`**"
        limits = ", ".join(filter(None, (meaning.unit, meaning.limits)))
        lines.append(f"| {name} | `{as_yaml_value(item.default)}` | {limits} | {meaning.description} |")
    return "\n".join(lines)


def as_yaml_value(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def yaml_text() -> str:
    """config/modot.yaml."""
    lines = ["# Every parameter of modot_node with its default.",
             "# Made by `python -m modot_ros.ros.node.parameters`.",
             "# \"(restart)\": read when the node starts; all others can be changed while it runs, with",
             "# `ros2 param set /modot_node NAME VALUE`.",
             "# Quality of service is set by qos_overrides, see the README.",
             "/**:", "  ros__parameters:"]
    for item in fields(Parameters):
        meaning = meaning_of(item)
        facts = "; ".join(filter(None, (meaning.unit, meaning.limits)))
        restart = " (restart)" if meaning.reload else ""
        lines += wrap(f"{meaning.description}{f' [{facts}]' if facts else ''}{restart}", 100,
                      initial_indent="    # ", subsequent_indent="    # ")
        lines.append(f"    {item.name}: {as_yaml_value(item.default)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(yaml_text(), end="")
