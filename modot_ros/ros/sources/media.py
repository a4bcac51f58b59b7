# SPDX-License-Identifier: Apache-2.0
"""Where frames come from: a picture, a folder of pictures, a video, a recording or a camera device.

No ROS here. Every source can be iterated for its Frames; `open_source` picks the one that a text names.
"""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from modot_ros.ros.sources.bag import BAGS, Bag
from modot_ros.ros.sources.device import Device
from modot_ros.ros.sources.frame import Frame
from modot_ros.ros.sources.pictures import PICTURES, Pictures
from modot_ros.ros.sources.video import VIDEOS, Video

KINDS = ("a picture, a folder of pictures, a video, a rosbag (the folder or .mcap/.db3 file of ROS 2, also as .zstd; the .bag of "
         "ROS 1), a camera (0, /dev/video0) or a stream (rtsp://, http://)")


class Source(Protocol):
    """Iterating opens it anew and yields its frames once. `repeatable`: it can be played again."""

    repeatable: bool

    def __iter__(self) -> Iterator[Frame]: ...


def open_source(text: str, width: int = 0, height: int = 0, image_topic: str = "") -> Source:
    """The source that `text` names; it is read far enough to know that a first frame will come.

    width, height: wanted size, 0 = as it comes, one alone keeps the aspect; not for rosbags. image_topic:
    which of a rosbag's. Raises FileNotFoundError or ValueError with the text and what is wrong with it.
    """
    if not text:
        raise ValueError(f"source is empty: expected {KINDS}")
    if width < 0 or height < 0:
        raise ValueError(f"width, height are {width}, {height}: must be 0 (as it comes) or positive")
    if "://" in text and not text.startswith("file://"):
        return Device(text, width, height)
    path = Path(text.removeprefix("file://")).expanduser()
    if text.isdecimal() and not path.exists():
        return Device(int(text), width, height)
    if not path.exists():
        raise FileNotFoundError(f"source {text!r} does not exist: expected {KINDS}")
    if path.is_char_device():
        return Device(str(path), width, height)
    if path.name.endswith(BAGS) or (path / "metadata.yaml").is_file():
        if width or height:
            raise ValueError(f"source {text!r}: width and height don't apply to a rosbag, "
                             "it is played as recorded")
        return Bag(path, image_topic)
    if path.is_dir():
        return Pictures(path, width, height)
    if path.suffix.lower() in PICTURES:
        return Pictures(path, width, height)
    if path.suffix.lower() in VIDEOS:
        return Video(path, width, height)
    raise ValueError(f"source {text!r}: unknown ending {path.suffix!r}; pictures end in "
                     f"{', '.join(PICTURES)}, videos in {', '.join(VIDEOS)}, bags in {', '.join(BAGS)}")
