# SPDX-License-Identifier: Apache-2.0
"""Rendered views on disk, for training: shards of a fixed number of views, made by worker processes.

A shard is an .npz with rgb uint8 [n, H, W, 3], depth_m float16 [n, H, W], boundary uint8 [n, H, W] (0 or 1, occluder's
side), classes uint8 [n, H, W] (ids of CLASS_NAMES, 255 unknown) and focal float32 [n] (focal length / width). Older shards have
no classes and are read as unknown. Those to test on, or to learn orders from, hold the orders of their
instances as well, see `read_instances`. View k of a split comes from seed first_seed + k alone, so a folder can be made again
anywhere, and finished shards are kept when a run is continued.
"""
from __future__ import annotations

import io
import os
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS
from modot_ros.learn.synthetic.camera import any_camera, close_camera, random_camera
from modot_ros.learn.synthetic.rooms.scene import random_scene
from modot_ros.learn.synthetic.view import View, render

VIEWS_PER_SHARD = 40
# splits never share a seed
FIRST_SEED = {"train": 1_000_000_000, "validation": 2_000_000_000, "test": 3_000_000_000, "wide": 4_000_000_000,
              "close": 5_000_000_000}
HALL_SHARE = 0.35                                       # of the split "wide": stretched rooms, corridors and halls


def training_view(seed: int, width: int = 256, height: int = 192, device: str = "cpu") -> View:
    """The view of a seed: a room of its own, seen from a random camera. Those of the split "wide" are seen from any camera,
    and some of their rooms are corridors and halls; those of "close" are looks at what stands on a top."""
    rng = np.random.default_rng(seed)
    if seed >= FIRST_SEED["close"]:
        scene = random_scene(seed)
        return render(scene, close_camera(scene, rng, width, height), seed, device)
    if seed >= FIRST_SEED["wide"]:
        hall = rng.random() < HALL_SHARE
        stretch = (*np.exp(rng.uniform(np.log(0.7), np.log(4.0), 2)), rng.uniform(1.0, 2.2)) if hall else (1.0, 1.0, 1.0)
        scene = random_scene(seed, stretch)
        return render(scene, any_camera(scene, rng, width, height), seed, device)
    scene = random_scene(seed)
    return render(scene, random_camera(scene, rng, width, height), seed, device)


@dataclass(frozen=True)
class Instances:
    """Who is in a view, and in which order; as `View` has it."""

    labels: np.ndarray                                  # uint16 [H, W], 0 = room shell
    occlusions: list[tuple[int, int, int]]
    depth_orders: list[tuple[int, int, bool, bool]]


def write_shard(path: Path, first_seed: int, count: int, width: int, height: int, device: str = "cpu",
                instances: bool = False) -> Path:
    """Renders `count` views into the file `path`, which appears only when it is whole."""
    return _write(path, shard_bytes(first_seed, count, width, height, device, instances))


def shard_bytes(first_seed: int, count: int, width: int, height: int, device: str = "cpu", instances: bool = False) -> bytes:
    """What a shard's file holds; the same on every machine with the same versions of the packages."""
    torch.set_num_threads(1)
    views = [training_view(first_seed + k, width, height, device) for k in range(count)]
    file = io.BytesIO()
    np.savez(file, rgb=np.stack([view.rgb for view in views]),
             depth_m=np.stack([view.depth_m for view in views]).astype(np.float16),
             boundary=np.stack([view.boundary for view in views]).astype(np.uint8),
             classes=np.stack([view.classes for view in views]),
             focal=np.array([view.K[0, 0] / width for view in views], np.float32),
             **(_instance_arrays(views) if instances else {}))
    return file.getvalue()


def _write(path: Path, content: bytes) -> Path:
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(content)
    return partial.replace(path)


def _instance_arrays(views: list[View]) -> dict[str, np.ndarray]:
    """labels uint16 [n, H, W]; occlusions int64 [M, 4] and depth_orders int64 [P, 5], the view's number first."""
    occlusions = [(k, *order) for k, view in enumerate(views) for order in view.occlusions.tolist()]
    depth_orders = [(k, *order) for k, view in enumerate(views) for order in view.depth_orders]
    return {"labels": np.stack([view.labels for view in views]).astype(np.uint16),
            "occlusions": np.array(occlusions, np.int64).reshape(-1, 4),
            "depth_orders": np.array(depth_orders, np.int64).reshape(-1, 5)}


