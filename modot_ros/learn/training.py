# SPDX-License-Identifier: Apache-2.0
"""Training of a network: one straight loop, seeded, resumable, with a finished schedule however long it may take.

Everything that changes over a run (learning rate, picture size, the end) depends on one number, the progress from 0 to
1. It is step / steps, or elapsed / budget when minutes are given instead; with steps, a run that was killed and resumed
repeats the loss curve of one that was not.
"""
from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modot_ros.learn import losses
from modot_ros.learn.dataset import Batch, Views, load_views, training_batch
from modot_ros.learn.evaluation.validation import score_network
from modot_ros.model import build_network, save_checkpoint
from modot_ros.model.checkpoint import choose_device

CHECKPOINT = "training.pt"
LOG_EVERY = 20                                          # steps

# Options that leave the loss curve as it is, up to rounding: a run may be continued with others.
FREE = ("output", "validation", "validation_views", "validate_every_minutes", "save_every_minutes", "device", "threads")


@dataclass(frozen=True)
class Stage:
    """Part of a run at one picture size, until `until` of its progress (0..1)."""

    width: int
    height: int
    until: float


@dataclass(frozen=True)
class TrainingOptions:
    """One run. Exactly one of `steps` and `minutes` says how long. Raises ValueError on values that cannot work."""

    train: str                                          # folder of shards
    validation: str                                     # folder of other shards
    output: str                                         # folder for checkpoint, log and weights
    model: str = "modot_nano"                           # one of modot_ros.model.MODELS
    config: dict[str, Any] = field(default_factory=dict)    # of the network's constructor
    steps: int | None = None
    minutes: float | None = None
    stages: tuple[Stage, ...] = (Stage(128, 96, 0.55), Stage(256, 192, 1.0))
    batch: int = 16
    seed: int = 0
    learning_rate: float = 2e-3                         # at the top of the schedule
    warm_up: float = 0.04                               # share of the run
    weight_decay: float = 0.02
    ema_decay: float = 0.998
    gradient_limit: float = 5.0                         # norm
    boundary_weight: float = 4.0
    boundary_negative_weight: float = 3.0               # lambda of the class-balanced loss
    constraint_weight: float = 0.2                      # OBDCL
    validate_every_minutes: float = 5.0
    validation_views: int = 64
    save_every_minutes: float = 2.0
    canonical_focal: float = 0.8                        # focal length / picture width of the canonical camera
    device: str = "cpu"                                 # "cpu", "cuda", "cuda:N" or "auto"
    threads: int = 2                                    # of the CPU

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(f"steps={self.steps}, minutes={self.minutes}: give exactly one of the two")
        if not 0 < (self.minutes if self.steps is None else self.steps) < math.inf:
            raise ValueError(f"steps={self.steps}, minutes={self.minutes}: must be positive")
        if self.batch < 2:
            raise ValueError(f"batch={self.batch}: batch norm needs at least 2 views")
        for name in ("learning_rate", "gradient_limit", "boundary_negative_weight", "canonical_focal", "validation_views",
                     "threads"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: must be positive")
        for name in ("weight_decay", "boundary_weight", "constraint_weight", "validate_every_minutes",
                     "save_every_minutes"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}: must not be negative")
        for name in ("warm_up", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be in [0, 1)")
        ends = [stage.until for stage in self.stages]
        if not ends or ends[0] <= 0 or ends != sorted(set(ends)) or ends[-1] != 1.0:
            raise ValueError(f"stages end at {ends} of the run: must grow from above 0 and end at 1.0")
        for stage in self.stages:
            if min(stage.width, stage.height) < 32 or stage.width % 32 or stage.height % 32:
                raise ValueError(f"stage of {stage.width}x{stage.height}: both must be multiples of 32")

    def of_the_curve(self) -> dict[str, Any]:
        """The options that the loss curve depends on, as JSON has them."""
        return json.loads(json.dumps({name: value for name, value in asdict(self).items() if name not in FREE}))


def learning_rate(progress: float, peak: float, warm_up: float) -> float:
    """Linear rise over `warm_up` of the run, then half a cosine down to 1 % of the peak."""
    if progress < warm_up:
        return peak * max(progress / warm_up, 0.01)
    return peak * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * (progress - warm_up) / (1.0 - warm_up))))


