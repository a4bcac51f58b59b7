# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures whose boundaries are being corrected, and what is kept of each beside it.

    NAME_boundary.png         0 / 255, one pixel wide, at the threshold that was chosen
    NAME_boundary_prob.npy    float32 [H, W], the probability; `modot refine --previous` reads it
    NAME_strokes.json         strokes as `modot refine --strokes` reads them; threshold, seconds spent, digest of the picture

`modot train --mix pairs=FOLDER=1` and `modot evaluate --data pairs=FOLDER` read the first one. All are written after every
correction, whole or not at all. What can't be written stays in memory, with the reason, and is tried again.
"""
from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from modot_ros.predictor import MOST_REFINED_PX, Predictor
from modot_ros.scene.boundaries import thin
from modot_ros.scene.drawing.prediction_files import npy_bytes, png_bytes
from modot_ros.scene.drawing.whole_files import write_whole
from modot_ros.scene.image_decoding import decode, header_of
from modot_ros.scene.strokes import Stroke, strokes_from_json, strokes_to_json
from modot_ros.scene.suppression import PREVIOUS_THRESHOLD

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
OWN_ENDINGS = ("_boundary", "_refined", "_overlay", "_labels", "_depth_mm")    # of pictures that belong to another one
MOST_UNDONE = 8                                         # corrections that can be taken back
MOST_SHEETS = 3                                         # pictures in memory whose files are written


class Outdated(ValueError):
    """A correction of something that has changed since."""


@dataclass
class Sheet:
    """One picture and its corrections so far. `past`: strokes and probability before each of the last corrections."""

    rgb: np.ndarray
    digest: str
    probability: np.ndarray
    strokes: list[Stroke] = field(default_factory=list)
    threshold: float = PREVIOUS_THRESHOLD
    seconds: float = 0.0
    revision: int = 0                                   # of corrections, that of the file included; 0: none yet
    saved: bool = True
    message: str = ""                                   # what the person has to know
    past: list[tuple[list[Stroke], np.ndarray]] = field(default_factory=list)

    def mask(self, threshold: float) -> np.ndarray:
        """bool [H, W], boundaries one pixel wide. Raises ValueError for a threshold outside (0, 1]."""
        return thin(self.probability, np.full(self.probability.shape, np.nan, np.float32), threshold)[0]


class Album:
    """The pictures of a folder, by number in the order of their names. Safe for several threads, which take turns.

    Raises FileNotFoundError without the folder and ValueError when no picture is in it.
    """

    def __init__(self, folder: Path, predictor: Predictor) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder")
        stems = {path.stem for path in folder.iterdir() if path.suffix.lower() in PICTURES}
        own = {stem + ending for stem in stems for ending in OWN_ENDINGS}
        self.folder, self.predictor = folder, predictor
        self.pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.stem not in own)
        if not self.pictures:
            raise ValueError(f"{folder}: no picture in it ({', '.join(PICTURES)})")
        twice = [path.name for path in self.pictures if [other.stem for other in self.pictures].count(path.stem) > 1]
        if twice:
            raise ValueError(f"{folder}: {' and '.join(twice)} would have the same files of boundaries, rename one")
        self._sheets: dict[int, Sheet] = {}
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self.pictures)

    def listing(self) -> list[dict[str, Any]]:
        """Name of every picture, whether it has been corrected or accepted, and the seconds spent on it."""
        def seconds(number: int) -> float | None:
            sheet = self._sheets.get(number)
            if sheet is not None and sheet.revision:
                return sheet.seconds
            try:
                return float(json.loads(self._file(number, "strokes.json").read_bytes()).get("seconds", 0.0))
            except (OSError, ValueError, AttributeError, TypeError):
                return None
        spent = [seconds(number) for number in range(len(self))]
        return [{"name": path.name, "done": one is not None, "seconds": one or 0.0} for path, one in zip(self.pictures, spent)]

    def sheet(self, number: int) -> Sheet:
        """The picture with what is known of it; the first one to ask waits for the network. Raises ValueError for a number that
        there is not, and for a picture that can't be used."""
        with self._turn:
            return self._opened(number)

    def correct(self, number: int, strokes: Sequence[Stroke], threshold: float, seconds: float, revision: int) -> Sheet:
        """Adds strokes, predicts again and writes everything; without strokes the boundaries are accepted as they are.

        seconds: spent since the last correction. revision: what the person saw. Raises Outdated when another page has corrected
        the picture or its file has changed, ValueError for strokes and numbers that can't be used; then all is as before.
        """
        with self._turn:
            sheet = self._current(number, revision)
            if not (0 < threshold <= 1 and 0 <= seconds < float("inf")):
                raise ValueError(f"threshold is {threshold}, seconds {seconds}: must be in (0, 1] and 0 or more")
            probability = sheet.probability
            if strokes:
                together = [*sheet.strokes, *strokes]
                refined = self.predictor.refine(sheet.rgb, together, sheet.probability)
                assert refined.boundary_probability is not None
                sheet.past = [*sheet.past, (sheet.strokes, probability)][-MOST_UNDONE:]
                sheet.strokes, sheet.probability = together, refined.boundary_probability
            sheet.threshold, sheet.seconds = threshold, sheet.seconds + seconds
            self._write(number, sheet)
            return sheet

    def undo(self, number: int, revision: int) -> Sheet:
        """Takes the last correction back, in the files as well. Raises Outdated as `correct`, ValueError when there is none."""
        with self._turn:
            sheet = self._current(number, revision)
            if not sheet.past:
                raise ValueError("there is no correction left that can be taken back")
            sheet.strokes, sheet.probability = sheet.past.pop()
            self._write(number, sheet)
            return sheet

    def _current(self, number: int, revision: int) -> Sheet:
        sheet = self._opened(number)
        if self._digest(number) != sheet.digest:
            self._sheets.pop(number)
            raise Outdated(f"{self.pictures[number].name} has changed on disk since it was opened: load it again")
        stored = self._stored(number)
        if sheet.revision != revision or sheet.saved and stored.get("revision", 0) != revision:
            if sheet.saved:
                self._sheets.pop(number)
            raise Outdated(f"{self.pictures[number].name} has been corrected in another page: load it again")
        return sheet

    def _opened(self, number: int) -> Sheet:
        if not 0 <= number < len(self):
            raise ValueError(f"picture {number}: there are 0 to {len(self) - 1}")
        sheet = self._sheets.pop(number, None)
        if sheet is None or sheet.saved and self._stored(number).get("revision", 0) != sheet.revision:
            sheet = self._read(number)
        self._sheets[number] = sheet                    # the last one asked for comes last
        for other in [key for key, one in self._sheets.items() if one.saved][:-MOST_SHEETS]:
            del self._sheets[other]
        return sheet

    def _read(self, number: int) -> Sheet:
        path = self.pictures[number]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path.name} can't be read: {error.strerror}") from error
        header = header_of(content)
        if header is not None and header.width * header.height > MOST_REFINED_PX:
            raise ValueError(f"{path.name} is {header.width}x{header.height}: more than {MOST_REFINED_PX / 1e6:.0f} million "
                             "pixels, reduce it first")
        try:
            bgr = decode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        except ValueError as error:
            raise ValueError(f"{path.name} {error}") from error
        rgb, digest = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), hashlib.sha256(content).hexdigest()
        stored, message = self._stored(number), ""
        if stored:
            try:
                return self._restored(number, rgb, digest, stored)
            except ValueError as error:
                message = (f"{self._file(number, 'strokes.json').name} is left alone until the next correction: {error}")
        first = self.predictor.refine(rgb)
        assert first.boundary_probability is not None
        return Sheet(rgb, digest, first.boundary_probability, revision=stored.get("revision", 0), message=message)

    def _restored(self, number: int, rgb: np.ndarray, digest: str, stored: dict[str, Any]) -> Sheet:
        height, width = rgb.shape[:2]
        if stored.get("picture_sha256", digest) != digest:
            raise ValueError("the picture has changed since")
        strokes = strokes_from_json(json.dumps({key: stored.get(key) for key in ("width", "height", "strokes")}), width, height)
        path = self._file(number, "boundary_prob.npy")
        try:
            probability = np.load(path, allow_pickle=False)
            if probability.shape != (height, width) or not (0 <= probability).all() or not (probability <= 1).all():
                raise ValueError("is no probability of this picture")
        except (OSError, EOFError, ValueError, TypeError):
            again = self.predictor.refine(rgb, strokes)         # `modot refine` may have written the strokes alone
            assert again.boundary_probability is not None
            probability = again.boundary_probability
        threshold, seconds = stored.get("threshold", PREVIOUS_THRESHOLD), stored.get("seconds", 0.0)
        if not all(isinstance(value, (int, float)) for value in (threshold, seconds)) or not 0 < threshold <= 1:
            raise ValueError(f"its threshold is {threshold!r}, its seconds are {seconds!r}")
        return Sheet(rgb, digest, probability.astype(np.float32), strokes, threshold, seconds, stored.get("revision", 0))

    def _write(self, number: int, sheet: Sheet) -> None:
        height, width = sheet.rgb.shape[:2]
        sheet.revision += 1
        record = {**json.loads(strokes_to_json(sheet.strokes, width, height)), "threshold": sheet.threshold,
                  "seconds": round(sheet.seconds, 1), "revision": sheet.revision, "model": self.predictor.name,
                  "picture_sha256": sheet.digest}
        try:
            write_whole({self._file(number, "boundary.png"): png_bytes(sheet.mask(sheet.threshold).astype(np.uint8) * 255),
                         self._file(number, "boundary_prob.npy"): npy_bytes(sheet.probability),
                         self._file(number, "strokes.json"): json.dumps(record).encode()})
            sheet.saved, sheet.message = True, ""
        except OSError as error:
            sheet.saved, sheet.message = False, f"NOT SAVED, kept in memory: {error}"

    def _stored(self, number: int) -> dict[str, Any]:
        """Content of the file of strokes; empty when it is none."""
        try:
            content = json.loads(self._file(number, "strokes.json").read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        return content if isinstance(content.get("revision", 0), int) else {**content, "revision": 0}

    def _digest(self, number: int) -> str:
        try:
            return hashlib.sha256(self.pictures[number].read_bytes()).hexdigest()
        except OSError:
            return ""

    def _file(self, number: int, ending: str) -> Path:
        return self.folder / f"{self.pictures[number].stem}_{ending}"
