# SPDX-License-Identifier: Apache-2.0
"""Writes the files of tiny data sets in the layouts in which the real ones are published."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 6, 8


class Writer:
    """A folder below which pictures, arrays and texts are written by their relative paths."""

    def __init__(self, root: Path):
        self.root = root

    def path(self, relative: str) -> Path:
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def picture(self, relative: str, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
        """A colour picture; returns it as RGB."""
        rgb = np.random.default_rng(len(relative)).integers(0, 256, (height, width, 3), np.uint8)
        self.values(relative, rgb[..., ::-1])
        return rgb

    def values(self, relative: str, values: np.ndarray) -> None:
        assert cv2.imwrite(str(self.path(relative)), values)

    def array(self, relative: str, values: np.ndarray) -> None:
        np.save(self.path(relative), values)

    def text(self, relative: str, text: str) -> None:
        self.path(relative).write_text(text)

    def corrupt(self, relative: str) -> None:
        self.path(relative).write_bytes(b"\x89PNG half a pic")


@pytest.fixture
def writer(tmp_path) -> Writer:
    return Writer(tmp_path)


@pytest.fixture
def line() -> np.ndarray:
    """A boundary: uint8 [6, 8], the third column 255."""
    drawing = np.zeros((HEIGHT, WIDTH), np.uint8)
    drawing[:, 2] = 255
    return drawing
