# SPDX-License-Identifier: Apache-2.0
"""Training of `scene.order.nearness`, the network that corrects depth orders, on a depth network's predictions for rooms.

Two steps. `collect` predicts rendered rooms whose instances are known: the whole picture, a part of it in other
light, mirrored or not, and such a part with the regions of the library's own partition as instances. What
`scene.order.nearness` reads of them is kept, shard by shard, so that it can be continued. `train` fits the network to it by
cross-entropy over nearer, farther and equal of every pair; at times instances are left out, as detectors miss some.
"""
from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from modot_ros.learn.synthetic.truth import depth_order_pairs
from modot_ros.predictor import Predictor
from modot_ros.scene.order import depth_order, nearness
from modot_ros.scene.order.contour import contour
from modot_ros.scene.order.depth_order import EQUAL, LEVEL
from modot_ros.scene.order.occlusion_order import occlusion_orders
from modot_ros.scene.order.pair_features import INSTANCE_FEATURES, PAIR_FEATURES, pair_features
from modot_ros.scene.order.region_statistics import region_statistics

NONE, NEARER, FARTHER, SAME = -1, 0, 1, 2
KINDS = ("whole", "both", "regions")    # of samples: whole pictures, these and parts, parts with regions of the partition
PART = (0.55, 0.95)                     # of the picture's sides that a second look sees, and
PARTS = 0.75                            # how often; else it is the mirrored whole
GAMMA, GAIN = 0.2, 0.15                 # deviations of the logarithms of its light's curve and strength

WIDTH, LAYERS, HIDDEN, JUDGE = 96, 3, 32, 64
BATCH = 48                              # looks per step
TYPICAL_PAIRS = 55                      # of a look: every pair counts alike, in small pictures and large ones
LEARNING_RATE, WARM_UP_STEPS, WEIGHT_DECAY = 2e-3, 200, 0.05
DROP = 0.1                              # of what a layer adds
THINNED, LEFT = 0.3, 0.75               # how often instances are left out, and what share stays
GAP_WEIGHT = 0.5                        # of the error of the corrected medians' ratios
SORTED_BATCHES = 40                     # are filled at once, each with pictures of about as many instances


