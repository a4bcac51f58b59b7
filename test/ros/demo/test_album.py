# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np

from modot_ros.ros.demo.album import MAX_PICTURES, SHEET_CELL_PX, Album, fit


def test_fit_centres_on_black():
    page = fit(np.full((2, 4, 3), 255, np.uint8), 4, 4)
    assert page[:, 0, 0].tolist() == [0, 255, 255, 0]
    page = fit(np.full((8, 4, 3), 255, np.uint8), 8, 4)
    assert page[0, :, 0].tolist() == [0, 0, 0, 255, 255, 0, 0, 0]


def test_album_of_a_run(tmp_path):
    album = Album(tmp_path / "new" / "folder")
    for number in range(MAX_PICTURES + 3):
        album.keep(np.full((48, 64, 3), 10 * number, np.uint8))
    for size in ((48, 65), (48, 65), (31, 64)):                     # the size changes in mid-stream
        album.film(np.full((*size, 3), 200, np.uint8))
    names = [path.name for path in album.close()]
    assert len(names) == MAX_PICTURES + 2
    assert names[-2:] == ["overlays.mp4", "contact_sheet.png"]
    assert cv2.imread(str(album.folder / "overlay_11.png"))[0, 0, 0] == 110
    sheet = cv2.imread(str(album.folder / "contact_sheet.png"))
    assert sheet.shape == (6 * SHEET_CELL_PX[1], 2 * SHEET_CELL_PX[0], 3)
    video = cv2.VideoCapture(str(album.video_path))
    frames = []
    while (frame := video.read()[1]) is not None:
        frames.append(frame.shape)
    assert frames == [(48, 64, 3)] * 3


def test_contact_sheet_of_two(tmp_path):
    album = Album(tmp_path)
    album.keep(np.zeros((30, 40, 3), np.uint8))
    album.keep(np.zeros((30, 40, 3), np.uint8))
    assert cv2.imread(str(album.close()[-1])).shape == (SHEET_CELL_PX[1], 2 * SHEET_CELL_PX[0], 3)


def test_empty_album_writes_nothing(tmp_path):
    assert Album(tmp_path).close() == []
    assert list(tmp_path.iterdir()) == []


def test_earlier_album_goes_and_nothing_else(tmp_path):
    for name in ("overlay_07.png", "contact_sheet.png", "overlays.mp4", "mine.png"):
        (tmp_path / name).write_bytes(b"old")
    assert Album(tmp_path).close() == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]
