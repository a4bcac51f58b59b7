# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from modot_ros.ros.sources.media import open_source


def sizes(source) -> list[tuple[int, int]]:
    return [(frame.width, frame.height) for frame in source]


def write_video(path, count=5, rate_hz=10.0, fourcc="MJPG") -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*fourcc), rate_hz, (32, 16))
    assert writer.isOpened()
    for _ in range(count):
        writer.write(np.full((16, 32, 3), (0, 255, 0), np.uint8))
    writer.release()


def test_video_at_its_own_rate(tmp_path):
    write_video(tmp_path / "v.avi")
    frames = list(open_source(str(tmp_path / "v.avi")))
    assert sizes(frames) == [(32, 16)] * 5
    assert [frame.due_s for frame in frames] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
