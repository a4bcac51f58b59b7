# SPDX-License-Identifier: Apache-2.0
"""A synthetic fly-through on disk: rendered once, frame by frame, played many times.

Rendering takes about a second per 640x480 frame, so a simulated camera plays what is there while the rest is
being made by another process: `python -m modot_ros.learn.synthetic.footage SEED WIDTH HEIGHT FRAMES [FOLDER]`.
"""
from __future__ import annotations

import argparse
import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

try:
    import fcntl
except ModuleNotFoundError:                             # Windows: two processes at once do the work twice
    fcntl = None                                        # type: ignore[assignment]

STORED = ("rgb", "depth_m", "labels", "boundary", "K")


def cache_folder() -> Path:
    """Where footage is kept: modot_ros/footage in the user's cache folder (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modot_ros" / "footage"


def generator_version() -> str:
    """Changes whenever the code that renders does, so that old footage is never taken for new."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class StoredView:
    """The parts of a synthetic View that a camera publishes, see modot_ros.learn.synthetic.View."""

    rgb: np.ndarray                                     # uint8 [H, W, 3]
    depth_m: np.ndarray                                 # float32 [H, W]
    labels: np.ndarray                                  # int32 [H, W]
    boundary: np.ndarray                                # bool [H, W]
    K: np.ndarray                                       # float64 [3, 3]


class Footage:
    """The closed fly-through of a seed: frame `frames` would be frame 0 again.

    Deterministic in (seed, width, height, frames). Raises ValueError for a size or count below 1 or a seed
    below 0.
    """

    def __init__(self, seed: int, width: int, height: int, frames: int, folder: Path | None = None) -> None:
        if min(width, height, frames) < 1 or seed < 0:
            raise ValueError(f"seed {seed}, {width}x{height}, {frames} frames: the seed must be at least 0, "
                             "all else 1")
        self.seed, self.width, self.height, self.frames = seed, width, height, frames
        self.folder = (folder or cache_folder() / generator_version()) / f"{seed}_{width}x{height}_{frames}"

    def path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npz"

    def ready(self, known: int = 0) -> int:
        """How many frames there are without a gap, when the first `known` are."""
        while known < self.frames and self.path(known).exists():
            known += 1
        return known

    def read(self, number: int) -> StoredView:
        """Raises FileNotFoundError for a frame that is not there yet and ValueError for a damaged file."""
        try:
            with np.load(self.path(number)) as stored:
                return StoredView(**{name: stored[name] for name in STORED})
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise ValueError(f"{self.path(number)} is damaged: delete it to have it rendered again "
                             f"({error})") from error

    def render(self) -> None:
        """Make the missing frames in order; each file appears only when it is whole. A second process waits for the first."""
        import torch

        from modot_ros.learn.synthetic import fly_through, random_scene, render
        torch.set_num_threads(1)
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "rendering.lock", "wb") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)        # given back when the process ends, however it does
            if self.ready() < self.frames:
                self._render(random_scene, fly_through, render)

    def _render(self, random_scene: Callable, fly_through: Callable, render: Callable) -> None:
        scene = random_scene(self.seed)
        for number, camera in enumerate(fly_through(scene, self.seed, self.frames, self.width, self.height)):
            if self.path(number).exists():
                continue
            view = render(scene, camera, self.seed)     # one seed: exposure and white balance stay
            partial = self.path(number).with_suffix(f".{os.getpid()}.partial")
            with open(partial, "wb") as file:
                np.savez_compressed(file, **{name: getattr(view, name) for name in STORED})
            partial.replace(self.path(number))          # also where another process was faster, which Windows would refuse


def main(args: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Render a synthetic fly-through into a folder.")
    for name in ("seed", "width", "height", "frames"):
        parser.add_argument(name, type=int)
    parser.add_argument("folder", type=Path, nargs="?", help="default: the user's cache folder")
    if hasattr(os, "nice"):                             # whoever plays the footage comes first
        os.nice(5)
    Footage(**vars(parser.parse_args(args))).render()


if __name__ == "__main__":
    main()
