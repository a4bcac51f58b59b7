# SPDX-License-Identifier: Apache-2.0
"""Where frames come from: a picture, a folder of pictures, a video, a rosbag2 or a camera device.

No ROS here. Every source can be iterated for its Frames; `open_source` picks the one that a text names.
"""
from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from modot_ros.ros.calibration import Calibration
from modot_ros.scene.image_decoding import decode

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm")
KINDS = ("a picture, a folder of pictures, a video, a rosbag2 (its folder or .mcap/.db3 file) or a camera "
         "(0, /dev/video0)")
PICTURE_PERIOD_S = 0.1                                  # pictures have no rate of their own


@dataclass(frozen=True)
class Frame:
    """One image as sensor_msgs/Image carries it.

    rows          uint8 [H, step], the bytes of each row, padding included
    encoding      a sensor_msgs encoding; what this package decodes itself is "bgr8"
    width         pixels of a row
    due_s         when it is to be shown, counted from the first frame; None = now, the source sets the pace
    calibration   what the source knows of its camera; None = nothing
    """

    rows: np.ndarray
    encoding: str
    width: int
    due_s: float | None
    calibration: Calibration | None = None
    is_bigendian: bool = False
    name: str = ""                                      # of the file, or of the file and the frame's number

    @classmethod
    def of_pixels(cls, pixels: np.ndarray, encoding: str, due_s: float | None = None,
                  calibration: Calibration | None = None) -> Frame:
        """From an array [H, W] or [H, W, C] of the encoding's type."""
        pixels = np.ascontiguousarray(pixels)
        rows = pixels.reshape(len(pixels), -1).view(np.uint8)
        return cls(rows, encoding, pixels.shape[1], due_s, calibration)

    @property
    def height(self) -> int:
        return self.rows.shape[0]

    def fill(self, message):
        """Write all but the header into a sensor_msgs/Image and return it."""
        message.height, message.width, message.step = self.height, self.width, self.rows.shape[1]
        message.encoding, message.is_bigendian = self.encoding, int(self.is_bigendian)
        # assigning an array to data would check it byte by byte, 270 ms per megabyte
        message.data = array("B")
        message.data.frombytes(memoryview(np.ascontiguousarray(self.rows).reshape(-1)))
        return message


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
    path = Path(text.removeprefix("file://")).expanduser()
    if text.isdecimal() and not path.exists():
        return Device(int(text), width, height)
    if not path.exists():
        raise FileNotFoundError(f"source {text!r} does not exist: expected {KINDS}")
    if path.is_char_device():
        return Device(str(path), width, height)
    if path.suffix in (".mcap", ".db3") or (path / "metadata.yaml").is_file():
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
                     f"{', '.join(PICTURES)}, videos in {', '.join(VIDEOS)}, bags in .mcap, .db3")


def read_picture(path: Path) -> np.ndarray | None:
    """uint8 bgr [H, W, 3]; None when it can't be read, is cut off, or has more than 8 bits, as depth maps have."""
    try:
        picture = decode(path.read_bytes(), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except (OSError, ValueError):
        return None
    return picture if picture.dtype == np.uint8 else None


def bgr_frame(picture: np.ndarray, width: int, height: int, due_s: float | None,
              calibration: Calibration | None = None, name: str = "") -> Frame:
    """A frame of a uint8 [H, W, 3] picture; both it and its calibration are resized, see open_source."""
    rows, columns = picture.shape[:2]
    if width or height:
        width, height = (width or max(1, round(columns * height / rows)),
                         height or max(1, round(rows * width / columns)))
        if (height, width) != (rows, columns):
            interpolation = cv2.INTER_AREA if width < columns else cv2.INTER_LINEAR
            picture = cv2.resize(picture, (width, height), interpolation=interpolation)
    rows, columns = picture.shape[:2]
    if calibration is not None and (calibration.width, calibration.height) != (columns, rows):
        calibration = calibration.resized(columns, rows)
    pixels = np.ascontiguousarray(picture).reshape(rows, columns * 3)
    return Frame(pixels, "bgr8", columns, due_s, calibration, name=name)


class Pictures:
    """A picture, or the pictures of a folder in the order of their names; sizes may differ.

    A folder may hold an index.json, a list of {"image": file name, "K": [fx, fy, cx, cy]} in pixels: then
    exactly those are played, with that calibration. Without it, files of more than 8 bits (depth maps) are
    passed over.
    """

    repeatable = True

    def __init__(self, path: Path, width: int = 0, height: int = 0) -> None:
        self.width, self.height = width, height
        self.entries: list[tuple[Path, tuple[float, ...] | None]] = []
        index = path / "index.json"
        if index.is_file():
            try:
                self.entries = [(path / entry["image"],
                                 tuple(float(v) for v in entry["K"]) if "K" in entry else None)
                                for entry in json.loads(index.read_text())]
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f'source: {index} must be a list of {{"image": name, "K": [fx, fy, cx, cy]}}'
                                 f" ({type(error).__name__}: {error})") from error
            bad = [K for _, K in self.entries if K is not None and len(K) != 4]
            if bad:
                raise ValueError(f"source: {index} has a K of {len(bad[0])} numbers, expected fx, fy, cx, cy")
        elif path.is_dir():
            self.entries = [(file, None) for file in sorted(path.iterdir())
                            if file.suffix.lower() in PICTURES and file.is_file()]
        else:
            self.entries = [(path, None)]
        self.passed_over: list[Path] = []
        if next(iter(self), None) is None:
            raise ValueError(f"source {str(path)!r} can't be read as a picture of 8 bits per channel"
                             if path.is_file() else
                             f"source {str(path)!r} holds no picture that can be read "
                                  f"({len(self.entries)} tried, endings {', '.join(PICTURES)})")

    def __iter__(self) -> Iterator[Frame]:
        due_s = 0.0
        for path, K in list(self.entries):
            picture = read_picture(path)
            if picture is None:
                self.entries.remove((path, K))
                self.passed_over.append(path)
                continue
            calibration = None if K is None else Calibration.pinhole(picture.shape[1], picture.shape[0], *K)
            yield bgr_frame(picture, self.width, self.height, due_s, calibration, path.stem)
            due_s += PICTURE_PERIOD_S

    def __len__(self) -> int:
        return len(self.entries)


