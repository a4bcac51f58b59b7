# SPDX-License-Identifier: Apache-2.0
"""Pictures and arrays from files, or a ValueError that names the file."""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from scipy.io import loadmat

from modot_ros.scene.image_decoding import decode


def read_rgb(path: Path) -> np.ndarray:
    """uint8 [H, W, 3]. A stored rotation is ignored, for labels are drawn on the pixels as they are stored."""
    return cv2.cvtColor(_decoded(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), cv2.COLOR_BGR2RGB)


def read_grey(path: Path) -> np.ndarray:
    """uint8 [H, W]; colours are weighed as by ITU-R BT.601."""
    # Not IMREAD_GRAYSCALE, which leaves the weights and the rounding to the format's own library.
    return cv2.cvtColor(_decoded(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), cv2.COLOR_BGR2GRAY)


def read_values(path: Path) -> np.ndarray:
    """uint16 [H, W], the values of a picture with one channel of 16 bits."""
    values = _decoded(path, cv2.IMREAD_UNCHANGED)
    if values.ndim != 2 or values.dtype != np.uint16:
        raise ValueError(f"{path} is {values.dtype} {values.shape}, needs one channel of 16 bits")
    return values


def read_labels(path: Path) -> np.ndarray:
    """int32 [H, W], the values of a picture with one channel of 8 or 16 bits."""
    values = _decoded(path, cv2.IMREAD_UNCHANGED)
    if values.ndim != 2 or values.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{path} is {values.dtype} {values.shape}, needs one channel of 8 or 16 bits")
    return values.astype(np.int32)


def read_marked(path: Path) -> np.ndarray:
    """bool [H, W], True where any channel of the picture is not 0."""
    marks = _decoded(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return marks.any(axis=2)


def read_array(path: Path) -> np.ndarray:
    """Array of an .npy file, without axes of length 1."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        return np.load(path, allow_pickle=False).squeeze()
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is no .npy array ({error})") from error


def read_mat(path: Path) -> dict:
    """Variables of a MATLAB file of up to version 7."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        return loadmat(path)
    except Exception as error:                                      # scipy raises whatever the bytes make it raise
        raise ValueError(f"{path} is no MATLAB file ({error})") from error


def read_json(path: Path) -> dict:
    """Content of a JSON file."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error})") from error


def _decoded(path: Path, flags: int) -> np.ndarray:
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    try:
        return decode(path.read_bytes(), flags)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error
