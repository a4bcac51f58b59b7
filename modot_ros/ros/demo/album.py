# SPDX-License-Identifier: Apache-2.0
"""Pictures kept of a run: single PNGs, a video at the speed of the run, and a contact sheet. No ROS."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

VIDEO_RATE_HZ = 10.0
SHEET_COLUMNS, SHEET_CELL_PX = 2, (800, 300)            # columns; width, height of a cell
MAX_PICTURES = 12


def fit(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """uint8 [H, W, 3] scaled to fit and centred on black; [height, width, 3]."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    scaled = picture if scale == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    page = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    page[top:top + size[1], left:left + size[0]] = scaled
    return page


class Album:
    """Writes into `folder`, made when missing (OSError when that can't be); an earlier album there goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.pictures: list[Path] = []
        self.video_path, self.sheet_path = folder / "overlays.mp4", folder / "contact_sheet.png"
        for old in (*folder.glob("overlay_[0-9][0-9].png"), self.video_path, self.sheet_path):
            old.unlink(missing_ok=True)
        self._video: cv2.VideoWriter | None = None
        self._video_size = (0, 0)

    def keep(self, picture: np.ndarray) -> None:
        """Write one uint8 bgr [H, W, 3] picture as a PNG, the first MAX_PICTURES of them."""
        if len(self.pictures) < MAX_PICTURES:
            self.pictures.append(self.folder / f"overlay_{len(self.pictures):02d}.png")
            cv2.imwrite(str(self.pictures[-1]), picture)

    def film(self, picture: np.ndarray) -> None:
        """Append a video frame, to be called at VIDEO_RATE_HZ; the first one fixes the size."""
        if self._video is None:
            self._video_size = picture.shape[1] & ~1, picture.shape[0] & ~1    # the codec wants even sizes
            codec = cv2.VideoWriter_fourcc(*"mp4v")
            self._video = cv2.VideoWriter(str(self.video_path), codec, VIDEO_RATE_HZ, self._video_size)
        if self._video.isOpened():
            self._video.write(fit(picture, *self._video_size))

    def close(self) -> list[Path]:
        """Finish the video and the contact sheet; returns every file that was written."""
        files = list(self.pictures)
        if self._video is not None:
            opened = self._video.isOpened()
            self._video.release()
            files += [self.video_path] if opened else []
        if self.pictures:
            cells = [fit(cv2.imread(str(path)), *SHEET_CELL_PX) for path in self.pictures]
            columns = min(SHEET_COLUMNS, len(cells))
            cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
            rows = [np.hstack(cells[start:start + columns]) for start in range(0, len(cells), columns)]
            files.append(self.sheet_path)
            cv2.imwrite(str(self.sheet_path), np.vstack(rows))
        return files