class Video:
    """A video file at its own rate."""

    repeatable = True

    def __init__(self, path: Path, width: int = 0, height: int = 0) -> None:
        self.path, self.width, self.height = path, width, height
        if next(iter(self), None) is None:
            raise ValueError(f"source {str(path)!r} can't be read as a video")

    def __iter__(self) -> Iterator[Frame]:
        capture = cv2.VideoCapture(str(self.path))
        rate_hz = capture.get(cv2.CAP_PROP_FPS)
        period_s = 1 / rate_hz if 0.1 < rate_hz < 1000 else 1 / 30      # some containers state no rate
        try:
            number = 0
            while (picture := capture.read()[1]) is not None:
                yield bgr_frame(picture, self.width, self.height, number * period_s,
                                name=f"{self.path.stem}_{number:06d}")
                number += 1
        finally:
            capture.release()

    def __len__(self) -> int:
        """Frames that the container states; 0 when it states none."""
        capture = cv2.VideoCapture(str(self.path))
        try:
            return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        finally:
            capture.release()


class Device:
    """A camera through OpenCV; it sets the pace."""

    repeatable = False

    def __init__(self, device: int | str, width: int = 0, height: int = 0) -> None:
        self.device, self.width, self.height = device, width, height
        self.capture = cv2.VideoCapture(device)
        if self.capture.isOpened() and width and height:
            self.capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)           # the driver may choose its nearest
            self.capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self.capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)                    # the newest frame, not the oldest
        if not self.capture.isOpened() or self.capture.read()[1] is None:
            raise ValueError(f"source {str(device)!r}: no camera there that gives pictures")

    def __iter__(self) -> Iterator[Frame]:
        try:
            while (picture := self.capture.read()[1]) is not None:
                yield bgr_frame(picture, self.width, self.height, None)
        finally:
            self.capture.release()


class Bag:
    """One image topic of a rosbag2 (read by `rosbags`) with the camera_info beside it, at its own pace.

    Raw images keep their encoding, compressed ones become bgr8.
    """

    repeatable = True
    TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")

    def __init__(self, path: Path, image_topic: str = "") -> None:
        # here, not above: whoever plays no bag needs no rosbags
        try:
            from rosbags.highlevel import AnyReader, AnyReaderError
            from rosbags.typesys import Stores, get_typestore
        except ModuleNotFoundError as error:
            raise ValueError(f"source {str(path)!r} is a rosbag: playing it needs `pip install rosbags` "
                             f"({error})") from error
        self.open = lambda: AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
        try:
            with self.open() as reader:
                types = {connection.topic: connection.msgtype for connection in reader.connections}
        except (AnyReaderError, OSError) as error:
            raise ValueError(f"source {str(path)!r} can't be read as a rosbag2: {error}") from error
        images = sorted((topic for topic, kind in types.items() if kind in self.TYPES),
                        key=lambda topic: ("depth" in topic, types[topic] != self.TYPES[0], topic))
        if not images:
            raise ValueError(f"source {str(path)!r} has no image topic; "
                             f"its topics: {', '.join(sorted(types)) or 'none'}")
        if image_topic and image_topic not in images:
            raise ValueError(f"image_topic {image_topic!r} is not in {str(path)!r}; "
                             f"image topics: {', '.join(images)}")
        self.image_topic = image_topic or images[0]
        parts = self.image_topic.split("/")
        base = parts[:-2] if types[self.image_topic] == self.TYPES[1] else parts[:-1]
        self.info_topic = "/".join([*base, "camera_info"])
        if next(iter(self), None) is None:
            raise ValueError(f"source {str(path)!r}: no image of {self.image_topic} can be read")

    def __iter__(self) -> Iterator[Frame]:
        with self.open() as reader:
            wanted = [c for c in reader.connections if c.topic in (self.image_topic, self.info_topic)]
            # cameras send an image and its info in either order: the first info may come second
            infos = [c for c in wanted if c.topic == self.info_topic]
            first = next(reader.messages(infos), None) if infos else None
            calibration = first and Calibration.of_message(reader.deserialize(first[2], first[0].msgtype))
            start_ns = None
            for connection, stamp_ns, raw in reader.messages(wanted):
                message = reader.deserialize(raw, connection.msgtype)
                if connection.topic == self.info_topic:
                    calibration = Calibration.of_message(message)
                    continue
                start_ns = stamp_ns if start_ns is None else start_ns
                frame = self._frame(message, connection.msgtype, (stamp_ns - start_ns) * 1e-9, calibration)
                if frame is not None:
                    yield frame

    def _frame(self, message, kind: str, due_s: float, calibration: Calibration | None) -> Frame | None:
        """None when the image is damaged."""
        data = np.asarray(message.data, np.uint8)
        if kind == self.TYPES[1]:
            try:
                picture = decode(data.tobytes(), cv2.IMREAD_COLOR)
            except ValueError:
                return None
            return bgr_frame(picture, 0, 0, due_s, calibration)
        if not data.size or data.size != message.height * message.step:
            return None
        return Frame(data.reshape(message.height, message.step), message.encoding, message.width, due_s,
                     calibration, bool(message.is_bigendian))