def total_loss(network: nn.Module, batch: Batch, options: TrainingOptions) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch, and its parts for the log."""
    depth_m, logits = network(batch.image)
    valid = losses.valid_depth(batch.depth_m, network.min_depth_m, network.max_depth_m)
    difference = losses.log_difference(depth_m, batch.depth_m, valid)
    log = losses.scale_invariant_log(difference, valid, variance_focus=0.5)
    gradient = losses.gradient_matching(difference, valid)
    boundaries = [losses.balanced_boundary(x, batch.boundary, options.boundary_negative_weight) for x in logits]
    boundary = boundaries[-1] + 0.2 * sum(boundaries[:-1])
    jump, smooth = losses.boundary_depth_constraint(depth_m, batch.depth_m, batch.boundary, valid)
    constraint = jump + smooth
    total = log + 0.5 * gradient + options.boundary_weight * boundary + options.constraint_weight * constraint
    parts = {"loss": total, "log": log, "gradient": gradient, "boundary": boundaries[-1], "jump": jump, "smooth": smooth}
    return total, {name: float(value.detach()) for name, value in parts.items()}


class Averaged:
    """Exponential moving average of weights and batch-norm statistics; early steps are forgotten faster."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1.0 - decay)
            else:
                self.state[key].copy_(value)


