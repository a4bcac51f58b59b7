# SPDX-License-Identifier: Apache-2.0
"""Training of InstaOrder's networks (Lee and Park, CVPR 2022) on annotated orders, or on rendered rooms whose orders are exact.

SGD with momentum 0.9, a tenth of the rate from two steps on, batches and rates by network. `as_published` takes the losses as
the authors coded them (`learn.orders.losses` says how they differ from the paper), but for the term that has no gradient. Two
differences stay: both orders of a pair go through the network as one batch, so that batch norms see them together; and
InstaDepthNet_od has the weights of InstaDepthNet_d, for the published configuration has 0 for both orders and would train
smoothness alone.
"""
from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor, nn

from modot_ros.learn.datasets import ORDER_DATASETS, open_order_dataset
from modot_ros.learn.datasets.order_sample import OrderSample, order_truth
from modot_ros.learn.datasets.order_sets.instaorder import annotated_depths
from modot_ros.learn.orders.items import PairItem, depth_item, occlusion_item
from modot_ros.learn.orders.losses import PairBatch, Weights, depth_loss, instadepth_loss, occlusion_loss
from modot_ros.learn.recipes.first_weights import digest
from modot_ros.learn.recipes.run import finish
from modot_ros.learn.synthetic.shards import read_instances
from modot_ros.learn.training.ranks import Ranks, joined
from modot_ros.learn.training.state_file import save_state
from modot_ros.learn.training.views import load_views
from modot_ros.machine import threads
from modot_ros.model import ORDER_MODELS, build_network
from modot_ros.model.checkpoint import choose_device, read_weights, save_order_checkpoint
from modot_ros.model.instaorder.official import own_keys

CHECKPOINT = "orders.pt"
HELD_OUT_BATCHES = 10                                   # that validation sees
MILESTONES = (32_000, 48_000)                           # steps from which the rate is a tenth of that before
SHARE_HELD_OUT = 20                                     # of rendered rooms every so many-th is held out


@dataclass(frozen=True)
class Schedule:
    """Of one network: steps, rate, and pairs per process and step."""

    steps: int
    rate: float
    batch: int


SCHEDULES = {"instaordernet_o": Schedule(86_000, 1e-3, 32), "instaordernet_d": Schedule(60_000, 1e-4, 32),
             "instaordernet_od": Schedule(60_000, 1e-4, 32), "instadepthnet_d": Schedule(60_000, 1e-5, 12),
             "instadepthnet_od": Schedule(60_000, 1e-5, 12)}
# Sets without depth orders: steps, and whether the rate falls.
OCCLUSION_SETS = {"cocoa": (56_000, True), "kins": (32_000, False)}


@dataclass(frozen=True)
class OrderOptions:
    """One run. Raises ValueError on what cannot work."""

    data: str                                           # KIND=FOLDER of ORDER_DATASETS, or shards of rooms with instances
    output: str                                         # folder for checkpoint, log and weights
    model: str = "instaordernet_o"                      # one of ORDER_MODELS
    backbone: str | None = None                         # MiDaS v2.1's file, for InstaDepthNet
    config: dict[str, Any] = field(default_factory=dict)    # of the network's constructor
    size: int | None = None                             # side of the input; None: the network's
    steps: int | None = None
    batch: int | None = None                            # shared by all processes
    learning_rate: float | None = None
    as_published: bool = False
    seed: int = 0
    device: str = "cpu"
    threads: int = threads()
    validate_every: int = 2000                          # steps; the state is saved then, too

    def __post_init__(self) -> None:
        if self.model not in ORDER_MODELS:
            raise ValueError(f"model {self.model!r} predicts no orders: choose one of {', '.join(ORDER_MODELS)}")
        if self.backbone is not None and not self.model.startswith("instadepthnet"):
            raise ValueError(f"--backbone {self.backbone}: only InstaDepthNet begins with MiDaS, {self.model} begins afresh")
        for name in ("size", "steps", "batch", "learning_rate", "threads", "validate_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name}={value}: must be positive")


