# SPDX-License-Identifier: Apache-2.0
"""Training of a network: one straight loop, seeded, resumable, with a finished schedule however long it may take.

Everything that changes over a run (learning rate, picture size, the end) depends on one number, the progress from 0 to
1. It is step / steps, or elapsed / budget when minutes are given instead; with steps, a run that was killed and resumed
repeats the loss curve of one that was not. Several processes (`ranks`) share each batch.
"""
from __future__ import annotations

import hashlib
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.evaluation.panels import side_by_side
from modot_ros.learn.evaluation.validation import score_classes, score_network
from modot_ros.learn.training import losses
from modot_ros.learn.training.any_camera import any_camera_batch
from modot_ros.learn.training.averaged_weights import Averaged
from modot_ros.learn.training.batch_renorm import hold_statistics, renormalise, set_freedom
from modot_ros.learn.training.dataset_views import SampleViews, open_sample_views
from modot_ros.learn.training.journal import Journal, progress_line
from modot_ros.learn.training.mixture import Deck, Mixture
from modot_ros.learn.training.options import ADDED_PARTS, Share, Stage, TrainingOptions
from modot_ros.learn.training.ranks import Ranks, joined
from modot_ros.learn.training.state_file import save_state
from modot_ros.learn.training.stochastic_depth import omit_branches
from modot_ros.learn.training.views import Batch, Viewable, Views, load_views, plain_batch, training_batch
from modot_ros.model import PRECISIONS, build_network, read_network, save_checkpoint
from modot_ros.model.checkpoint import check_precision, choose_device, shipped_config
from modot_ros.model.lite.encoder import read_encoder_weights

CHECKPOINT = "training.pt"
LOG_EVERY = 20                                          # steps
MOST_SKIPPED = 50                                       # steps in a row without a finite gradient that a run survives
STATISTICS_VIEWS = 240                                  # that batch norms of the averaged weights are measured on
SAMPLES = 4                                             # held-out views that are drawn at every validation


def learning_rate(progress: float, peak: float, warm_up: float) -> float:
    """Linear rise over `warm_up` of the run, then half a cosine down to 1 % of the peak."""
    if progress < warm_up:
        return peak * max(progress / warm_up, 0.01)
    return peak * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * (progress - warm_up) / (1.0 - warm_up))))


