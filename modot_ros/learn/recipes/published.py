# SPDX-License-Identifier: Apache-2.0
"""`modot train --recipe published`: MoDOT and its second stage, trained as their authors did (WACV 2026).

What is as published: Adam without weight decay, a rate that falls with the power 0.9 to a tenth, gradients of norm 100 at
most, losses and their weights by data set, crop, flip and photometric distortion, stochastic depth 0.3, half precision
on a GPU, and a first stage that the second does not teach but leaves in training mode, so that its batch norms move on.
What is not: the published code evaluates all its checkpoints on the test split; here every twentieth training picture is held
out, and the weights that score best on these are kept. Pixels without depth are ignored on NYUD-MT, too.

Every draw follows from the seed and the number of the batch, so that a run that was killed repeats its curve.
"""
from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modot_ros.learn.recipes.first_weights import digest, fill_encoder
from modot_ros.learn.recipes.pictures import KINDS, Pictures, batch_of, open_pictures
from modot_ros.learn.recipes.run import finish
from modot_ros.learn.training.losses import balanced_boundary, log_difference, scale_invariant_log
from modot_ros.learn.training.published_losses import DEPTH_WEIGHT, learnable, published_loss, recipe_of
from modot_ros.learn.training.ranks import Ranks, joined
from modot_ros.learn.training.state_file import save_state
from modot_ros.machine import threads
from modot_ros.model import PRECISIONS, build_network, read_network, save_checkpoint
from modot_ros.model.checkpoint import check_precision, choose_device
from modot_ros.model.modot.official import facts_of

STAGES = {"modot": 1, "modot_ssr": 2}
CHECKPOINT = "published.pt"
CROP = 320
GRADIENT_LIMIT = 100.0
LAST_RATE = 0.1                                         # of the first one, at the end
MOST_SKIPPED = 50                                       # batches in a row without a finite gradient that a run survives
TRAINED_DEPTH = {"nyud-mt": 10.0, "ob-future": 10.0, "ob-hypersim": 100.0}      # largest, in the unit of the data set


@dataclass(frozen=True)
class Schedule:
    """Of one stage on one data set."""

    batch: int
    epochs: int                                         # after which the rate would be at its end
    rate: float
    crop: int | None = None
    stop: int | None = None                             # steps after which it was stopped before that


SCHEDULES = {
    ("modot", "nyud-mt"): Schedule(4, 50, 3e-5),
    ("modot", "ob-future"): Schedule(8, 20, 3e-5, CROP),
    ("modot", "ob-hypersim"): Schedule(8, 20, 3e-5, CROP, 50000),
    ("modot_ssr", "nyud-mt"): Schedule(4, 50, 3e-3),
    ("modot_ssr", "ob-future"): Schedule(4, 10, 5e-5),
    ("modot_ssr", "ob-hypersim"): Schedule(8, 10, 3e-4, None, 30000),
}


@dataclass(frozen=True)
class PublishedOptions:
    """One run. None takes what was published for the network and the data set. Raises ValueError on what cannot work."""

    data: str                                           # KIND=FOLDER of `pictures.KINDS`, or a folder of rendered rooms
    output: str                                         # folder for checkpoint, log and weights
    model: str = "modot"                                # one of STAGES
    backbone: str | None = None                         # file of a Swin trained on ImageNet-22k, for modot
    first_stage: str | None = None                      # weights of modot, for modot_ssr
    config: dict[str, Any] = field(default_factory=dict)    # of Modot's constructor
    steps: int | None = None
    batch: int | None = None                            # shared by all processes
    learning_rate: float | None = None
    crop: int | None = None
    seed: int = 0
    device: str = "cpu"
    precision: str | None = None                        # None: fp16 on a GPU, fp32 elsewhere
    threads: int = threads()
    validate_every: int = 1000                          # steps; the state is saved then, too

    def __post_init__(self) -> None:
        if self.model not in STAGES:
            raise ValueError(f"model {self.model!r} has no published recipe: choose one of {', '.join(STAGES)}")
        if self.model == "modot_ssr" and (self.first_stage is None or self.backbone is not None):
            raise ValueError("modot_ssr is the second stage: it needs --first-stage, weights of modot, and takes no --backbone")
        if self.model == "modot" and self.first_stage is not None:
            raise ValueError(f"--first-stage {self.first_stage}: modot is the first stage, only modot_ssr begins with one")
        for name in ("steps", "batch", "learning_rate", "crop", "threads", "validate_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name}={value}: must be positive")
        if self.batch == 1:
            raise ValueError("batch=1: batch norm needs at least 2 pictures")


def rate_at(step: int, steps: int, first: float) -> float:
    """Learning rate of a step: falls with the power 0.9 to a tenth."""
    return first * ((1.0 - LAST_RATE) * (1.0 - min(step / steps, 1.0)) ** 0.9 + LAST_RATE)