@dataclass(frozen=True)
class OrderedPictures:
    """Pictures with orders: those to train on, and those that are held out."""

    kind: str                                           # one of ORDER_DATASETS, or "rooms"
    train: Any                                          # of OrderSample, by index; ValueError for one that can't be read
    held_out: Any
    depths: dict[str, Callable[[], list[tuple[int, int]]]]  # "train", "held_out" -> (picture, order) of every depth order


def open_ordered(folder: str) -> OrderedPictures:
    """Of KIND=FOLDER, with the published splits; a folder alone is one of shards with instances (rooms of the test split, or of
    `modot train-orders`).

    Raises ValueError for another kind and for shards without instances, and what `open_order_dataset` raises.
    """
    kind, found, path = folder.partition("=")
    if not found:
        return _rooms(Path(folder))
    if kind not in ORDER_DATASETS:
        raise ValueError(f"kind of pictures {kind!r} in {folder!r} is unknown: choose one of {', '.join(ORDER_DATASETS)}")
    listed = {"train": "train", "held_out": "val"}
    sets = {name: open_order_dataset(kind, path, split) for name, split in listed.items()}
    depths = {} if kind != "instaorder" else {
        name: (lambda split=split: annotated_depths(Path(path) / "annotations" / f"InstaOrder_{split}2017.json"))
        for name, split in listed.items()}
    return OrderedPictures(kind, sets["train"], sets["held_out"], depths)


def _rooms(folder: Path) -> OrderedPictures:
    views, instances = load_views(folder), read_instances(folder)
    samples = []
    for k, one in enumerate(instances):
        truth = one and order_truth(f"room_{k:05d}", one.labels, one.occlusions, one.depth_orders)
        if truth is not None:
            samples.append(OrderSample(views.rgb[k].permute(1, 2, 0).numpy(), truth))
    if len(samples) < 3:
        raise ValueError(f"{folder}: {len(samples)} of {len(views)} views have two instances and their orders, three are needed: "
                         "render the test split (`modot evaluate --data rooms=FOLDER`), training shards have no instances")
    split = {"train": [one for k, one in enumerate(samples) if k % SHARE_HELD_OUT], "held_out": samples[::SHARE_HELD_OUT]}
    depths = {name: (lambda part=part: [(k, order) for k, one in enumerate(part) for order in range(len(one.truth.depths or ()))])
              for name, part in split.items()}
    return OrderedPictures("rooms", split["train"], split["held_out"], depths)


