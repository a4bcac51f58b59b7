# SPDX-License-Identifier: Apache-2.0
"""Packets as the encoders of cameras send them."""
import sys
from array import array

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from modot_ros.ros.messages.convert import BadFrame, picture_of_video, rgb_of
from modot_ros.ros.messages.video_packets import VideoPackets, codec_of

SIZE = (64, 96)


def shown(number: int) -> np.ndarray:
    """uint8 [64, 96, 3]: a dark picture with a reddish square that moves to the right."""
    picture = np.full((*SIZE, 3), 40, np.uint8)
    picture[16:48, 4 * number:4 * number + 32] = (200, 60, 40)
    return picture


def packets(codec: str, count: int = 8, **options: str) -> list[bytes]:
    """Annex B, parameter sets before every key frame."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate, encoder.gop_size = SIZE[1], SIZE[0], "yuv420p", 10, 4
    encoder.options = {"tune": "zerolatency", **options}
    frames = [av.VideoFrame.from_ndarray(shown(number), format="rgb24") for number in range(count)]
    for number, frame in enumerate(frames):
        frame.pts = number
    return [bytes(packet) for frame in [*frames, None] for packet in encoder.encode(frame)]


@pytest.mark.parametrize("name, data, codec", [
    ("h264", b"x", "h264"), ("H.264", b"x", "h264"), ("libx264;yuv420p;rgb8", b"x", "h264"), ("h264_nvenc", b"x", "h264"),
    ("h265", b"x", "hevc"), ("hevc_vaapi", b"x", "hevc"), ("av1", b"x", "av1"), ("vp9", b"x", "vp9"),
    ("ffmpeg", b"\0\0\0\1\x67", "h264"), ("", b"\0\0\1\x67", "h264"), ("ffmpeg", b"\0\0\0\1\x40", "hevc"),
    ("jpeg", b"\xff\xd8\xff\xe0", None), ("rgb8; png compressed bgr8", b"\x89PNG", None), ("", b"", None)])
def test_packets_are_told_by_name_or_beginning(name, data, codec):
    assert codec_of(name, data) == codec
    assert codec_of(name, array("B", data)) == codec


@pytest.mark.parametrize("codec, name", [("libx264", "h264"), ("libx265", "hevc"), ("libx264", "ffmpeg")])
def test_every_packet_becomes_its_picture(codec, name):
    reader = VideoPackets()
    for number, packet in enumerate(packets(codec)):
        header = Header(frame_id=str(number))
        message = picture_of_video(CompressedImage(format=name, data=packet, header=header), reader)
        assert isinstance(message, Image) and message.header.frame_id == str(number)
        assert np.abs(rgb_of(message).astype(int) - shown(number)).mean() < 6


def test_pictures_that_come_later_keep_the_tags_of_their_packets():
    """With B-frames packets are sent in another order than pictures are shown."""
    sent = packets("libx264", 12, tune="psnr", bf="2")
    reader = VideoPackets()
    decoded = [reader.decode("h264", packet, number) for number, packet in enumerate(sent)]
    decoded = [one for one in decoded if one is not None]
    for number, (picture, _) in enumerate(decoded):
        assert np.abs(picture.astype(int) - shown(number)).mean() < 2
    assert len(decoded) >= 8 and [tag for _, tag in decoded[:4]] == [0, 2, 3, 1]


def test_it_waits_for_a_key_frame_and_recovers_from_damage():
    made, reader = packets("libx264"), VideoPackets()
    late = CompressedImage(format="h264", data=made[1])
    assert picture_of_video(late, reader) is late
    with pytest.raises(BadFrame, match="h264.*begins with the next key frame") as caught:
        rgb_of(late)
    assert caught.value.reason == "video"
    assert reader.decode("h264", b"no packet at all", 0) is None
    assert np.abs(reader.decode("h264", made[4], 4)[0].astype(int) - shown(4)).mean() < 6


def test_without_pyav_the_format_and_what_to_do_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    message = CompressedImage(format="h264", data=b"\0\0\0\1\x67")
    assert picture_of_video(message, VideoPackets()) is message
    with pytest.raises(BadFrame, match=r"'h264', 5 bytes\) is a packet of h264 video.*pip install av.*republish"):
        rgb_of(message)


def test_other_messages_pass_by():
    for message in (Image(), CompressedImage(format="jpeg", data=b"\xff\xd8\xff")):
        assert picture_of_video(message, VideoPackets()) is message
