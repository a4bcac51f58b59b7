# SPDX-License-Identifier: Apache-2.0
"""Training of a network that reads strokes, by the two stages of DNMMSI (Xu and Wang, BMVC 2025).

In the first stage strokes are drawn before there is an output: along some true lines, and along edges of the picture that are
no boundaries. In the second one a first pass without strokes gives an output, the simulated person corrects it, and the
network learns to predict the truth from both. Radii and lengths are those of `Lengths.scaled`. Three things are added to the
paper: the brush's width varies, as people choose it; some pictures get the strokes of another one, so that a stroke
counts for little where the picture has no edge; and the small network's loss counts pixels under strokes more often.
"""
from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modot_ros.learn.interaction.editor import correct, correct_at_first, second_stage_maps
from modot_ros.learn.interaction.losses import WEIGHTS, interactive_losses
from modot_ros.learn.interaction.segments import Lengths
from modot_ros.learn.training.averaged_weights import Averaged
from modot_ros.learn.training.batch_renorm import hold_statistics
from modot_ros.learn.training.journal import Journal, progress_line
from modot_ros.learn.training.loop import CHECKPOINT, LOG_EVERY, learning_rate, open_views
from modot_ros.learn.training.losses import balanced_boundary
from modot_ros.learn.training.mixture import Deck, Mixture
from modot_ros.learn.training.options import Share
from modot_ros.learn.training.state_file import save_state
from modot_ros.learn.training.views import Batch, Viewable, Views, load_views, plain_batch, training_batch
from modot_ros.machine import threads
from modot_ros.model import STROKE_MODELS, build_network, read_network, save_checkpoint
from modot_ros.model.checkpoint import choose_device
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN
from modot_ros.scene.boundaries import thin
from modot_ros.scene.pixel_scores import boundary_f
from modot_ros.scene.suppression import PREVIOUS_THRESHOLD, previous_output

FIRST_STAGE = 4 / 13                                    # of the run: epochs 0-3 of 13
OTHER_STROKES = 0.3                                     # share of the second stage's pictures that get those of another one
STROKE_IMPORTANCE = 4.0                                 # of the pixels under strokes, where somebody saw an error
BRUSHES = (0.6, 1.6)                                    # how much narrower or broader than scaled
MOST = 5                                                # strokes of either kind at validation
BEGIN_VIEWS = 24                                        # that the weights of modot_nano are taken over with
THRESHOLDS = tuple(k / 20 for k in range(4, 20))
ANY_FOCAL = 0.8                                         # depth is not learned from
FREE = ("output", "validation", "validation_views", "validate_every_minutes", "save_every_minutes", "device", "threads")


@dataclass(frozen=True)
class StrokeOptions:
    """One run. Exactly one of `steps` and `minutes` says how long. Raises ValueError on values that cannot work."""

    train: str                                          # folder of shards
    validation: str                                     # folder of other shards
    output: str                                         # folder for checkpoint, log and weights
    more: tuple[Share, ...] = ()                        # other sets to mix in
    model: str = "scribble_nano"                        # one of modot_ros.model.STROKE_MODELS
    start: str | None = None                            # weights to train on from: a file, "" for the package's; None: fresh
    steps: int | None = None
    minutes: float | None = None
    batch: int = 8
    width: int = 256
    height: int = 192
    learning_rate: float = 5e-4                         # at the top of the schedule
    warm_up: float = 0.04                               # share of the run
    weight_decay: float = 0.002
    negative_weight: float = 3.0                        # lambda of the class-balanced loss; the published networks have theirs
    ema_decay: float = 0.99
    gradient_limit: float = 5.0                         # norm
    seed: int = 0
    validate_every_minutes: float = 10.0
    validation_views: int = 40
    save_every_minutes: float = 2.0
    device: str = "cpu"
    threads: int = threads()

    def __post_init__(self) -> None:
        if self.model not in STROKE_MODELS:
            raise ValueError(f"model {self.model!r} takes no strokes: choose one of {', '.join(STROKE_MODELS)}")
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(f"steps={self.steps}, minutes={self.minutes}: give exactly one of the two")
        for name in ("steps", "minutes", "learning_rate", "negative_weight", "gradient_limit", "validation_views", "threads"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name}={value}: must be positive")
        if self.batch < 2:
            raise ValueError(f"batch={self.batch}: batch norm needs at least 2 views")
        if min(self.width, self.height) < 32 or self.width % 32 or self.height % 32:
            raise ValueError(f"views of {self.width}x{self.height}: both must be multiples of 32")
        for share in self.more:
            if not 0 < share.weight < math.inf:
                raise ValueError(f"weight {share.weight} of {share.folder}: must be positive")

    def of_the_curve(self) -> dict[str, Any]:
        """The options that the loss curve depends on, as JSON has them."""
        return json.loads(json.dumps({name: value for name, value in asdict(self).items() if name not in FREE}))


