# SPDX-License-Identifier: Apache-2.0
"""What a training run says while it runs: lines on the terminal, `log.jsonl`, TensorBoard and sample pictures.

A full disk costs lines and pictures, never the run.
"""
from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

LOG = "log.jsonl"


class Journal:
    """Of one run in `folder`, from step `step` on; what a killed run said beyond that step is taken out.

    tensorboard   also write event files into folder/tensorboard. Raises ModuleNotFoundError, saying what to install,
                  when that package is missing.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool = False) -> None:
        self.folder = folder
        self._board = _board(folder / "tensorboard", step) if tensorboard else None
        _forget_after(folder / LOG, step)
        self._log = open(folder / LOG, "a", buffering=1)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: Any) -> None:
        self._log.close()
        if self._board is not None:
            self._board.close()

    def record(self, step: int, values: Mapping[str, Any], group: str = "") -> None:
        """One line of the log: `values`, under the name `group` if there is one. Numbers that are none become null."""
        finite = {key: None if isinstance(value, float) and not math.isfinite(value) else value
                  for key, value in values.items()}
        self._try(lambda: self._log.write(json.dumps({"step": step, **({group: finite} if group else finite)}) + "\n"))
        if self._board is not None:
            for key, value in finite.items():
                if isinstance(value, (int, float)):
                    self._try(lambda: self._board.add_scalar(f"{group or 'training'}/{key}", value, step))

    def show(self, step: int, picture: np.ndarray) -> None:
        """Keep a sample picture, uint8 [H, W, 3] RGB, as samples/STEP.png."""
        def write() -> None:
            (self.folder / "samples").mkdir(exist_ok=True)
            path = self.folder / "samples" / f"{step:07d}.png"
            if not cv2.imwrite(str(path), picture[:, :, ::-1]):
                raise OSError(f"{path} could not be written")
        self._try(write)
        if self._board is not None:
            self._try(lambda: self._board.add_image("samples", picture, step, dataformats="HWC"))

    def say(self, text: str) -> None:
        print(text, flush=True)

    def _try(self, write: Any) -> None:
        try:
            write()
        except OSError as error:
            self.say(f"could not be written down: {error}")


def progress_line(step: int, progress: float, elapsed_s: float, batch: int, parts: Mapping[str, Any]) -> str:
    """Where a run is, how fast it goes and what is left of it."""
    left_s = elapsed_s * (1.0 - progress) / max(progress, 1e-6)
    losses = "  ".join(f"{name} {parts[name]:.4f}" for name in ("loss", "log", "gradient", "boundary", "jump", "smooth")
                       if name in parts)
    return (f"step {step}  {100 * progress:5.1f} %  {parts['width']:4d} px  {losses}  rate {parts['rate']:.1e}  "
            f"{elapsed_s / step:.2f} s/step  {batch * step / max(elapsed_s, 1e-6):.1f} views/s  {_left(left_s)} left")


def _left(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _forget_after(path: Path, step: int) -> None:
    """Take out lines after a step, and one that was cut off."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines(keepends=True):
        try:
            if line.endswith("\n") and json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(kept))
    temporary.replace(path)


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"TensorBoard logs need the package {error.name}: pip install tensorboard") from error
    return SummaryWriter(folder, purge_step=step + 1)
