# SPDX-License-Identifier: Apache-2.0
"""A complete tiny training, its evaluation and the report: shows in a minute or two that everything works here."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modot_ros.learn.evaluation.comparison import Comparison
from modot_ros.learn.evaluation.evaluate import evaluate
from modot_ros.learn.synthetic.shards import FIRST_SEED, write_shard
from modot_ros.learn.training.loop import train
from modot_ros.learn.training.options import Stage, TrainingOptions
from modot_ros.machine import threads
from modot_ros.predictor import Predictor

WIDTH, HEIGHT = 128, 96


def smoke(output: str | Path, views: int = 24, steps: int = 40, batch: int = 8, threads: int = threads(),
          progress: Callable[[str, int, int], None] | None = None) -> Comparison:
    """Render `views` rooms to train on and a third as many to validate and to test on, train, evaluate, report.

    Writes into `output`: the rooms (data), what training writes (training) and the report (report). What is there
    already is kept, so that a run that was stopped goes on.
    """
    output = Path(output)
    data, counts = output / "data", {"train": views, "validation": max(2, views // 3), "test": max(2, views // 3)}
    for split, count in counts.items():
        folder = data / split
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{split}_{WIDTH}x{HEIGHT}.npz"
        if not path.exists():
            write_shard(path, FIRST_SEED[split], count, WIDTH, HEIGHT, instances=split == "test")
        if progress:
            progress(f"rooms rendered to {split}", count, count)
    weights = train(TrainingOptions(
        train=str(data / "train"), validation=str(data / "validation"), output=str(output / "training"), steps=steps,
        batch=batch, stages=(Stage(WIDTH // 2, 64, 0.5), Stage(WIDTH, HEIGHT, 1.0)), threads=threads,
        validation_views=counts["validation"]))
    predictor = Predictor(weights=weights, device="cpu")
    return evaluate([f"shards={data / 'test'}"], output / "report", predictor, progress=progress)[0]
