# SPDX-License-Identifier: Apache-2.0
"""Packets of video that come in the place of pictures: told by their name and content, decoded where PyAV is installed.

No ROS here.
"""
from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

# What the fields of CompressedImage, foxglove's CompressedVideo and ffmpeg_image_transport's packets contain -> decoder.
CODECS = {"h264": "h264", "x264": "h264", "avc": "h264", "h265": "hevc", "x265": "hevc", "hevc": "hevc", "av1": "av1",
          "vp8": "vp8", "vp9": "vp9"}
START_CODES = (b"\0\0\0\1", b"\0\0\1")                  # Annex B of ITU-T H.264 and H.265
HEVC_FIRST_BYTES = (0x40, 0x42, 0x44, 0x46, 0x4E)       # parameter sets, delimiter, enhancement: no packet of H.264 starts so
MAX_DELAYED = 32                                        # packets between a packet and its picture: those of B-frames


def codec_of(name: str, data: bytes) -> str | None:
    """The decoder for a packet whose message calls its format `name`; None for a picture."""
    lowered = name.lower().replace(".", "")
    codec = next((codec for part, codec in CODECS.items() if part in lowered), None)
    start = next((start for start in START_CODES if bytes(data[:4]).startswith(start)), None)
    if codec is None and start is not None and len(data) > len(start):
        codec = "hevc" if data[len(start)] in HEVC_FIRST_BYTES else "h264"
    return codec


def why_no_picture(codec: str) -> str:
    """To be put behind the packet's name."""
    try:
        import av  # noqa: F401
    except ImportError:
        return (f"is a packet of {codec} video, no picture. Install PyAV (`pip install av`) to have it decoded here, or "
                "republish the topic as images: `ros2 run image_transport republish --ros-args -p in_transport:=ffmpeg "
                "-p out_transport:=raw` for ffmpeg_image_transport, otherwise the decoder node of the camera's driver")
    return f"is a packet of {codec} video of which no picture can be made: decoding begins with the next key frame"


class VideoPackets:
    """Feed it every packet of one camera in turn: pictures are made of those before."""

    def __init__(self) -> None:
        self._codec = ""
        self._context: Any = None
        self._count = 0
        self._tags: OrderedDict[int, Any] = OrderedDict()

    def decode(self, codec: str, data: bytes, tag: Any) -> tuple[np.ndarray, Any] | None:
        """A picture, uint8 [H, W, 3], red first, and the tag of its packet; None without one, and without PyAV."""
        try:
            import av
        except ImportError:
            return None
        if codec != self._codec:
            self._codec, self._context = codec, av.CodecContext.create(codec, "r")
            self._context.thread_count = 1              # threads would hold back a picture each
        packet = av.Packet(bytes(data))
        packet.pts = self._count
        self._tags[self._count] = tag
        self._count += 1
        while len(self._tags) > MAX_DELAYED:
            self._tags.popitem(last=False)
        try:
            frames = [frame for frame in self._context.decode(packet) if not frame.is_corrupt]
        except av.FFmpegError:                          # before the first key frame, or damaged
            return None
        if not frames:
            return None
        return frames[-1].to_ndarray(format="rgb24"), self._tags.get(frames[-1].pts, tag)