def read_instances(folder: str | Path) -> list[Instances | None]:
    """Of every view in the shards of a folder, in the order of their names; None for a shard without them.

    Raises ValueError for a shard that can't be read.
    """
    found: list[Instances | None] = []
    for path in sorted(Path(folder).glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as shard:
                if "labels" not in shard:
                    found += [None] * len(shard["focal"])
                    continue
                labels, *orders = (shard[name] for name in ("labels", "occlusions", "depth_orders"))
            occlusions, depth_orders = ([[tuple(row[1:]) for row in rows[rows[:, 0] == k].tolist()]
                                         for k in range(len(labels))] for rows in orders)
        except Exception as error:                      # zipfile, zlib, KeyError, OSError: all one to us
            raise ValueError(f"{path}: its instances can't be read ({error})") from error
        found += map(Instances, labels, occlusions, depth_orders)
    return found


def read_classes(folder: str | Path) -> list[np.ndarray]:
    """Classes uint8 [H, W] of every view in the shards of a folder, in the order of their names; ids of CLASS_NAMES, and
    UNKNOWN_CLASS everywhere in shards that were written before there were classes.

    Raises ValueError for a shard that can't be read, whose classes are of another size than its pictures, or that has ids above
    the table.
    """
    return [classes for path in sorted(Path(folder).glob("*.npz")) for classes in shard_classes(path)]


def shard_classes(path: Path) -> np.ndarray:
    """Classes of one shard, uint8 [n, H, W]; raises as `read_classes`."""
    try:
        with np.load(path, allow_pickle=False) as shard:
            size = shard["boundary"].shape
            classes = shard["classes"] if "classes" in shard else np.full(size, UNKNOWN_CLASS, np.uint8)
    except Exception as error:                          # zipfile, zlib, KeyError, OSError: all one to us
        raise ValueError(f"{path}: its classes can't be read ({error})") from error
    if classes.shape != size or classes.dtype != np.uint8:
        raise ValueError(f"{path}: classes are {classes.dtype} {list(classes.shape)}, must be uint8 {list(size)}")
    above = classes[(classes >= len(CLASS_NAMES)) & (classes != UNKNOWN_CLASS)]
    if above.size:
        raise ValueError(f"{path}: class id {above.max()} is above the table of {len(CLASS_NAMES)}")
    return classes


def write_shards(folder: str | Path, split: str, views: int, width: int = 256, height: int = 192, workers: int = 1,
                 device: str = "cpu", progress=None, first: int = 0, instances: bool = False, executor: Executor | None = None
                 ) -> list[Path]:
    """Renders the missing shards of a split of FIRST_SEED, at least `views` views into `folder`.

    progress: called with (shards done, shards in all). first: number of the first view, that of a shard's first.
    executor: where to render instead of in `workers` processes of this machine; the files are written here, as they come.
    instances: store them as well, as the test split always does; a shard that exists stays as it is. Raises ValueError for
    an unknown split, another such number, or fewer than one view or worker.
    """
    if split not in FIRST_SEED:
        raise ValueError(f"split is {split!r}: choose from {sorted(FIRST_SEED)}")
    if views < 1:
        raise ValueError(f"views is {views}: at least 1 is needed")
    if workers < 1:
        raise ValueError(f"workers is {workers}: at least 1 is needed")
    if first < 0 or first % VIEWS_PER_SHARD:
        raise ValueError(f"first is {first}: views come in shards, it must be a multiple of {VIEWS_PER_SHARD}, from 0")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = -(-views // VIEWS_PER_SHARD)
    shards = range(first // VIEWS_PER_SHARD, first // VIEWS_PER_SHARD + count)
    paths = {shard: folder / f"{split}_{width}x{height}_{shard:05d}.npz" for shard in shards}
    missing = [shard for shard, path in paths.items() if not path.exists()]
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ProcessPoolExecutor(max_workers=workers))
        jobs = {pool.submit(shard_bytes, FIRST_SEED[split] + k * VIEWS_PER_SHARD, VIEWS_PER_SHARD, width, height, device,
                            instances or split == "test"): k for k in missing}
        for done, job in enumerate(as_completed(list(jobs)), count - len(missing) + 1):
            _write(paths[jobs.pop(job)], job.result())
            if progress:
                progress(done, count)
    return list(paths.values())