def total_loss(network: nn.Module, batch: Batch, options: TrainingOptions) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch, and its parts for the log. The network may be one that processes share."""
    own = getattr(network, "module", network)
    more = {"classes": True} if getattr(own, "has_semantics", False) else {}
    with torch.autocast(batch.image.device.type, PRECISIONS[options.precision], enabled=options.precision != "fp32"):
        depth_m, logits, log_depth_std, class_logits, *_ = *network(batch.image, **more), None, None
    depth_m, logits = depth_m.float(), [x.float() for x in logits]      # a loss needs all its digits
    valid = losses.valid_depth(batch.depth_m, own.min_depth_m, own.max_depth_m)
    difference = losses.log_difference(depth_m, batch.depth_m, valid)
    metric = valid & batch.metric.view(-1, 1, 1, 1)
    log = losses.absolute_log(difference, valid & batch.teaches_metres.view(-1, 1, 1, 1))
    relative = losses.relative_log(difference, valid)
    gradient = losses.gradient_matching(difference, valid)
    boundaries = [losses.balanced_boundary(x, batch.boundary, options.boundary_negative_weight) for x in logits]
    boundary = boundaries[-1] + 0.2 * sum(boundaries[:-1])
    jump, smooth = losses.boundary_depth_constraint(depth_m, batch.depth_m, batch.boundary, valid)
    constraint = jump + smooth
    total = (options.depth_weight * log + options.relative_weight * relative + 0.5 * gradient
             + options.boundary_weight * boundary + options.constraint_weight * constraint)
    parts = {"loss": total, "log": log, "relative": relative, "gradient": gradient, "boundary": boundaries[-1],
             "jump": jump, "smooth": smooth}
    if log_depth_std is not None:
        unseen = torch.isposinf(batch.depth_m)
        parts["uncertainty"] = losses.laplace_likelihood(difference.masked_fill(unseen, losses.GUESS), log_depth_std,
                                                         metric | unseen)
        total = total + options.uncertainty_weight * parts["uncertainty"]
    if class_logits is not None:
        parts["classes"] = losses.class_cross_entropy(class_logits.float(), batch.classes)
        total = total + options.class_weight * parts["classes"]
    parts["loss"] = total
    return total, {name: float(value.detach()) for name, value in parts.items()}


@dataclass(frozen=True)
class Beginning:
    """What a run begins with: a fresh network, or a trained one and what its file says."""

    network: nn.Module
    config: dict[str, Any]                              # of the network's constructor
    canonical_focal: float                              # focal length / picture width that its metres are to hold for
    record: dict[str, Any]                              # how it came to its weights
    file: str | None = None                             # digest of the file that they were read from

    @classmethod
    def of(cls, options: TrainingOptions) -> Beginning:
        """Raises what `read_network` raises for `options.start`. Weights that say distance along the ray come to say z."""
        torch.manual_seed(options.seed)
        if options.start is None:
            config, record = options.config or shipped_config(options.model), {}
            network = build_network(options.model, **config)
            if hasattr(network, "pretrained"):
                network.pretrained().load_state_dict(read_encoder_weights(options.encoder))
                record = {"encoder": "ImageNet"}
            return cls(network, config, options.canonical_focal, record)
        network, facts, path = read_network(options.model, options.start or None)
        config = facts["config"]
        if options.model == "modot_nano" and not config.get(added := ADDED_PARTS.get(options.only, ""), not added):
            config = {**config, added: True}
            wider = build_network(options.model, **config)
            wider.load_state_dict(network.state_dict(), strict=False)
            network = wider
        record = facts["record"] if options.only else {"started_from": {"weights": path.name, **facts["record"]}}
        # The published weights state no camera.
        return cls(network, config, facts["canonical_focal"] or options.canonical_focal, record,
                   hashlib.sha256(path.read_bytes()).hexdigest()[:12])


class Run:
    """State of a run on views of `counts` per folder: network, average, optimiser, random numbers, step and time."""

    def __init__(self, options: TrainingOptions, counts: tuple[int, ...], ranks: Ranks = Ranks(),
                 beginning: Beginning | None = None) -> None:
        if options.batch % ranks.world or options.batch < 2 * ranks.world:
            raise ValueError(f"batch={options.batch}: {ranks.world} processes need a multiple of {ranks.world} and two "
                             "views each")
        if ranks.world > 1 and options.steps is None:
            raise ValueError(f"minutes={options.minutes}: several processes must agree on the end, give steps")
        self.options, self.counts, self.ranks = options, counts, ranks
        self.device = choose_device(ranks.device(options.device))
        check_precision(options.precision, self.device)
        self.beginning = beginning or Beginning.of(options)
        _freeze_all_but(self.beginning.network, options.only)
        if hasattr(self.beginning.network, "pretrained") and not options.encoder_rate:
            self.beginning.network.pretrained().requires_grad_(False)
        self.network = omit_branches(renormalise(self.beginning.network))
        self.network.to(self.device, memory_format=torch.channels_last)
        self.shared = ranks.share(self.network, self.device)
        self.former = {key: value.detach().clone() for key, value in self.network.state_dict().items()}
        self.average = Averaged(self.network, options.ema_decay)
        slow = {id(p) for p in self.network.pretrained().parameters()} if self.is_pretrained else set()
        groups = []
        for factor, inside in ((1.0, False), (options.encoder_rate, True)):
            chosen = [p for p in self.network.parameters() if p.requires_grad and (id(p) in slow) == inside]
            for decay, matrices in ((options.weight_decay, True), (0.0, False)):    # norms and biases do not decay
                groups.append({"params": [p for p in chosen if (p.ndim > 1) == matrices], "weight_decay": decay,
                               "factor": factor})
        self.optimiser = torch.optim.AdamW([group for group in groups if group["params"]], lr=options.learning_rate,
                                           betas=(0.9, 0.99))
        # Small gradients vanish in fp16 unless they are scaled up; does nothing otherwise.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=options.precision == "fp16")
        self.generator = torch.Generator().manual_seed(options.seed)
        self.deck = Deck(counts, (1.0, *(share.weight for share in options.more)))
        self.step = 0
        self.elapsed_s = 0.0
        self.skipped_in_a_row = 0

    @property
    def is_pretrained(self) -> bool:
        """Whether a part of the network was trained before, for another task."""
        return hasattr(self.network, "pretrained")

    @property
    def progress(self) -> float:
        if self.options.steps is not None:
            return self.step / self.options.steps
        return self.elapsed_s / (60.0 * self.options.minutes)

    @property
    def stage(self) -> Stage:
        return next(stage for stage in self.options.stages if self.progress < stage.until)

    def next_batch(self, views: Viewable) -> Batch:
        """This process's share of the next batch, augmented."""
        indices, generator, stage = self.deck.draw(self.options.batch, self.generator), self.generator, self.stage
        if self.ranks.world > 1:                        # the order is common, the augmentation is not
            indices = indices[self.ranks.rank::self.ranks.world]
            generator = torch.Generator().manual_seed(self._seed_of_step())
        make = any_camera_batch if self.options.any_camera else training_batch
        return make(views, indices, stage.width, stage.height, self.beginning.canonical_focal, generator,
                    stage.whole).to(self.device)

    def _seed_of_step(self) -> int:
        """Of what this process alone draws in this step."""
        return (self.options.seed * 1_000_003 + self.step) * self.ranks.world + self.ranks.rank

    def advance(self, views: Viewable) -> dict[str, float]:
        """One optimiser step; returns the parts of the loss.

        A step whose gradient is not finite changes no weight and no statistic, and says `skipped`. Raises
        FloatingPointError after MOST_SKIPPED of them in a row.
        """
        started, options, stage = time.perf_counter(), self.options, self.stage
        rate = learning_rate(self.progress, options.learning_rate, options.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        batch = self.next_batch(views)
        self.network.train()
        if options.start is not None:
            hold_statistics(self.network)               # those of a few pictures would be worse
            if options.only:
                getattr(self.network, options.only).train()
        elif self.is_pretrained:
            hold_statistics(self.network.pretrained())
        # Statistics of a network that has hardly begun to learn are not worth normalising with.
        set_freedom(self.network, min(1.0, self.progress / max(options.warm_up, 1e-9)))
        statistics = [buffer.clone() for buffer in self.network.buffers()]
        torch.manual_seed(self._seed_of_step())         # for the omitted branches: a resumed run leaves out the same
        loss, parts = total_loss(self.shared, batch, options)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.gradient_limit)
        usable = bool(torch.isfinite(norm))             # the same for all processes: gradients are common by now
        if usable:
            self.scaler.step(self.optimiser)
            self.average.update(self.network, self.step)
            self.skipped_in_a_row = 0
        else:
            for buffer, before in zip(self.network.buffers(), statistics):
                buffer.copy_(before)
            self.skipped_in_a_row += 1
        self.scaler.update()
        if self.skipped_in_a_row >= MOST_SKIPPED:
            raise FloatingPointError(f"step {self.step}: {MOST_SKIPPED} steps in a row had no finite gradient (loss "
                                     f"{parts['loss']}); the training data or the learning rate {rate:.1e} is at fault")
        self.step += 1
        self.elapsed_s += time.perf_counter() - started
        return {**parts, "norm": float(norm), "rate": rate, "width": stage.width, **({} if usable else {"skipped": 1})}

    def save(self, path: Path) -> None:
        """Write everything to `path`. Raises OSError when that fails; what was there before is then still there."""
        state = {
            "options": self.options.of_the_curve(), **self._of_the_data(),
            "network": self.network.state_dict(), "average": self.average.state,
            "optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict(),
            "generator": self.generator.get_state(), "orders": self.deck.orders,
            "step": self.step, "elapsed_s": self.elapsed_s,
        }
        save_state(state, path)

    def load(self, path: Path) -> None:
        """Continue from a file of `save`. Raises ValueError when that run has another loss curve than this one."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        now = {**self.options.of_the_curve(), **self._of_the_data()}
        # What a run from before there was an option had.
        defaults = TrainingOptions(train="", validation="", output="", steps=1).of_the_curve()
        then = {**defaults, "processes": 1, "start_file": now["start_file"], **state["options"],
                **{key: state[key] for key in self._of_the_data() if key in state}}
        other = [f"{key} was {then.get(key)!r}, is {now[key]!r}" for key in now if now[key] != then.get(key)]
        if other:
            raise ValueError(f"{path} belongs to another run ({'; '.join(other)}): use its options or a new folder")
        self.network.load_state_dict(state["network"])
        self.average.state = {key: value.to(self.device) for key, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        self.generator.set_state(state["generator"])
        self.deck.orders = list(state["orders"]) if "orders" in state else [state["order"]]
        self.step, self.elapsed_s = state["step"], state["elapsed_s"]

    def _of_the_data(self) -> dict[str, Any]:
        """What the curve depends on beside the options."""
        return {"views": self.counts[0] if len(self.counts) == 1 else list(self.counts), "processes": self.ranks.world,
                "start_file": self.beginning.file}

    def averaged_network(self, views: Viewable) -> nn.Module:
        """On the CPU, for scoring and for the weights' file.

        Its batch norms' statistics are measured anew, as after any averaging of weights (Izmailov et al., UAI 2018), on
        training views without augmentation: what a step leaves behind is of few pictures, and of other weights. Weights that
        were trained before have been held at theirs, and keep them; a share of these weights may be kept, too, which
        forgets less of what they could do (WiSE-FT; Wortsman et al., CVPR 2022).
        """
        options, size, focal = self.options, self.options.stages[-1], self.beginning.canonical_focal
        network = build_network(options.model, **self.beginning.config).to(memory_format=torch.channels_last)
        network.load_state_dict(self.average.state)
        if options.start is not None:
            with torch.no_grad():
                for key, value in network.state_dict().items():
                    if value.is_floating_point():
                        value.lerp_(self.former[key].to(value), options.keep)
            return network.eval()
        if self.is_pretrained:                          # the average has the running statistics of batch renormalisation
            return network.eval()
        number = max(2, min(STATISTICS_VIEWS, sum(self.counts)))        # a batch norm can't measure a single view
        drawn = Deck(self.counts, self.deck.weights.tolist()).draw(number, torch.Generator().manual_seed(options.seed))
        with torch.no_grad():
            update_bn((plain_batch(views, part, size.width, size.height, focal).image
                       for part in drawn.tensor_split(-(-number // 8))), network)
        return network.eval()


def _freeze_all_but(network: nn.Module, part: str) -> None:
    """Only a part is trained, all of the network without a name. Raises ValueError for one that the network has not."""
    parts = dict(network.named_children())
    if part and part not in parts:
        raise ValueError(f"only={part!r}: the network has no such part, choose one of {', '.join(parts)}")
    if part:
        network.requires_grad_(False)
        parts[part].requires_grad_(True)


def train(options: TrainingOptions) -> Path:
    """Train to the end, continuing the run that `options.output` holds if there is one; returns the weights' path.

    The options in FREE may differ from those that the run began with, all others and the number of views may not.

    Writes `training.pt` (to resume), `log.jsonl` (one line per LOG_EVERY steps, per skipped step and per validation),
    `samples/STEP.png` and `MODEL.safetensors` (averaged weights with config and record), the last two at every
    validation. Where several processes train together (`ranks`), the first one writes.

    Raises what `load_views` and `Run` raise; FloatingPointError when the loss stays infinite; OSError when the last
    checkpoint or the weights can't be written. A checkpoint that can't be written before the end is reported only.
    """
    torch.set_num_threads(options.threads)
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    with joined(options.device) as ranks:               # the first process may have rendered what all of them read
        beginning = Beginning.of(options)
        more = (open_views(share, beginning.canonical_focal) for share in options.more)
        views = Mixture([load_views(options.train), *more],
                        (1.0, *(share.weight for share in options.more)))
        held_out = load_views(options.validation, options.validation_views)
        run = Run(options, views.counts, ranks, beginning)
        if (output / CHECKPOINT).exists():
            run.load(output / CHECKPOINT)
        if not ranks.first:
            while run.progress < 1.0:
                run.advance(views)
            return output / f"{options.model}.safetensors"
        with Journal(output, run.step, options.tensorboard) as journal:
            if run.step:
                journal.say(f"continuing at step {run.step}, {run.elapsed_s / 60:.1f} min")
            journal.say(f"{' + '.join(map(str, views.counts))} views to train on, {len(held_out)} held out, "
                        f"{sum(p.numel() for p in run.network.parameters()) / 1e6:.2f} M parameters, "
                        f"{ranks.world} process{'es' if ranks.world > 1 else ''} on {run.device}")
            return _loop(run, views, held_out, journal, output)


def check(options: TrainingOptions, rendered: Path | None = None) -> None:
    """Raises ValueError or FileNotFoundError for what `train` would find out after it has been rendered for: no such device,
    a precision that it has not, weights to start from or a set to mix in that are not there, but for those in `rendered`, which
    is filled later."""
    check_precision(options.precision, choose_device(options.device))
    if options.start is not None:
        read_network(options.model, options.start or None)
    elif options.model == "modot_lite":
        read_encoder_weights(options.encoder)
    for share in options.more:
        if "=" in share.folder:
            open_views(share, options.canonical_focal)
        elif Path(share.folder).parent != rendered and not any(Path(share.folder).glob("*.npz")):
            raise FileNotFoundError(f"{share.folder}: no .npz shards of training views there; a data set is named "
                                    "KIND=FOLDER")


def open_views(share: Share, canonical_focal: float) -> Views | SampleViews:
    """The set of a share. Raises as `load_views` and `open_sample_views`."""
    kind, found, path = share.folder.partition("=")
    if found:
        return open_sample_views(kind, path, canonical_focal, share.shape_only)
    views = load_views(share.folder)
    return replace(views, shape_only=share.shape_only)


def _loop(run: Run, views: Viewable, held_out: Views, journal: Journal, output: Path) -> Path:
    options = run.options
    validated_s = saved_s = run.elapsed_s
    while run.progress < 1.0:
        parts = run.advance(views)
        if "skipped" in parts:
            journal.say(f"step {run.step}: skipped, its gradient is not finite (loss {parts['loss']})")
        if run.step % LOG_EVERY == 0 or run.progress >= 1.0 or "skipped" in parts:
            journal.record(run.step, {"elapsed_s": round(run.elapsed_s, 1), **parts})
            journal.say(progress_line(run.step, run.progress, run.elapsed_s, options.batch, parts))
        over = run.progress >= 1.0
        try:
            if over or run.elapsed_s - saved_s > 60 * options.save_every_minutes:
                saved_s = run.elapsed_s
                run.save(output / CHECKPOINT)
            if not over and run.elapsed_s - validated_s > 60 * options.validate_every_minutes:
                validated_s = run.elapsed_s
                _validate(run, views, held_out, journal, output)
        except OSError as error:
            if over:
                raise
            journal.say(f"step {run.step}: {error}")    # there may be room again next time
    return _validate(run, views, held_out, journal, output)


@torch.inference_mode()
def _samples(network: nn.Module, held_out: Views, size: Stage, canonical_focal: float) -> np.ndarray:
    """The first held-out views beside what the network says of them, uint8 [H, W, 3]."""
    batch = plain_batch(held_out, torch.arange(min(SAMPLES, len(held_out))), size.width, size.height, canonical_focal)
    depth_m, logits, *_ = network(batch.image)
    found = (batch.depth_m, batch.boundary, depth_m, torch.sigmoid(logits[-1]))
    return np.concatenate([side_by_side(held_out.rgb[k].permute(1, 2, 0).numpy(), *(x[k, 0].numpy() for x in found))
                           for k in range(len(depth_m))])


def _validate(run: Run, views: Viewable, held_out: Views, journal: Journal, output: Path) -> Path:
    """Score the averaged weights at the final size and write them out, calibrated, with their record.

    Calibrated on the held-out views: a probability of 0.5 is the best threshold, and the canonical focal length is the
    one with which the median view has the right scale. The record's scores are those before. Where a part was trained alone
    nothing is calibrated, and its record is put beside that of the rest.
    """
    options, size = run.options, run.options.stages[-1]
    network = run.averaged_network(views)
    focal = run.beginning.canonical_focal
    scores = score_network(network, held_out, size.width, size.height, focal)
    found = asdict(scores)
    if getattr(network, "has_semantics", False) and (held_out.classes != UNKNOWN_CLASS).any():
        classes = score_classes(network, held_out, size.width, size.height)
        found |= {"class_accuracy": round(classes.pixel_accuracy, 4), "class_mean_iou": round(classes.mean_iou, 4)}
    record = {
        "step": run.step, "elapsed_min": round(run.elapsed_s / 60, 1), "training_views": sum(run.counts),
        "batch": options.batch, "seed": options.seed, "stages": [asdict(stage) for stage in options.stages],
        "learning_rate": options.learning_rate, "keep": options.keep, "validation": found,
    }
    if options.only:
        record = {**run.beginning.record, options.only: record}
    else:
        record |= run.beginning.record
        focal /= scores.scale
        if hasattr(network, "centre_boundary"):         # the published networks have no bias to move
            network.centre_boundary(scores.threshold)
    journal.record(run.step, found, "validation")
    journal.show(run.step, _samples(network, held_out, size, run.beginning.canonical_focal))
    journal.say(f"validation  {found}")
    path = output / f"{options.model}.safetensors"
    save_checkpoint(path, network, options.model, config=run.beginning.config, record=record,
                    canonical_focal=focal, working_size=(size.width, size.height), half=True)
    return path