class OrderRun:
    """State of a run: network, optimiser, step, and the best score so far. Every draw follows from seed and step."""

    def __init__(self, options: OrderOptions, pictures: OrderedPictures, ranks: Ranks = Ranks()) -> None:
        self.options, self.pictures, self.ranks = options, pictures, ranks
        schedule = SCHEDULES[options.model]
        self.heads = {name for name, letter in (("occlusion", "o"), ("depth", "d")) if letter in options.model.rpartition("_")[2]}
        if "depth" in self.heads and not pictures.depths:
            raise ValueError(f"{options.data}: has no depth orders, which {options.model} learns: choose instaordernet_o")
        steps, self.falls = OCCLUSION_SETS.get(pictures.kind, (schedule.steps, True))
        self.steps = options.steps or steps
        self.batch = options.batch or schedule.batch * ranks.world
        if self.batch % ranks.world or self.batch < 2 * ranks.world:
            raise ValueError(f"batch={self.batch}: {ranks.world} processes need a multiple of {ranks.world} and two pairs each")
        self.rate = options.learning_rate or schedule.rate
        self.items = {name: self._items(name) for name in ("train", "held_out")}
        self.device = choose_device(ranks.device(options.device))
        torch.manual_seed(options.seed)
        self.network = build_network(options.model, **options.config)
        if options.size is not None:
            self.network.size = options.size
        self.file = None if options.backbone is None else fill_midas(self.network, options.backbone, options.config)
        self.network.to(self.device)
        self.shared = ranks.share(self.network, self.device)
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=self.rate, momentum=0.9, weight_decay=1e-4)
        self.step = 0
        self.best: float | None = None
        self._shuffled = -1, np.empty(0, np.int64)      # a round, and the order of its items

    def _items(self, part: str) -> list[tuple[int, int]]:
        """(picture, depth order) of every item; -1 where a pair is drawn of a picture."""
        if "depth" in self.heads:
            return self.pictures.depths[part]()
        return [(k, -1) for k in range(len(getattr(self.pictures, part)))]

    def item(self, part: str, number: int, random: RandomState, training: bool) -> PairItem:
        """One of the items. Raises ValueError for a picture that can't be read, and after a hundred without occlusion."""
        pictures, (picture, order) = getattr(self.pictures, part), self.items[part][number]
        mode, size = self.network.mode, self.network.size
        for _ in range(100):
            found = pictures[picture]
            if order >= 0:
                return depth_item(found.rgb, found.truth, found.truth.depths[order], random, mode, size, training)
            if (found.truth.occlusion == 1).any():
                return occlusion_item(found.rgb, found.truth, random, mode, size, training)
            picture = random.randint(len(pictures))
        raise ValueError(f"{self.options.data}: no occlusion in a hundred pictures")

    def batch_of(self, part: str, step: int, training: bool) -> PairBatch:
        """This process's share of a batch: items in an order that is drawn anew for every round through all of them."""
        count, share = len(self.items[part]), self.batch // self.ranks.world
        drawn = []
        for k in range(step * self.batch, (step + 1) * self.batch)[self.ranks.rank * share:(self.ranks.rank + 1) * share]:
            turn, at = divmod(k, count)
            number = int(self._order(turn)[at]) if training else at
            seed = np.random.SeedSequence((self.options.seed, k, training)).generate_state(1)[0]
            drawn.append(self.item(part, number, RandomState(seed), training))
        masks = (torch.from_numpy(np.stack([getattr(one, name) for one in drawn])[:, None].astype(np.float32))
                 for name in ("mask_a", "mask_b"))
        known = [0 if one.depth is None else one.depth for one in drawn], [bool(one.overlap) for one in drawn]
        parts = (torch.from_numpy(np.stack([one.rgb for one in drawn])), *masks, *(torch.tensor(one).long() for one in known),
                 torch.from_numpy(np.stack([one.occlusion for one in drawn])))
        return PairBatch(*(one.to(self.device) for one in parts))

    def _order(self, turn: int) -> np.ndarray:
        """Numbers of the items in the order of a round through all; that of the last call is kept, for there may be a million."""
        if self._shuffled[0] != turn:
            self._shuffled = turn, np.random.default_rng((self.options.seed, turn)).permutation(len(self.items["train"]))
        return self._shuffled[1]

    def loss(self, network: nn.Module, batch: PairBatch) -> Tensor:
        """Of both orders of every pair."""
        both = [torch.cat(pair) for pair in ((batch.rgb, batch.rgb), (batch.mask_a, batch.mask_b), (batch.mask_b, batch.mask_a))]
        published = self.options.as_published
        if self.options.model.startswith("instadepthnet"):
            disparity, depth, occlusion = network(*both)
            orders = (None, None) if occlusion is None else occlusion.chunk(2)
            weights = Weights(disparity_order=0.0) if published else Weights()
            terms = instadepth_loss(*disparity[:, None].chunk(2), *depth.chunk(2), batch, *orders, weights, published)
            return sum(terms.values(), batch.rgb.new_zeros(()))
        found = network(torch.cat([both[1], both[2], both[0]], dim=1))
        logits = dict(zip([name for name in ("occlusion", "depth") if name in self.heads],
                          found if isinstance(found, tuple) else (found,)))
        total = batch.rgb.new_zeros(())
        if "occlusion" in logits:
            total = total + occlusion_loss(*logits["occlusion"].chunk(2), batch.occlusion, published)
        if "depth" in logits:
            overlap, distinct = depth_loss(*logits["depth"].chunk(2), batch.depth, batch.overlap, published)
            total = total + Weights.overlap * overlap + Weights.distinct * distinct
        return total

    def advance(self) -> dict[str, float]:
        """One step; its loss. Raises ValueError for a picture that can't be read, FloatingPointError for an infinite loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * 0.1 ** sum(self.step >= milestone for milestone in MILESTONES if self.falls)
        self.network.train()
        loss = self.loss(self.shared, self.batch_of("train", self.step, True))
        if not torch.isfinite(loss):
            raise FloatingPointError(f"step {self.step}: the loss is {float(loss)}; take a smaller learning rate than "
                                     f"{self.rate}")
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.step += 1
        return {"loss": float(loss.detach())}

    @torch.no_grad()
    def score(self) -> float:
        """Mean loss of HELD_OUT_BATCHES held-out batches, whose draws are always the same; smaller is better."""
        self.network.eval()
        alone, self.ranks = self.ranks, Ranks()
        try:
            losses = [self.loss(self.network, self.batch_of("held_out", k, False)) for k in range(HELD_OUT_BATCHES)]
            return float(torch.stack(losses).mean())
        finally:
            self.ranks = alone

    def _identity(self) -> dict[str, Any]:
        """What the curve depends on."""
        kept = {key: value for key, value in asdict(self.options).items() if key in ("model", "config", "seed", "as_published")}
        return json.loads(json.dumps({**kept, "kind": self.pictures.kind, "items": len(self.items["train"]), "batch": self.batch,
                                      "size": self.network.size, "learning_rate": self.rate, "steps": self.steps,
                                      "backbone": self.file, "processes": self.ranks.world}))

    def save(self, path: Path) -> None:
        """Raises OSError when it can't be written; what was there before is then still there."""
        save_state({"options": self._identity(), "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
                    "step": self.step, "best": self.best}, path)

    def load(self, path: Path) -> None:
        """Continue from a file of `save`. Raises ValueError, which names the file, when it has another curve."""
        state, now = torch.load(path, map_location="cpu", weights_only=True), self._identity()
        then = state["options"]
        other = [f"{key} was {then.get(key)!r}, is {now[key]!r}" for key in now if then.get(key) != now[key]]
        if other:
            raise ValueError(f"{path} belongs to another run ({'; '.join(other)}): use its options or a new folder")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best = state["step"], state["best"]

    def write_weights(self, path: Path, score: float) -> None:
        """Raises OSError when it can't be written."""
        record = {"dataset": self.pictures.kind, "recipe": "published" if self.options.as_published else "orders",
                  "step": self.step, "seed": self.options.seed, "validation_loss": round(score, 5), "begun_with": self.file}
        save_order_checkpoint(path, self.network, self.options.model, config=self.options.config, record=record)


