# SPDX-License-Identifier: Apache-2.0
"""Recordings of ROS 2 and ROS 1."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.messages.encodings import encoding_of_decoded
from modot_ros.ros.messages.video_packets import VideoPackets, codec_of, why_no_picture
from modot_ros.ros.sources.frame import Frame
from modot_ros.scene.image_decoding import decode

BAGS = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd", ".bag")


class Bag:
    """One image topic of a rosbag2 or of a .bag of ROS 1 (read by `rosbags`) with the camera_info beside it, at its own pace.

    Raw images keep their encoding, compressed ones get that of their format, packets of video (with PyAV) become rgb8. A file
    that is compressed as a whole is unpacked into a temporary folder, which goes with this object.
    """

    repeatable = True
    RAW = "sensor_msgs/msg/Image"
    # Messages of coded pictures and packets of video, and their field that names the code.
    CODED = {"sensor_msgs/msg/CompressedImage": "format", "foxglove_msgs/msg/CompressedVideo": "format",
             "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": "encoding"}

    def __init__(self, path: Path, image_topic: str = "") -> None:
        # here, not above: whoever plays no bag needs no rosbags
        try:
            from rosbags.highlevel import AnyReader, AnyReaderError
            from rosbags.typesys import Stores, get_typestore
        except ModuleNotFoundError as error:
            raise ValueError(f"source {str(path)!r} is a rosbag: playing it needs `pip install rosbags` "
                             f"({error})") from error
        file = self._unpacked(path)
        store = get_typestore(Stores.ROS1_NOETIC if file.suffix == ".bag" else Stores.LATEST)
        self.open = lambda: AnyReader([file], default_typestore=store)
        try:
            with self.open() as reader:
                types = {connection.topic: connection.msgtype for connection in reader.connections}
        except (AnyReaderError, OSError) as error:
            raise ValueError(f"source {str(path)!r} can't be read as a rosbag: {error}") from error
        images = sorted((topic for topic, kind in types.items() if kind == self.RAW or kind in self.CODED),
                        key=lambda topic: ("depth" in topic, types[topic] != self.RAW, topic))
        if not images:
            raise ValueError(f"source {str(path)!r} has no image topic; "
                             f"its topics: {', '.join(sorted(types)) or 'none'}")
        if image_topic and image_topic not in images:
            raise ValueError(f"image_topic {image_topic!r} is not in {str(path)!r}; "
                             f"image topics: {', '.join(images)}")
        self.image_topic = image_topic or images[0]
        parts = self.image_topic.split("/")
        base = parts[:-2] if types[self.image_topic] in self.CODED else parts[:-1]
        self.info_topic = "/".join([*base, "camera_info"])
        self.trouble = ""                               # with the last image that could not be read
        if next(iter(self), None) is None:
            raise ValueError(f"source {str(path)!r}: no image of {self.image_topic} can be read{self.trouble}")

    def __iter__(self) -> Iterator[Frame]:
        packets = VideoPackets()
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
                frame = self._frame(message, connection.msgtype, (stamp_ns - start_ns) * 1e-9, calibration,
                                    packets)
                if frame is not None:
                    yield frame

    def _unpacked(self, path: Path) -> Path:
        """The file itself, or what a .zstd holds."""
        if path.suffix != ".zstd":
            return path
        try:                                            # rosbags brings the second one where Python has no first
            from compression import zstd
        except ModuleNotFoundError:
            from backports import zstd
        self.folder = TemporaryDirectory(prefix="modot_bag_")
        file = Path(self.folder.name) / path.stem
        try:
            with zstd.open(path, "rb") as packed, file.open("wb") as unpacked:
                copyfileobj(packed, unpacked)
        except (EOFError, zstd.ZstdError) as error:
            raise ValueError(f"source {str(path)!r} can't be unpacked: {error}") from error
        except OSError as error:
            raise OSError(error.errno, f"source {str(path)!r} can't be unpacked into {self.folder.name}: {error.strerror}; name "
                          "another folder in TMPDIR, or unpack it with `unzstd`") from error
        return file

    def _frame(self, message, kind: str, due_s: float, calibration: Calibration | None, packets: VideoPackets
               ) -> Frame | None:
        """None when the image is damaged, or a packet of video without a picture."""
        data = np.asarray(message.data, np.uint8)
        if kind in self.CODED:
            name, content = getattr(message, self.CODED[kind]), data.tobytes()
            codec = codec_of(name, content)
            if codec is not None:
                decoded = packets.decode(codec, content, due_s)
                if decoded is None:
                    self.trouble = f": {self.image_topic} {why_no_picture(codec)}"
                    return None
                return Frame.of_pixels(decoded[0], "rgb8", decoded[1], calibration)
            try:
                picture = decode(content, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
            except ValueError as error:
                self.trouble = f": a compressed image {error}"
                return None
            return Frame.of_pixels(picture, encoding_of_decoded(picture, name), due_s, calibration)
        if not data.size or data.size != message.height * message.step:
            return None
        return Frame(data.reshape(message.height, message.step), message.encoding, message.width, due_s,
                     calibration, bool(message.is_bigendian))
