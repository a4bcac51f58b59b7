# SPDX-License-Identifier: Apache-2.0
"""Which topics the node listens to, and what is found on one that stays silent."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, ReliabilityPolicy

# image_transport -> what is behind the image's name; package and message, imported when they are asked for.
TRANSPORTS = {"raw": ("", "sensor_msgs", "Image"), "compressed": ("/compressed", "sensor_msgs", "CompressedImage"),
              "ffmpeg": ("/ffmpeg", "ffmpeg_image_transport_msgs", "FFMPEGPacket"),
              "foxglove": ("", "foxglove_msgs", "CompressedVideo")}

POLICIES = {"durability": DurabilityPolicy, "history": HistoryPolicy, "reliability": ReliabilityPolicy}

GRAPH_TYPE = "modot_ros/msg/OrderGraph"


def wrong_qos_overrides(values: Mapping[str, Any]) -> str:
    """What is wrong with parameters qos_overrides.TOPIC.ENTITY.POLICY, given without that first word; empty when nothing is. Of
    what rclpy says itself the parameter's name and the choices are missing."""
    for name, value in values.items():
        policy = POLICIES.get(name.rpartition(".")[2])
        choices = [] if policy is None else [one.name.lower() for one in policy if one.name != "UNKNOWN"]
        if choices and str(value).lower() not in choices:
            return f"qos_overrides.{name} is {value!r}: choose one of {', '.join(choices)}"
    return ""


def image_type(transport: str) -> type:
    """The message of an `image_transport`. Raises ValueError when its package is not installed."""
    _, package, name = TRANSPORTS[transport]
    try:
        return getattr(import_module(f"{package}.msg"), name)
    except ImportError as error:
        raise ValueError(f"image_transport is {transport!r}: it needs the messages of {package}, which cannot be imported "
                         f"({error}). Install ros-$ROS_DISTRO-{package.replace('_', '-')}, or choose raw, compressed") from error


def static_transforms_type() -> type | None:
    """The message of /tf_static; None where it is not installed, as in ROS from wheels."""
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError:
        return None
    return TFMessage


def _bare(image: str) -> str:
    """An image topic without its transport."""
    for ending, _, _ in TRANSPORTS.values():
        image = image.removesuffix(ending)
    return image


def image_topic(resolved: str, transport: str) -> str:
    """Full name of the image topic for an `image_transport`, one of TRANSPORTS.

    resolved  what `image` is remapped to: as in image_transport the name without the transport, or with it
    """
    ending = TRANSPORTS[transport][0]
    return resolved.removesuffix(ending) + ending


def camera_info_topic(resolved: str, resolved_image: str, namespace: str) -> str:
    """Full name of the calibration's topic: where nobody remapped it but the image is elsewhere, the image's sibling.

    resolved, resolved_image  what `camera_info` and `image` are remapped to; namespace: the node's, "/" or "/robot"
    """
    base = namespace.rstrip("/")
    if resolved != f"{base}/camera_info" or resolved_image == f"{base}/image":
        return resolved
    return sibling(resolved_image)


def sibling(image: str) -> str:
    """The camera_info topic beside an image topic, its transport aside: /cam/image_raw/compressed -> /cam/camera_info."""
    return _bare(image).rpartition("/")[0] + "/camera_info"


def is_rectified_name(image: str) -> bool:
    """Whether a topic bears the name that image_proc gives to rectified images: .../image_rect, .../image_rect_color."""
    return _bare(image).rpartition("/")[2].startswith("image_rect")


def silence(topic: str, wanted_type: str, publishers: Iterable, others: Iterable[tuple[str, list[str]]]) -> str:
    """One line on a topic from which nothing has come.

    wanted_type  as "sensor_msgs/msg/Image"
    publishers   rclpy's TopicEndpointInfo of the topic
    others       (name, types) of all topics there are, for what may have been meant
    """
    publishers = list(publishers)
    if not publishers:
        others = list(others)
        # Outputs of this package's nodes are images too, and never what was meant.
        ours = tuple(name.removesuffix("order_graph") for name, types in others if GRAPH_TYPE in types)
        meant = sorted(name for name, types in others
                       if wanted_type in types and name != topic and not (ours and name.startswith(ours)))
        return f"nothing on {topic}: nobody publishes there" + (
            f"; {wanted_type} is on {', '.join(meant[:5])}" if meant else f", and no {wanted_type} anywhere")
    found = "; ".join(f"{one.node_namespace.rstrip('/')}/{one.node_name}: {one.topic_type}, "
                      f"{one.qos_profile.reliability.name.lower()}, {one.qos_profile.durability.name.lower()}"
                      for one in publishers)
    wrong = [one for one in publishers if one.topic_type != wanted_type]
    advice = (f"this node subscribes {wanted_type}; see image_transport" if wrong else
              "images this large need the Fast DDS profile of config/fastdds.xml (above 1920x1080 config/fastdds_4k.xml) in the "
              "camera's process too, or image_transport: compressed" if wanted_type.endswith("Image") else
              "it may have been published once, before this node was there, and not latched")
    return f"nothing on {topic}, although it is published ({found}): {advice}"