def fill_midas(network: nn.Module, path: str | Path, config: dict[str, Any]) -> str:
    """Put MiDaS v2.1's weights into an InstaDepthNet of this config; its order networks stay. Returns the file's digest.

    Raises FileNotFoundError for no such file, and ValueError, which names it, for one of another network: nothing is changed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of MiDaS v2.1's weights")
    midas = build_network("midas_v21", **{key: value for key, value in config.items() if key != "order_blocks"})
    own = midas.state_dict()
    state = own_keys(read_weights(path, "midas_v21")[0], own)
    wrong = [key for key in own if key not in state or state[key].shape != own[key].shape]
    wrong += [key for key in state if key not in own]
    if wrong:
        raise ValueError(f"{path}: is of another network than MiDaS v2.1, by {', '.join(wrong[:3])}")
    network.load_state_dict(state, strict=False)
    return digest(path)


def train_orders(options: OrderOptions) -> Path:
    """Train to the end, continuing the run that `options.output` holds; returns the path of the best weights.

    Writes CHECKPOINT (to resume), `log.jsonl` and MODEL.safetensors, the weights that score best. Raises ValueError and
    FileNotFoundError, naming the file, for a folder, weights or a checkpoint that don't fit, before anything is written.
    """
    torch.set_num_threads(options.threads)
    output = Path(options.output)
    with joined(options.device) as ranks:
        run = OrderRun(options, open_ordered(options.data), ranks)
        title = (f"{options.model} on {options.data}, {len(run.items['train'])} items, {len(run.items['held_out'])} held out, "
                 f"begun with {options.backbone or 'random weights'}, on {run.device}")
        weights = output / f"{options.model}.safetensors"
        return finish(run, output / CHECKPOINT, weights, ranks.first, options.validate_every, title)