@dataclass(frozen=True)
class Looks:
    """Looks at rooms, one after the other: `count` [l] instances each; ragged arrays flat."""

    count: np.ndarray                                   # int64 [l]
    features: np.ndarray                                  # float16 [sum n, INSTANCE_FEATURES], see `pair_features`
    pairs: np.ndarray                                   # float16 [sum n^2, PAIR_FEATURES]
    order: np.ndarray                                   # int8 [sum n^2]: the row is NEARER than the column ..; else NONE
    log_depth: np.ndarray                               # float32 [sum n], of the true medians

    def each(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """(features [n, .], pairs [n, n, .], order [n, n], log_depth [n]) of every look."""
        first, first_pair = 0, 0
        for n in self.count.tolist():
            rows, cells = slice(first, first + n), slice(first_pair, first_pair + n * n)
            yield (self.features[rows], self.pairs[cells].reshape(n, n, PAIR_FEATURES), self.order[cells].reshape(n, n),
                   self.log_depth[rows])
            first, first_pair = rows.stop, cells.stop


def look(predictor: Predictor, rgb: np.ndarray, focal: float, labels: np.ndarray | None, depth_m: np.ndarray
         ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """What a picture shows, as `Looks.each` has it; None of fewer than two instances.

    rgb uint8 [H, W, 3]; focal length / width; labels [H, W], 0 = room shell, or None for regions that are found; depth_m
    [H, W], true.
    """
    found = predictor.predict(rgb, focal * rgb.shape[1], labels, ("depth", "boundary", "instances"))
    labels = found.labels.astype(np.uint16)
    instances = region_statistics(labels, found.depth, {}, {})
    if len(instances) < 2:
        return None
    occlusions = occlusion_orders(contour(labels, found.depth, found.boundary_probability))
    features, pairs = pair_features(labels, found.depth, found.boundary_probability, instances, occlusions, focal)
    at = {one.id: k for k, one in enumerate(instances)}
    order = np.full((len(at), len(at)), NONE, np.int8)
    for near, far, equal, _ in depth_order_pairs(labels, depth_m):
        a, b = at[near], at[far]
        order[a, b], order[b, a] = (SAME, SAME) if equal else (NEARER, FARTHER)
    log_depth = np.log([np.median(depth_m[labels == one.id]) for one in instances])
    return features, pairs, order, log_depth


def second_look(rng: np.random.Generator, rgb: np.ndarray, focal: float, labels: np.ndarray, depth_m: np.ndarray
                ) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """A part of the picture at its size, mirrored or not, or the mirrored whole, in other light.

    rgb uint8 [H, W, 3]; focal length / width; labels [H, W]; depth_m [H, W]. Returns the same four of the second look.
    """
    height, width = labels.shape
    maps = [rgb, labels, depth_m.astype(np.float32)]
    part = rng.random() < PARTS
    if part:
        share = rng.uniform(*PART)
        h, w = round(share * height), round(share * width)
        v, u = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        ways = (cv2.INTER_LINEAR, cv2.INTER_NEAREST_EXACT, cv2.INTER_NEAREST_EXACT)
        maps = [cv2.resize(np.ascontiguousarray(map_[v:v + h, u:u + w]), (width, height), interpolation=way)
                for map_, way in zip(maps, ways)]
        focal *= width / w
    if not part or rng.random() < 0.5:
        maps = [np.ascontiguousarray(map_[:, ::-1]) for map_ in maps]
    curve, gain = np.exp(rng.normal(0, (GAMMA, GAIN)))
    light = np.clip(255 * gain * (np.arange(256) / 255) ** curve, 0, 255).astype(np.uint8)
    return light[maps[0]], focal, maps[1], maps[2]


def collect(shards: Sequence[Path], folder: str | Path, kind: str, weights: str | Path | None = None,
            workers: int = 1, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Files of looks at shards with instances, those in `folder` that are missing made.

    kind: one of KINDS. weights: of modot_nano; None: the package's. progress: called with (shards done, shards in all).
    Raises ValueError for another kind and for a shard without instances or shows no two in any view.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}: choose one of {', '.join(KINDS)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / shard.name for shard in shards]
    missing = [(shard, path) for shard, path in zip(shards, paths) if not path.exists()]
    # Forked from a process whose threads have computed, one would wait for these for ever.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        jobs = [pool.submit(_collect_shard, shard, path, kind, weights) for shard, path in missing]
        for done, job in enumerate(as_completed(jobs), len(paths) - len(missing) + 1):
            job.result()
            if progress:
                progress(done, len(paths))
    return paths


def _collect_shard(shard: Path, path: Path, kind: str, weights: str | Path | None) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    predictor = Predictor(weights=weights, device="cpu", max_instances=65535)
    with np.load(shard, allow_pickle=False) as stored:
        if "labels" not in stored:
            raise ValueError(f"{shard} has no instances: render it anew with them")
        views = list(zip(stored["rgb"], stored["focal"].tolist(), stored["labels"], stored["depth_m"].astype(np.float32)))
    rng = np.random.default_rng([int(shard.stem.rpartition("_")[2]), int(kind == "regions")])
    if kind != "whole":
        parts = [second_look(rng, *view) for view in views]
        views = views + parts if kind == "both" else [(rgb, focal, None, depth_m) for rgb, focal, _, depth_m in parts]
    seen = [found for rgb, focal, labels, depth_m in views
            if (found := look(predictor, rgb, focal, labels, depth_m)) is not None]
    if not seen:
        raise ValueError(f"{shard} shows two instances nowhere: nothing can be learned from it")
    features, pairs, order, log_depth = zip(*seen)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with open(partial, "wb") as file:
        np.savez(file, count=np.array([len(one) for one in features]), features=np.concatenate(features).astype(np.float16),
                 pairs=np.concatenate([one.reshape(-1, PAIR_FEATURES) for one in pairs]).astype(np.float16),
                 order=np.concatenate([one.ravel() for one in order]),
                 log_depth=np.concatenate(log_depth).astype(np.float32))
    partial.replace(path)


def load_looks(paths: Sequence[Path]) -> Looks:
    """All looks of some files in one. Raises ValueError for a file that can't be read, or without any."""
    parts = []
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as stored:
                parts.append(Looks(**{field.name: stored[field.name] for field in fields(Looks)}))
        except Exception as error:                      # zipfile, zlib, KeyError, OSError: all one to us
            raise ValueError(f"{path} can't be read as looks at rooms ({error})") from error
    if not parts:
        raise ValueError("no looks at rooms: at least one file is needed")
    return Looks(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Looks)})


