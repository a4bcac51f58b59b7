# SPDX-License-Identifier: Apache-2.0
"""Pictures and maps as messages of `pool.proto`, checked: what comes from a network may be anything.

Depth and log_depth_std travel as float16, to 0.05 % of the value; probabilities as uint8, to 0.002; classes as they are.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from modot_ros.classes import CLASS_NAMES
from modot_ros.engine.engine import Facts, Wanted
from modot_ros.engine.pool.pool_pb2 import Description, Picture
from modot_ros.engine.pool.pool_pb2 import Maps as MapsMessage
from modot_ros.model import Maps
from modot_ros.model.checkpoint import WEIGHTS_FOLDER

DESCRIBE, LOOK = "/modot_ros.pool.Pool/Describe", "/modot_ros.pool.Pool/Look"
MOST_PIXELS = 2_000_000                                 # of a picture at the working size


def network_hash(name: str, weights: str | Path | None) -> str:
    """SHA-256 of the name and the weights file, which None makes the package's own. Raises FileNotFoundError without it."""
    path = WEIGHTS_FOLDER / f"{name}.safetensors" if weights is None else Path(weights)
    return hashlib.sha256(name.encode() + b"\0" + path.read_bytes()).hexdigest()


def description(network: str, facts: Facts) -> Description:
    return Description(network=network, facts=json.dumps(asdict(facts)))


def facts_of(message: Description) -> Facts:
    """ValueError for what is no description."""
    try:
        values = json.loads(message.facts)
        values["working_size"] = values["working_size"] and tuple(values["working_size"])
        return Facts(**values)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"the answer describes no network: {message.facts[:100]!r} ({error})") from error


def picture(rgb: np.ndarray, network: str, wanted: Wanted, budget_s: float) -> Picture:
    """Of uint8 [h, w, 3] at the working size; ValueError for one of more than MOST_PIXELS."""
    height, width = rgb.shape[:2]
    _check_size(width, height)
    return Picture(network=network, width=width, height=height, rgb=np.ascontiguousarray(rgb).tobytes(),
                   budget_ms=max(1, round(1e3 * budget_s)), **wanted._asdict())


def rgb_of(message: Picture) -> np.ndarray:
    """uint8 [h, w, 3]; ValueError for a size that can't be and for pixels that are not as many."""
    _check_size(message.width, message.height)
    wanted = message.width * message.height * 3
    if len(message.rgb) != wanted:
        raise ValueError(f"picture of {message.width}x{message.height} has {len(message.rgb)} bytes, must have {wanted}")
    return np.frombuffer(message.rgb, np.uint8).reshape(message.height, message.width, 3)


def maps_message(maps: Maps) -> MapsMessage:
    def halves(values: np.ndarray | None) -> bytes:
        return b"" if values is None else np.clip(values, None, np.finfo(np.float16).max).astype("<f2").tobytes()

    def bytes_of(probability: np.ndarray | None) -> bytes:
        return b"" if probability is None else np.rint(255 * probability).astype(np.uint8).tobytes()

    return MapsMessage(depth=halves(maps.depth), probability=bytes_of(maps.probability), log_depth_std=halves(maps.log_depth_std),
                       classes=b"" if maps.classes is None else maps.classes.tobytes(),
                       class_probability=bytes_of(maps.class_probability))


def maps_of(message: MapsMessage, width: int, height: int, wanted: Wanted) -> Maps:
    """[height, width] each; ValueError for maps that are missing or of another size, and for classes above the table."""
    def array(name: str, kind: str, needed: bool) -> np.ndarray | None:
        data = getattr(message, name)
        if not needed:
            return None
        if len(data) != width * height * np.dtype(kind).itemsize:
            raise ValueError(f"{name} has {len(data)} bytes, must have {width * height * np.dtype(kind).itemsize}")
        return np.frombuffer(data, kind).reshape(height, width)

    def scaled(name: str, kind: str, needed: bool) -> np.ndarray | None:
        found = array(name, kind, needed)
        return None if found is None else found.astype(np.float32) / np.float32(255 if kind == "u1" else 1)

    named = wanted.classes and bool(message.classes)
    classes = array("classes", "u1", named)
    if classes is not None and classes.max() >= len(CLASS_NAMES):
        raise ValueError(f"class id {classes.max()} is above the table of {len(CLASS_NAMES)}")
    return Maps(scaled("depth", "<f2", wanted.depth), scaled("probability", "u1", wanted.boundary),
                scaled("log_depth_std", "<f2", wanted.depth and bool(message.log_depth_std)), classes,
                scaled("class_probability", "u1", named))


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS:
        raise ValueError(f"picture is {width}x{height}: it must have 1 to {MOST_PIXELS / 1e6:g} million pixels")
