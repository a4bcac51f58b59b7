# SPDX-License-Identifier: Apache-2.0
"""Picture files, one or those of a folder."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.sources.frame import Frame, bgr_frame
from modot_ros.scene.image_decoding import decode
from modot_ros.scene.tone import Tone

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
PICTURE_PERIOD_S = 0.1                                  # pictures have no rate of their own
NAMED = 5                                               # files that a message names


class Pictures:
    """A picture, or the pictures of a folder in the order of their names; sizes may differ.

    A folder may hold an index.json, a list of {"image": file name, "K": [fx, fy, cx, cy]} in pixels: then
    exactly those are played, with that calibration. Pictures of more than 8 bits are scaled by the range that each uses;
    without an index those of one channel are passed over where others have 8 bits, for they are depth maps.

    passed_over   what could not be played, and why
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
        tried = len(self.entries)
        self.with_depth = not index.is_file() and any(_has_eight_bits(file) for file, _ in self.entries)
        self.passed_over: dict[Path, str] = {}
        if next(iter(self), None) is None:
            if path.is_file():
                raise ValueError(f"source {str(path)!r} {self.passed_over[path]}")
            raise ValueError(f"source {str(path)!r} holds no picture that can be read ({tried} tried, endings "
                             f"{', '.join(PICTURES)}){listed(self.passed_over)}")

    def __iter__(self) -> Iterator[Frame]:
        due_s = 0.0
        for path, K in list(self.entries):
            try:
                picture = read_picture(path, deep_grey=not self.with_depth)
            except (OSError, ValueError) as error:
                self.entries.remove((path, K))
                self.passed_over[path] = str(error)
                continue
            calibration = None if K is None else Calibration.pinhole(picture.shape[1], picture.shape[0], *K)
            yield bgr_frame(picture, self.width, self.height, due_s, calibration, path.stem)
            due_s += PICTURE_PERIOD_S

    def __len__(self) -> int:
        return len(self.entries)


def read_picture(path: Path, deep_grey: bool = True) -> np.ndarray:
    """uint8 bgr [H, W, 3] of a picture file.

    deep_grey: whether one channel of more than 8 bits is a picture. Raises OSError, and ValueError with what is wrong, to be
    put behind the file's name.
    """
    picture = decode(path.read_bytes(), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if picture.dtype != np.uint8:
        bits = 8 * picture.dtype.itemsize
        if picture.ndim == 2 and not deep_grey:
            raise ValueError(f"has one channel of {bits} bits, a depth map beside pictures")
        if picture.ndim == 3 and picture.dtype != np.uint16:
            raise ValueError(f"has values of {picture.dtype}: colours must have 8 or 16 bits")
        picture = Tone().grey(picture) if picture.ndim == 2 else Tone().colour(picture)
    return picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def listed(passed_over: dict[Path, str]) -> str:
    """": a.png (is cut off), ..."; empty for none."""
    names = [f"{path.name} ({reason})" for path, reason in passed_over.items()]
    return f": {', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}" if names else ""


def _has_eight_bits(path: Path) -> bool:
    """Whether the file's beginning says so; TIFF is not looked into."""
    try:
        with path.open("rb") as file:
            start = file.read(25)
    except OSError:
        return False
    return start.startswith((b"\xff\xd8", b"BM", b"RIFF")) or start.startswith(b"\x89PNG") and start[24:25] != b"\x10"