class PublishedRun:
    """State of a run: network, optimiser, counts of batches and steps, and the best score so far."""

    def __init__(self, options: PublishedOptions, pictures: Pictures, ranks: Ranks = Ranks()) -> None:
        self.options, self.pictures, self.ranks = options, pictures, ranks
        self.dataset = KINDS[pictures.kind]
        plan = SCHEDULES[options.model, self.dataset]
        self.batch = options.batch or plan.batch
        if self.batch % ranks.world or self.batch < 2 * ranks.world:
            raise ValueError(f"batch={self.batch}: {ranks.world} processes need a multiple of {ranks.world} and two "
                             "pictures each")
        self.crop = options.crop or plan.crop
        self.rate = options.learning_rate or plan.rate
        self.planned = options.steps or plan.epochs * math.ceil(len(pictures.shown) / self.batch)
        self.steps = options.steps or min(self.planned, plan.stop or self.planned)
        self.device = choose_device(ranks.device(options.device))
        self.precision = options.precision or ("fp16" if self.device.type == "cuda" else "fp32")
        check_precision(self.precision, self.device)
        self.begun_with, self.file = (options.backbone or options.first_stage), None
        torch.manual_seed(options.seed)
        self.network, self.config = self._network()
        if self.begun_with:
            self.file = digest(self.begun_with)
        self.network.to(self.device)
        self.learned = [p for p in self.network.parameters() if p.requires_grad]
        self.shared = ranks.share(self.network, self.device)
        self.optimiser = torch.optim.Adam(self.learned, lr=self.rate)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.drawn = self.step = self.skipped_in_a_row = 0
        self.best: float | None = None

    def _network(self) -> tuple[nn.Module, dict[str, Any]]:
        """In training sizes and units, and the config that its weights' file states."""
        options = self.options
        depth = facts_of(self.dataset)["config"]["max_depth"]
        trained = {"sizes": "exact", "max_depth": TRAINED_DEPTH[self.dataset]}
        if options.model == "modot":
            network = build_network("modot", **{**options.config, **trained})
            if options.backbone is not None:
                fill_encoder(network.backbone, options.backbone)
            return network, {**options.config, "max_depth": depth}
        first, facts, path = read_network("modot", options.first_stage)
        config = {**facts["config"], "max_depth": depth}
        if facts["config"].get("max_depth", 10.0) != depth:
            raise ValueError(f"{path}: predicts depth up to {facts['config'].get('max_depth', 10.0)} m, expected was a first "
                             f"stage of {self.dataset}, up to {depth} m")
        network = build_network("modot_ssr", **{**config, **trained})
        network.first.load_state_dict(first.state_dict())
        network.first.requires_grad_(False)
        return network, config

    def indices(self) -> list[int]:
        """Pictures of the next batch: shuffled anew in every round, of which the last batch goes on into the next."""
        shown, first = self.pictures.shown, self.drawn * self.batch
        found = []
        for k in range(first, first + self.batch):
            turn, at = divmod(k, len(shown))
            found.append(shown[np.random.default_rng((self.options.seed, turn)).permutation(len(shown))[at]])
        return found

    def advance(self) -> dict[str, float]:
        """One batch. Its losses; "skipped" among them where the gradient was not finite, which counts as no step.

        Raises ValueError for a picture that can't be read; FloatingPointError after MOST_SKIPPED such batches in a row.
        """
        share = self.batch // self.ranks.world
        mine = slice(self.ranks.rank * share, (self.ranks.rank + 1) * share)
        seeds = np.random.SeedSequence((self.options.seed, self.drawn)).generate_state(self.batch + 1).tolist()
        image, depth, boundary = (part.to(self.device) for part in
                                  batch_of(self.pictures, self.indices()[mine], self.crop, seeds[1:][mine]))
        torch.manual_seed(seeds[0] + self.ranks.rank)               # of stochastic depth
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.planned, self.rate)
        self.network.train()                            # the frozen first stage as well
        predicted, logits = self._predict(self.shared, image)
        parts = published_loss(predicted, logits, depth, boundary, self.dataset, self.step)
        total = sum(parts)
        self.optimiser.zero_grad()
        self.scaler.scale(total).backward()
        self.scaler.unscale_(self.optimiser)
        usable = bool(torch.isfinite(nn.utils.clip_grad_norm_(self.learned, GRADIENT_LIMIT)))
        if usable or self.scaler.is_enabled():
            self.scaler.step(self.optimiser)            # leaves such a step out itself
            self.scaler.update()
        self.drawn += 1
        self.step += usable
        self.skipped_in_a_row = 0 if usable else self.skipped_in_a_row + 1
        if self.skipped_in_a_row >= MOST_SKIPPED:
            raise FloatingPointError(f"{MOST_SKIPPED} batches in a row without a finite gradient at step {self.step}")
        names = ("loss", "depth", "boundary", "constraint")
        found = {name: float(value.detach()) for name, value in zip(names, (total, *parts))}
        return found if usable else {**found, "skipped": 1}

    def _predict(self, network: nn.Module, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        with torch.autocast(self.device.type, PRECISIONS[self.precision], enabled=self.precision != "fp32"):
            depth, logits = network(image)
        return depth.float(), [x.float() for x in ([logits] if isinstance(logits, Tensor) else logits)]

    @torch.no_grad()
    def score(self) -> float:
        """Mean loss of depth and of the final boundary map on pictures that were held out; smaller is better."""
        self.network.eval()
        recipe, found = recipe_of(self.dataset), []
        for index in self.pictures.held_out:
            image, depth, boundary = (part.to(self.device) for part in batch_of(self.pictures, [index], self.crop, None))
            predicted, logits = self._predict(self.network, image)
            valid = learnable(depth, self.dataset)
            one = (DEPTH_WEIGHT * scale_invariant_log(log_difference(predicted, depth, valid), valid)
                   + recipe.boundary_weight * balanced_boundary(logits[-1], boundary, recipe.negative_weight))
            if torch.isfinite(one):
                found.append(float(one))
        if not found:
            raise ValueError(f"{self.options.data}: no held-out picture gives a finite loss")
        return sum(found) / len(found)

    def _identity(self) -> dict[str, Any]:
        """What the curve depends on."""
        options = {key: value for key, value in asdict(self.options).items() if key in ("seed", "config")}
        return json.loads(json.dumps({**options, "kind": self.pictures.kind, "pictures": self.pictures.count,
                                      "batch": self.batch, "steps": self.planned, "crop": self.crop,
                                      "learning_rate": self.rate, "precision": self.precision,
                                      "processes": self.ranks.world}))

    def save(self, path: Path) -> None:
        """Raises OSError when it can't be written; what was there before is then still there."""
        save_state({"stage": STAGES[self.options.model], "begun_with": self.begun_with and str(self.begun_with),
                    "begun_with_digest": self.file, "options": self._identity(), "network": self.network.state_dict(),
                    "optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict(),
                    "drawn": self.drawn, "step": self.step, "best": self.best}, path)

    def load(self, path: Path) -> None:
        """Continue from a file of `save`. Raises ValueError, which names the file, when it is of another stage, began with
        another file or has another curve; nothing is overwritten."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        stage = STAGES[self.options.model]
        if state["stage"] != stage:
            raise ValueError(f"{path}: is a run of stage {state['stage']}, expected was one of stage {stage} "
                             f"({self.options.model}); use another --output for it")
        if state["begun_with_digest"] != self.file:
            raise ValueError(f"{path}: that run began with {state['begun_with']} (SHA-256 "
                             f"{str(state['begun_with_digest'])[:12]}), not with {self.begun_with} ({str(self.file)[:12]})")
        now = self._identity()
        other = [f"{key} was {state['options'].get(key)!r}, is {now[key]!r}" for key in now
                 if state["options"].get(key) != now[key]]
        if other:
            raise ValueError(f"{path} belongs to another run ({'; '.join(other)}): use its options or a new folder")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        self.drawn, self.step, self.best = state["drawn"], state["step"], state["best"]

    def write_weights(self, path: Path, score: float) -> None:
        """The network as it is, in 32 bits. Raises OSError when it can't be written."""
        facts = facts_of(self.dataset)
        along = "axis" if self.pictures.kind == "rooms" else facts["depth_along"]
        record = {**facts["record"], "dataset": self.pictures.kind, "recipe": "published", "step": self.step,
                  "seed": self.options.seed, "validation_loss": round(score, 5), "begun_with": self.file}
        save_checkpoint(path, self.network, self.options.model, config=self.config, depth_along=along, canonical_focal=None,
                        working_size=None, record=record)


def train_published(options: PublishedOptions) -> Path:
    """Train to the end, continuing the run that `options.output` holds; returns the path of the best weights.

    Writes CHECKPOINT (to resume), `log.jsonl` and MODEL.safetensors, the weights that score best. Raises ValueError and
    FileNotFoundError, naming the file, for a folder, weights or a checkpoint that don't fit, before anything is written, and
    ValueError for a picture that can't be read, when its turn comes; checkpoint and weights are then those before.
    """
    torch.set_num_threads(options.threads)
    output = Path(options.output)
    with joined(options.device) as ranks:
        run = PublishedRun(options, open_pictures(options.data), ranks)
        title = (f"stage {STAGES[options.model]} on {options.data}, {len(run.pictures.shown)} pictures, "
                 f"{len(run.pictures.held_out)} held out, begun with {run.begun_with or 'random weights'}, {run.precision} on "
                 f"{run.device}")
        weights = output / f"{options.model}.safetensors"
        return finish(run, output / CHECKPOINT, weights, ranks.first, options.validate_every, title)