class StrokeRun:
    """State of a run on views of `counts` per folder: network, average, optimiser, random numbers, step and time."""

    def __init__(self, options: StrokeOptions, counts: tuple[int, ...], network: nn.Module, record: dict[str, Any]) -> None:
        self.options, self.counts, self.record = options, counts, record
        self.device = choose_device(options.device)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.held = options.model == "scribble_nano"    # batch norms: begins with statistics that are worth keeping
        self.average = Averaged(self.network, options.ema_decay)
        matrices = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW([{"params": matrices}, {"params": others, "weight_decay": 0.0}],
                                           lr=options.learning_rate, weight_decay=options.weight_decay)
        self.generator, self.draws = torch.Generator().manual_seed(options.seed), Random(options.seed)
        self.deck = Deck(counts, (1.0, *(share.weight for share in options.more)))
        self.lengths = Lengths.scaled(options.width, options.height)
        self.step, self.elapsed_s = 0, 0.0

    @property
    def progress(self) -> float:
        if self.options.steps is not None:
            return self.step / self.options.steps
        return self.elapsed_s / (60.0 * self.options.minutes)

    def advance(self, views: Viewable) -> dict[str, float]:
        """One optimiser step; returns the parts of the loss. A step whose gradient is not finite changes no weight."""
        started, options = time.perf_counter(), self.options
        rate = learning_rate(self.progress, options.learning_rate, options.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        stage = 1 if self.progress < FIRST_STAGE else 2
        batch = training_batch(views, self.deck.draw(options.batch, self.generator), options.width, options.height, ANY_FOCAL,
                               self.generator, whole=1.0)
        maps = self.first_maps(batch) if stage == 1 else self.second_maps(batch)
        self.network.train()
        if self.held:
            hold_statistics(self.network)
        boundary = batch.boundary.to(self.device)
        logits = self.network(self._input(batch.image, maps))
        touched = torch.from_numpy(maps[:, :2].max(axis=1, keepdims=True)).to(self.device)
        loss = stroke_loss(logits, boundary, options.negative_weight, 1.0 + (STROKE_IMPORTANCE - 1.0) * touched)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.gradient_limit)
        usable = bool(torch.isfinite(norm))
        if usable:
            self.optimiser.step()
            self.average.update(self.network, self.step)
        self.step += 1
        self.elapsed_s += time.perf_counter() - started
        return {"loss": float(loss.detach()), "norm": float(norm), "rate": rate, "stage": stage, "width": options.width,
                **({} if usable else {"skipped": 1})}

    def first_maps(self, batch: Batch) -> np.ndarray:
        """Strokes before any output, float32 [N, 3, h, w]."""
        lengths, maps = self._brush(), []
        for image, boundary in zip(batch.image, batch.boundary):
            truth = boundary[0].numpy() == 1
            done = correct_at_first(_rgb(image), truth, self.draws, lengths=lengths)
            maps.append(np.stack([done.missing, done.false, np.zeros_like(truth)]).astype(np.float32))
        return np.stack(maps)

    def second_maps(self, batch: Batch) -> np.ndarray:
        """Strokes at the errors of a first pass, float32 [N, 3, h, w]; some have been drawn for another picture."""
        self.network.eval()
        with torch.inference_mode():
            nothing = np.zeros((len(batch.image), 3, *batch.image.shape[-2:]), np.float32)
            found = torch.sigmoid(self.network(self._input(batch.image, nothing))[-1]).cpu()
        maps = second_stage_maps([one[0].numpy() for one in found], [one[0].numpy() == 1 for one in batch.boundary],
                                 self.draws, binary=self.network.version == 2, lengths=self._brush())
        swapped = [k for k in range(len(maps)) if self.draws.random() < OTHER_STROKES]
        maps[swapped, :2] = np.roll(maps, 1, axis=0)[swapped, :2]
        unknown = [k for k, one in enumerate(batch.boundary) if not (one <= 1).any()]
        maps[unknown, :2] = 0                           # nobody knows what is wrong there
        return maps

    def _brush(self) -> Lengths:
        low, high = (math.log(factor) for factor in BRUSHES)
        return replace(self.lengths, radius_px=max(1, round(self.lengths.radius_px * math.exp(self.draws.uniform(low, high)))))

    def _input(self, image: Tensor, maps: np.ndarray) -> Tensor:
        x = torch.cat([image, torch.from_numpy(maps)], dim=1)[:, :self.network.input_channels]
        return x.to(self.device, memory_format=torch.channels_last)

    def save(self, path: Path) -> None:
        """Write everything to `path`. Raises OSError when that fails; what was there before is then still there."""
        state = {"options": self.options.of_the_curve(), "counts": list(self.counts), "network": self.network.state_dict(),
                 "average": self.average.state, "optimiser": self.optimiser.state_dict(), "draws": self.draws.getstate(),
                 "generator": self.generator.get_state(), "orders": self.deck.orders, "step": self.step,
                 "elapsed_s": self.elapsed_s}
        save_state(state, path)

    def load(self, path: Path) -> None:
        """Continue from a file of `save`. Raises ValueError when that run has another loss curve than this one."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        now = {**self.options.of_the_curve(), "counts": list(self.counts)}
        then = {**state["options"], "counts": state["counts"]}
        if other := [f"{key} was {then.get(key)!r}, is {now[key]!r}" for key in now if now[key] != then.get(key)]:
            raise ValueError(f"{path} belongs to another run ({'; '.join(other)}): use its options or a new folder")
        self.network.load_state_dict(state["network"])
        self.average.state = {key: value.to(self.device) for key, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.draws.setstate(state["draws"])
        self.deck.orders, self.step, self.elapsed_s = list(state["orders"]), state["step"], state["elapsed_s"]

    def averaged_network(self, config: dict[str, Any]) -> nn.Module:
        """On the CPU, in evaluation."""
        network = build_network(self.options.model, **config)
        network.load_state_dict(self.average.state)
        return network.eval()


def stroke_loss(logits: list[Tensor], boundary: Tensor, negative_weight: float = 3.0,
                importance: Tensor | None = None) -> Tensor:
    """Of the published networks, which have six outputs, their own; else that of the small ones, where what is before the last
    output counts a fifth, and pixels by their `importance` [N, 1, h, w]. boundary: [N, 1, h, w], 0, 1, or anything else where
    nothing is known."""
    if len(logits) == len(WEIGHTS):
        return interactive_losses(logits, boundary).sum()
    each = [balanced_boundary(x, boundary, negative_weight, importance) for x in logits]
    return each[-1] + 0.2 * sum(each[:-1])


def train_strokes(options: StrokeOptions) -> Path:
    """Train to the end, continuing the run that `options.output` holds if there is one; returns the weights' path.

    Writes `training.pt` (to resume), `log.jsonl` and `MODEL.safetensors` (averaged weights), the last at every validation.
    Raises what `load_views` and `StrokeRun.load` raise, and OSError when the weights can't be written.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    views = Mixture([load_views(options.train), *(open_views(share, ANY_FOCAL) for share in options.more)],
                    (1.0, *(share.weight for share in options.more)))
    held_out = load_views(options.validation, options.validation_views)
    network, config, record = _beginning(options, views)
    run = StrokeRun(options, views.counts, network, record)
    if (output / CHECKPOINT).exists():
        run.load(output / CHECKPOINT)
    with Journal(output, run.step) as journal:
        journal.say(f"{' + '.join(map(str, views.counts))} views to train on, {len(held_out)} held out, "
                    f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters on {run.device}, step {run.step}")
        validated_s = saved_s = run.elapsed_s
        while run.progress < 1.0:
            parts = run.advance(views)
            if run.step % LOG_EVERY == 0 or "skipped" in parts:
                journal.record(run.step, {"elapsed_s": round(run.elapsed_s, 1), **parts})
                journal.say(progress_line(run.step, run.progress, run.elapsed_s, options.batch, parts))
            over = run.progress >= 1.0
            if over or run.elapsed_s - saved_s > 60 * options.save_every_minutes:
                saved_s = run.elapsed_s
                run.save(output / CHECKPOINT)
            if not over and run.elapsed_s - validated_s > 60 * options.validate_every_minutes:
                validated_s = run.elapsed_s
                _validate(run, config, held_out, journal)
        return _validate(run, config, held_out, journal)


def check_strokes(options: StrokeOptions) -> None:
    """Raises ValueError or FileNotFoundError for what `train_strokes` would find out after rooms have been rendered for it: no
    such device, weights to start from or set to mix in."""
    choose_device(options.device)
    if options.start is not None:
        read_network(options.model, options.start or None)
    for share in options.more:
        open_views(share, ANY_FOCAL)


def _beginning(options: StrokeOptions, views: Viewable) -> tuple[nn.Module, dict[str, Any], dict[str, Any]]:
    """Network, config and record. A fresh `scribble_nano` begins with the weights of `modot_nano`."""
    if options.start is not None:
        network, facts, path = read_network(options.model, options.start or None)
        return network, facts["config"], {"started_from": {"weights": path.name, **facts["record"]}}
    network = build_network(options.model)
    if options.model != "scribble_nano":
        return network, {}, {}
    nano, _, path = read_network("modot_nano")
    sets = views.counts if isinstance(views, Mixture) else (1,)
    images = plain_batch(views, torch.arange(min(BEGIN_VIEWS, sum(sets))), options.width, options.height, ANY_FOCAL).image
    network.begin_with(nano, images)
    network.centre_boundary(0.5, PREVIOUS_THRESHOLD)
    return network, {}, {"started_from": {"weights": path.name}}


def _rgb(image: Tensor) -> np.ndarray:
    """A normalised picture [3, h, w] -> float32 [h, w, 3] in 0..255."""
    rgb = image * torch.tensor(IMAGE_DEVIATION).view(3, 1, 1) + torch.tensor(IMAGE_MEAN).view(3, 1, 1)
    return (255 * rgb.clamp(0, 1)).permute(1, 2, 0).numpy()


@torch.inference_mode()
def _probabilities(network: nn.Module, views: Views, size: tuple[int, int],
                   maps: list[np.ndarray] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Probability and truth of every view, with these maps or none."""
    for k in range(len(views)):
        batch = plain_batch(views, torch.tensor([k]), *size, ANY_FOCAL)
        drawn = torch.zeros(1, 3, size[1], size[0]) if maps is None else torch.from_numpy(maps[k])[None]
        x = torch.cat([batch.image, drawn], dim=1)[:, :network.input_channels]
        yield torch.sigmoid(network(x)[-1][0, 0]).numpy(), batch.boundary[0, 0].numpy() == 1


def _validate(run: StrokeRun, config: dict[str, Any], held_out: Views, journal: Journal) -> Path:
    """Score both passes at the threshold that strokes are drawn over, and write the averaged weights.

    `scribble_nano` is calibrated first: the threshold that is best without strokes becomes this one.
    """
    options, size = run.options, (run.options.width, run.options.height)
    network = run.averaged_network(config)

    def f(probability: np.ndarray, truth: np.ndarray, threshold: float = PREVIOUS_THRESHOLD) -> float:
        return boundary_f(thin(probability, np.full(truth.shape, np.nan, np.float32), threshold)[0], truth).f

    found = list(_probabilities(network, held_out, size))
    best = max(THRESHOLDS, key=lambda threshold: np.mean([f(*one, threshold) for one in found]))
    if options.model == "scribble_nano":
        network.centre_boundary(best, PREVIOUS_THRESHOLD)
        found = list(_probabilities(network, held_out, size))
    draws, maps = Random(0), []
    for probability, truth in found:
        previous = previous_output(probability, network.version == 2)
        done = correct(truth, previous, draws, MOST, run.lengths)
        maps.append(np.stack([done.missing, done.false, previous]).astype(np.float32))
    after = list(_probabilities(network, held_out, size, maps))
    other = list(_probabilities(network, held_out, size, [np.stack([*maps[k - 1][:2], one[2]]) for k, one in enumerate(maps)]))
    scores = {"views": len(held_out), "threshold": best,
              **{name: round(float(np.mean([f(*one) for one in looks])), 4)
                 for name, looks in (("f_first", found), ("f_refined", after), ("f_strokes_of_others", other))}}
    journal.record(run.step, scores, "validation")
    journal.say(f"validation  {scores}")
    record = {"step": run.step, "elapsed_min": round(run.elapsed_s / 60, 1), "training_views": sum(run.counts),
              "batch": options.batch, "seed": options.seed, "learning_rate": options.learning_rate, "validation": scores,
              **run.record}
    path = Path(options.output) / f"{options.model}.safetensors"
    small = options.model == "scribble_nano"
    save_checkpoint(path, network, options.model, config=config, depth_kind="none", canonical_focal=None, record=record,
                    working_size=size if small else None, half=small)
    return path