class Run:
    """State of a run on `views` views: network, average, optimiser, random numbers, step and time, in one file."""

    def __init__(self, options: TrainingOptions, views: int) -> None:
        torch.manual_seed(options.seed)
        self.options, self.views = options, views
        self.device = choose_device(options.device)
        self.network = build_network(options.model, **options.config)
        self.network.to(self.device, memory_format=torch.channels_last)
        self.average = Averaged(self.network, options.ema_decay)
        weights = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]      # norms and biases do not decay
        self.optimiser = torch.optim.AdamW(
            [{"params": weights, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=options.learning_rate, betas=(0.9, 0.99))
        self.generator = torch.Generator().manual_seed(options.seed)
        self.step = 0
        self.elapsed_s = 0.0
        self.order = torch.empty(0, dtype=torch.long)                       # views of this pass not seen yet

    @property
    def progress(self) -> float:
        if self.options.steps is not None:
            return self.step / self.options.steps
        return self.elapsed_s / (60.0 * self.options.minutes)

    @property
    def stage(self) -> Stage:
        return next(stage for stage in self.options.stages if self.progress < stage.until)

    def next_indices(self) -> Tensor:
        """Indices of the next batch: every view once per pass, in a new order each time."""
        while len(self.order) < self.options.batch:
            self.order = torch.cat([self.order, torch.randperm(self.views, generator=self.generator)])
        indices, self.order = self.order[:self.options.batch], self.order[self.options.batch:]
        return indices

    def advance(self, views: Views) -> dict[str, float]:
        """One optimiser step; returns the parts of the loss."""
        started, options, stage = time.perf_counter(), self.options, self.stage
        rate = learning_rate(self.progress, options.learning_rate, options.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = training_batch(views, self.next_indices(), stage.width, stage.height,
                               options.canonical_focal, self.generator).to(self.device)
        self.network.train()
        loss, parts = total_loss(self.network, batch, options)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.gradient_limit)
        if torch.isfinite(norm):
            self.optimiser.step()
            self.average.update(self.network, self.step)
        self.step += 1
        self.elapsed_s += time.perf_counter() - started
        return {**parts, "norm": float(norm), "rate": rate, "width": stage.width}

    def save(self, path: Path) -> None:
        state = {
            "options": self.options.of_the_curve(), "views": self.views,
            "network": self.network.state_dict(), "average": self.average.state,
            "optimiser": self.optimiser.state_dict(), "generator": self.generator.get_state(), "order": self.order,
            "step": self.step, "elapsed_s": self.elapsed_s,
        }
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)                                             # a kill leaves the old or the new file

    def load(self, path: Path) -> None:
        """Continue from a file of `save`. Raises ValueError when that run has another loss curve than this one."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        now = {**self.options.of_the_curve(), "views": self.views}
        # Runs from before there was a choice of networks do not name theirs.
        then = {"model": "modot_nano", "config": {}, **state["options"], "views": state["views"]}
        other = [f"{key} was {then.get(key)!r}, is {now[key]!r}" for key in now if now[key] != then.get(key)]
        if other:
            raise ValueError(f"{path} belongs to another run ({'; '.join(other)}): use its options or a new folder")
        self.network.load_state_dict(state["network"])
        self.average.state = {key: value.to(self.device) for key, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.order, self.step, self.elapsed_s = state["order"], state["step"], state["elapsed_s"]

    def averaged_network(self) -> nn.Module:
        """On the CPU, for scoring and for the weights' file."""
        network = build_network(self.options.model, **self.options.config).to(memory_format=torch.channels_last)
        network.load_state_dict(self.average.state)
        return network.eval()


def train(options: TrainingOptions) -> Path:
    """Train to the end, continuing the run that `options.output` holds if there is one; returns the weights' path.

    The options in FREE may differ from those that the run began with, all others and the number of views may not.

    Writes `training.pt` (to resume), `log.jsonl` (one line per LOG_EVERY steps and per validation) and
    `MODEL.safetensors` (averaged weights with config and record, rewritten at every validation).
    """
    torch.set_num_threads(options.threads)
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    views, held_out = load_views(options.train), load_views(options.validation, options.validation_views)
    run = Run(options, len(views))
    if (output / CHECKPOINT).exists():
        run.load(output / CHECKPOINT)
        print(f"continuing at step {run.step}, {run.elapsed_s / 60:.1f} min")
    print(f"{len(views)} views to train on, {len(held_out)} held out, "
          f"{sum(p.numel() for p in run.network.parameters()) / 1e6:.2f} M parameters")

    validated_s = saved_s = run.elapsed_s
    with open(output / "log.jsonl", "a", buffering=1) as log:
        while run.progress < 1.0:
            parts = run.advance(views)
            if run.step % LOG_EVERY == 0 or run.progress >= 1.0:
                log.write(json.dumps({"step": run.step, "elapsed_s": round(run.elapsed_s, 1), **parts}) + "\n")
                _show(run, parts)
            if run.elapsed_s - saved_s > 60 * options.save_every_minutes:
                run.save(output / CHECKPOINT)
                saved_s = run.elapsed_s
            if run.elapsed_s - validated_s > 60 * options.validate_every_minutes and run.progress < 1.0:
                _validate(run, held_out, log, output)
                validated_s = run.elapsed_s
        run.save(output / CHECKPOINT)
        return _validate(run, held_out, log, output)


def _show(run: Run, parts: dict[str, float]) -> None:
    left_s = run.elapsed_s * (1.0 - run.progress) / max(run.progress, 1e-6)
    print(f"step {run.step}  {100 * run.progress:5.1f} %  {parts['width']:4d} px  loss {parts['loss']:.3f}  "
          f"log {parts['log']:.3f}  gradient {parts['gradient']:.3f}  boundary {parts['boundary']:.4f}  "
          f"jump {parts['jump']:.3f}  smooth {parts['smooth']:.3f}  rate {parts['rate']:.1e}  "
          f"{run.elapsed_s / run.step:.2f} s/step  {left_s / 60:.0f} min left", flush=True)


def _validate(run: Run, held_out: Views, log: Any, output: Path) -> Path:
    """Score the averaged weights at the final size and write them out, calibrated, with their record.

    Calibrated on the held-out views: a probability of 0.5 is the best threshold, and the canonical focal length is the
    one with which the median view has the right scale. The record's scores are those before.
    """
    options, size = run.options, run.options.stages[-1]
    network = run.averaged_network()
    scores = score_network(network, held_out, size.width, size.height, options.canonical_focal)
    if hasattr(network, "centre_boundary"):             # the published networks have no bias to move
        network.centre_boundary(scores.threshold)
    record = {
        "step": run.step, "elapsed_min": round(run.elapsed_s / 60, 1), "training_views": run.views,
        "batch": options.batch, "seed": options.seed, "stages": [asdict(stage) for stage in options.stages],
        "learning_rate": options.learning_rate, "validation": asdict(scores),
    }
    log.write(json.dumps({"validation": asdict(scores), "step": run.step}) + "\n")
    print(f"validation  {scores}", flush=True)
    path = output / f"{options.model}.safetensors"
    save_checkpoint(path, network, options.model, config=options.config, record=record,
                    canonical_focal=options.canonical_focal / scores.scale, working_size=(size.width, size.height))
    return path