@dataclass(frozen=True)
class Batch:
    """[B, N, ..] of looks, filled up with instances that are not there."""

    features: Tensor
    pairs: Tensor
    order: Tensor                                       # int64 [B, N, N], each pair once (row < column), else NONE
    gap: Tensor                                         # [B, N, N], true log depth of the column less the row's
    hide: Tensor                                        # [B, 1, 1, N], see `nearness`


def batches(looks: Sequence[tuple], size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
    """Every look once. With `rng` shuffled, but side by side with those of about as many instances, and some thinned."""
    turn = np.arange(len(looks)) if rng is None else rng.permutation(len(looks))
    groups = []
    for first in range(0, len(turn), size * SORTED_BATCHES):
        some = sorted(turn[first:first + size * SORTED_BATCHES], key=lambda k: len(looks[k][0]))
        groups += [some[k:k + size] for k in range(0, len(some), size)]
    for k in range(len(groups)) if rng is None else rng.permutation(len(groups)):
        chosen = [looks[i] for i in groups[k]]
        b, n = len(chosen), max(len(features) for features, *_ in chosen)
        features, pairs = np.zeros((b, n, INSTANCE_FEATURES), np.float32), np.zeros((b, n, n, PAIR_FEATURES), np.float32)
        order, gap = np.full((b, n, n), NONE, np.int64), np.zeros((b, n, n), np.float32)
        hide = np.full((b, 1, 1, n), -1e4, np.float32)
        for row, (t, p, o, log_depth) in enumerate(chosen):
            if rng is not None and rng.random() < THINNED and (left := rng.random(len(t)) < LEFT).sum() > 1:
                t, p, o, log_depth = t[left], p[np.ix_(left, left)], o[np.ix_(left, left)], log_depth[left]
            m = len(t)
            features[row, :m], pairs[row, :m, :m], hide[row, ..., :m] = t, p, 0
            order[row, :m, :m] = np.where(np.triu(np.ones((m, m), bool), 1), o, NONE)
            gap[row, :m, :m] = log_depth[None] - log_depth[:, None]
        yield Batch(*map(torch.from_numpy, (features, pairs, order, gap, hide)))


def fresh_weights(features: np.ndarray, seed: int) -> dict[str, Tensor]:
    """Weights to begin with, by name as `nearness` reads them; features [m, INSTANCE_FEATURES] tell what is usual."""
    generator = torch.Generator().manual_seed(seed)
    weights = {"mean": torch.from_numpy(features.mean(0)), "deviation": torch.from_numpy(features.std(0) + 1e-3)}

    def linear(name: str, inputs: int, outputs: int, gain: float = 1.0) -> None:
        weights[name] = torch.randn(inputs, outputs, generator=generator) * gain / math.sqrt(inputs)
        weights[f"{name}_bias"] = torch.zeros(outputs)

    linear("enter1", INSTANCE_FEATURES, 2 * WIDTH)
    linear("enter2", 2 * WIDTH, WIDTH)
    linear("between", PAIR_FEATURES, HIDDEN)
    for layer in range(LAYERS):
        weights[f"norm1_{layer}"] = torch.ones(WIDTH)
        linear(f"heed_{layer}", HIDDEN, nearness.HEADS, 0.1)
        linear(f"qkv_{layer}", WIDTH, 3 * WIDTH)
        linear(f"join_{layer}", WIDTH, WIDTH, 0.1)
        weights[f"norm2_{layer}"] = torch.ones(WIDTH)
        linear(f"widen_{layer}", WIDTH, 3 * WIDTH)
        linear(f"narrow_{layer}", 3 * WIDTH, WIDTH, 0.1)
    weights["norm"] = torch.ones(WIDTH)
    linear("depth", WIDTH, 1, 0.1)
    linear("row", WIDTH, JUDGE)
    weights["column"] = torch.randn(WIDTH, JUDGE, generator=generator) / math.sqrt(WIDTH)
    linear("pair", HIDDEN, JUDGE)
    weights["gap"] = torch.randn(JUDGE, generator=generator)
    linear("judge", JUDGE, 2, 0.1)
    weights["gap_odds"] = torch.tensor(3.0)
    return weights


def log_odds(weights: dict[str, Tensor], batch: Batch, drop=lambda x: x) -> tuple[Tensor, Tensor]:
    """([B, N, N, 3] of nearer, farther and equal, by the rule of `depth_order` and the network; gap [B, N, N])."""
    odds, level, depth = nearness.nearness(weights, batch.features, batch.pairs, batch.hide, torch, drop)
    rule = torch.tensor([getattr(depth_order, name) for name in ("MEDIANS", "FEET", "MIDDLES", "HIDES", "CHAIN")])
    odds = odds + batch.pairs[..., :5] @ rule.float()
    level = level + EQUAL + LEVEL * batch.pairs[..., 5]
    farther = batch.features[..., 0] + depth
    return torch.stack([odds / 2, -odds / 2, level], -1), farther[:, None] - farther[:, :, None]


@torch.no_grad()
def whdr(weights: dict[str, Tensor], looks: Sequence[tuple]) -> float:
    """Share of wrong orders among all pairs of all looks."""
    wrong = pairs = 0
    for batch in batches(looks, BATCH):
        asked = batch.order != NONE
        predicted = log_odds(weights, batch)[0].argmax(-1)
        wrong += int((predicted != batch.order)[asked].sum())
        pairs += int(asked.sum())
    return wrong / max(pairs, 1)


def train(looks: Looks, validation: Looks, epochs: int, seed: int = 0,
          progress: Callable[[int, float, float], None] | None = None) -> dict[str, np.ndarray]:
    """Weights of `nearness` after so many rounds over all looks.

    progress: called with (epochs done, mean cross-entropy of the last, WHDR on `validation`). Raises ValueError for fewer
    than one epoch.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}: at least 1 is needed")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    shown, held_out = list(looks.each()), list(validation.each())
    weights = fresh_weights(looks.features.astype(np.float32), seed)
    learned = {name: value.requires_grad_() for name, value in weights.items() if name not in ("mean", "deviation")}
    matrices = [value for value in learned.values() if value.dim() > 1]
    optimiser = torch.optim.AdamW([
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": [value for value in learned.values() if value.dim() < 2], "weight_decay": 0.0}], LEARNING_RATE)
    steps = epochs * sum(1 for _ in range(0, len(shown), BATCH))
    step = 0
    for epoch in range(epochs):
        total = pairs = 0
        for batch in batches(shown, BATCH, rng):
            rate = min(1, step / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1, step / steps))))
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * rate
            asked = batch.order != NONE
            odds, gap = log_odds(weights, batch, lambda x: F.dropout(x, DROP))
            surprise = F.cross_entropy(odds[asked], batch.order[asked], reduction="sum")
            off = (gap - batch.gap).abs()[asked].sum()
            optimiser.zero_grad()
            ((surprise + GAP_WEIGHT * off) / (len(batch.order) * TYPICAL_PAIRS)).backward()
            torch.nn.utils.clip_grad_norm_(list(learned.values()), 1.0)
            optimiser.step()
            step += 1
            total, pairs = total + float(surprise.detach()), pairs + int(asked.sum())
        if progress:
            progress(epoch + 1, total / max(pairs, 1), whdr(weights, held_out))
    return {name: value.detach().numpy() for name, value in weights.items()}


def write_weights(weights: dict[str, np.ndarray], path: str | Path) -> Path:
    """As `nearness.shipped_weights` reads them, in float16."""
    path = Path(path)
    with open(path, "wb") as file:
        np.savez(file, **{name: value.astype(np.float16) for name, value in weights.items()})
    return path
