# SPDX-License-Identifier: Apache-2.0
"""`modot train-orders`: training of the network that corrects depth orders."""
from __future__ import annotations

import argparse
from pathlib import Path

from modot_ros.cli.progress import rendering

HELP = ("Train the small network that tells who is nearer, on synthetic rooms as modot_nano sees them; what it has "
        "rendered and looked at is kept.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for rooms, looks at them, and nearness.npz")
    parser.add_argument("--weights", type=Path, help="of modot_nano; without it the package's own")
    parser.add_argument("--views", type=int, default=4000, help="rooms to train on")
    parser.add_argument("--first-view", type=int, default=0, metavar="K", help="number of the first of these, a multiple of 40")
    parser.add_argument("--validation-views", type=int, default=400, help="others to score on")
    parser.add_argument("--epochs", type=int, default=20, help="rounds over all of them")
    parser.add_argument("--workers", type=int, default=2, help="processes that render and look")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order")


def run(options: argparse.Namespace) -> int:
    from modot_ros.learn.orders.nearness_training import collect, load_looks, train, write_weights
    from modot_ros.learn.synthetic.shards import write_shards

    if options.epochs < 1:
        raise ValueError(f"--epochs is {options.epochs}: must be 1 or more")
    looks = []
    for split, kinds, views, first in (("train", ("both", "regions"), options.views, options.first_view),
                                       ("validation", ("whole",), options.validation_views, 0)):
        shards = write_shards(options.output / "data" / split, split, views, workers=options.workers, progress=rendering,
                              first=first, instances=True)
        looks.append(load_looks([path for kind in kinds for path in collect(
            shards, options.output / "looks" / split / kind, kind, options.weights, options.workers, _looking)]))
    weights = train(*looks, options.epochs, options.seed, _epoch)
    print(f"weights: {write_weights(weights, options.output / 'nearness.npz')}")
    return 0


def _looking(done: int, count: int) -> None:
    print(f"looking: {done} of {count} shards", flush=True)


def _epoch(done: int, surprise: float, whdr: float) -> None:
    print(f"epoch {done}: cross-entropy {surprise:.4f}, WHDR of the validation views {100 * whdr:.1f} %", flush=True)
