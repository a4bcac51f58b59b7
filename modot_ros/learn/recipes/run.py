# SPDX-License-Identifier: Apache-2.0
"""What every published training does with its steps: continue, log, validate, keep the best weights."""
from __future__ import annotations

from pathlib import Path
from typing import Protocol

from modot_ros.learn.training.journal import Journal

LOG_EVERY = 20                                          # steps


class Run(Protocol):
    """State of a training; `best` is the smallest score so far, None before the first."""

    step: int
    steps: int
    best: float | None

    def advance(self) -> dict[str, float]:
        """One batch; its losses, and "skipped" among them when it changed nothing."""

    def score(self) -> float:
        """On held-out pictures; smaller is better."""

    def write_weights(self, path: Path, score: float) -> None: ...

    def save(self, path: Path) -> None: ...

    def load(self, path: Path) -> None: ...


def finish(run: Run, checkpoint: Path, weights: Path, first: bool, validate_every: int, title: str) -> Path:
    """Train to the end, continuing from `checkpoint` if it is there; returns `weights`, which are those that score best.

    Args:
        checkpoint, weights: in one folder, which is made, and gets a `log.jsonl`.
        first: this process writes; the others only share the steps.
        validate_every: steps; the state is saved then, too.
        title: of the run, for the log.

    Raises what `run` raises, and ValueError for weights without a checkpoint beside them; nothing is written then.
    """
    if checkpoint.exists():
        run.load(checkpoint)
    elif weights.exists() and first:
        raise ValueError(f"{weights}: exists, but no {checkpoint.name} of its run beside it; use another --output")
    if not first:
        while run.step < run.steps:
            run.advance()
        return weights
    weights.parent.mkdir(parents=True, exist_ok=True)
    with Journal(weights.parent, run.step) as journal:
        journal.say(f"{title}, step {run.step} of {run.steps}")
        while run.step < run.steps:
            parts = run.advance()
            over = run.step == run.steps
            if run.step % LOG_EVERY == 0 or over or "skipped" in parts:
                journal.record(run.step, parts)
                journal.say(f"step {run.step}  " + "  ".join(f"{name} {value:.4f}" for name, value in parts.items()))
            if "skipped" not in parts and (over or run.step % validate_every == 0):
                score = run.score()
                journal.record(run.step, {"loss": score}, "validation")
                journal.say(f"validation  {score:.4f}, best before {run.best}")
                if run.best is None or score < run.best:
                    run.write_weights(weights, score)
                    run.best = score
                run.save(checkpoint)
    return weights
