# SPDX-License-Identifier: Apache-2.0
"""`modot evaluate`: scores of a model beside baselines."""
from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modot_ros.cli.arguments import model_arguments
from modot_ros.cli.progress import progress

if TYPE_CHECKING:
    from modot_ros.learn.evaluation.sequence import Frame

FLIGHT_SIZE, FLIGHT_RATE_HZ = (320, 240), 10.0
HELP = ("Score a model beside what it has to beat; tables, curves and the worst pictures go into a folder, the last line "
        "is JSON.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument("--flip", action="store_true", help="average with the mirrored picture")
    parser.add_argument("--data", nargs="+", required=True, metavar="[KIND=]FOLDER", help="sets to score on: rooms (their "
                        "test split, rendered when missing), shards, pairs (also any folder with an index.json), nyud_mt, "
                        "ob_future, ob_hypersim, ibims, diode, ob_diode, ob_entityseg, piod, bsds_ownership, cmu, "
                        "nyuv2_oc, interiornet_or, kitti, diw, or, for orders, instaorder, cocoa or kins")
    parser.add_argument("--order-model", default="", help="order network to score as well where there are instances, as "
                        "instaordernet_od; needs --order-weights")
    parser.add_argument("--order-weights", type=Path, help="its .safetensors or .pth file")
    parser.add_argument("-o", "--output", type=Path, default=Path("evaluation_out"), help="folder for the report")
    parser.add_argument("--views", type=int, help="most pictures of each set; without it 200 rooms and all of others")
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--protocol", choices=("ours", "published"), default="ours", help="published: as the papers "
                        "scored, with their rows beside: nyud_mt, ob_future, ob_hypersim and ibims as MoDOT, with the mirrored "
                        "picture; sets of boundaries by ODS, OIS and AP from 0.51 on; diw and kitti by disparity; instaorder "
                        "with --order-model")
    parser.add_argument("--interactive", action="store_true", help="score boundaries before and after a simulated person drew "
                        "strokes, with a model of modot refine")
    parser.add_argument("--sequence", action="store_true", help="score how much depth and ids move from frame to frame: --data "
                        "are videos of a camera that hardly moves, or flight[=SEED], a rendered flight with its truth; --views "
                        "frames of each, 120 without")
    parser.add_argument("--rounds", type=int, default=1, help="of strokes, with --interactive")
    parser.add_argument("--most", type=int, help="strokes of either kind in a round, with --interactive; without it one at "
                        "every error")
    parser.add_argument("--draws", type=int, default=1, help="of the strokes by chance, with --interactive")


def run(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.evaluate import evaluate
    from modot_ros.learn.evaluation.report import headline, tables
    from modot_ros.model import load_order_network
    from modot_ros.predictor import Predictor

    if options.views is not None and options.views < 1:
        raise ValueError(f"--views is {options.views}: must be 1 or more")
    if options.interactive and options.sequence:
        raise ValueError("--interactive and --sequence: choose one of the two")
    if options.protocol == "published":
        if options.interactive or options.sequence:
            raise ValueError("--protocol published has its own pictures and scores: leave out --interactive and --sequence")
        return _published(options)
    if options.interactive:
        return _interactive(options)
    if options.sequence:
        return _sequence(options)
    predictor = Predictor(options.model, options.weights, options.device, options.precision, max_instances=65535,
                          flip=options.flip)
    network = None
    if options.order_model or options.order_weights:
        network = options.order_model, load_order_network(options.order_model, options.order_weights, options.device,
                                                          options.precision)
    comparisons = evaluate(options.data, options.output, predictor, options.views, options.workers, progress, network)
    for comparison in comparisons:
        print("\n".join(tables(comparison)))
    print(f"report: {options.output / 'results.md'}")
    print(json.dumps([headline(comparison) for comparison in comparisons]))
    return 0


def _published(options: argparse.Namespace) -> int:
    from modot_ros.learn.datasets import ORDER_DATASETS
    from modot_ros.learn.evaluation.published import KINDS, open_published, published_lines, published_row
    from modot_ros.learn.evaluation.published_disparity import DISPARITY_KINDS, disparity_rows
    from modot_ros.learn.evaluation.published_others import boundary_rows, order_rows
    from modot_ros.model import STROKE_MODELS, load_order_network
    from modot_ros.predictor import Predictor

    strokes = options.model in STROKE_MODELS
    predictor = Predictor(options.model, options.weights, options.device, options.precision, flip=not strokes)
    options.output.mkdir(parents=True, exist_ok=True)           # before the work, for it may fail
    sets = [open_published(data, options.views) for data in options.data]       # all, before the first is scored
    network = None
    if any(pictures.kind in ORDER_DATASETS for pictures in sets):
        if not options.order_model:
            raise ValueError("sets of orders need --order-model and --order-weights")
        network = load_order_network(options.order_model, options.order_weights, options.device, options.precision)
    lines, scores = [f"# {predictor.name}, scored as published", ""], []
    for pictures in sets:
        told = partial(progress, pictures.title)
        if pictures.kind in KINDS and not strokes:
            row = published_row(pictures, predictor, told)
            lines += published_lines(row, predictor.name)
            scores.append({"set": row.kind, "pictures": row.pictures, **asdict(row.scores)})
            continue
        if pictures.kind in ORDER_DATASETS:
            rows = order_rows(pictures, options.order_model, network, told)
        else:
            rows = (disparity_rows if pictures.kind in DISPARITY_KINDS else boundary_rows)(pictures, predictor, told)
        lines += rows.lines()
        scores.append({"set": rows.kind, "pictures": rows.pictures, "rows": rows.scores})
    (options.output / "published.md").write_text("\n".join(lines))
    print("\n".join(lines))
    print(f"report: {options.output / 'published.md'}")
    print(json.dumps(scores))
    return 0


def _interactive(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.interactive import evaluate_interactive, interactive_table
    from modot_ros.learn.evaluation.pictures import open_pictures
    from modot_ros.predictor import Predictor

    predictor = Predictor(options.model, options.weights, options.device, options.precision)
    options.output.mkdir(parents=True, exist_ok=True)           # before the work, for it may fail
    lines, scores = [f"# {predictor.name} with strokes of a simulated person", ""], []
    for data in options.data:
        pictures = open_pictures(data, options.views, options.workers)
        found = evaluate_interactive(pictures, predictor, options.rounds, options.most, options.draws,
                                     partial(progress, pictures.title))
        lines += interactive_table(found)
        scores.append({"set": found.title, "ods": [[curve.ods for curve in look.curves] for look in found.looks]})
    (options.output / "interactive.md").write_text("\n".join(lines))
    print("\n".join(lines))
    print(f"report: {options.output / 'interactive.md'}")
    print(json.dumps(scores))
    return 0


def _sequence(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.sequence import evaluate_sequence, sequence_record, sequence_table
    from modot_ros.predictor import Predictor

    predictor = Predictor(options.model, options.weights, options.device, options.precision, flip=options.flip)
    options.output.mkdir(parents=True, exist_ok=True)           # before the work, for it may fail
    found = [evaluate_sequence(title, frames, predictor) for title, frames in map(partial(_frames, options.views or 120),
                                                                                  options.data)]
    lines = [f"# {predictor.name} from frame to frame", "", *sequence_table(found)]
    (options.output / "sequence.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"report: {options.output / 'sequence.md'}")
    print(json.dumps([sequence_record(one) for one in found]))
    return 0


def _frames(count: int, data: str) -> tuple[str, Iterator[Frame]]:
    """Title and first frames of a video's path or of flight[=SEED]. Raises ValueError for what is neither."""
    from modot_ros.learn.evaluation.sequence import Frame
    from modot_ros.learn.synthetic.footage import Footage
    from modot_ros.ros.node.sizes import reduced
    from modot_ros.ros.sources.media import Video, open_source

    kind, _, seed = data.partition("=")
    if kind == "flight":
        if seed and not seed.isdecimal():
            raise ValueError(f"--data {data}: the seed of a flight is a number, as flight=7")
        footage = Footage(int(seed or 7), *FLIGHT_SIZE, count)

        def flown() -> Iterator[Frame]:
            footage.render()
            for number in range(count):
                view = footage.read(number)
                yield Frame(view.rgb, number / FLIGHT_RATE_HZ, float(view.K[0, 0]), view.depth_m, view.labels)
        return data, flown()
    source = open_source(data)
    if not isinstance(source, Video):
        raise ValueError(f"--data {data}: with --sequence a video or flight[=SEED] is needed")
    return Path(data).name, (
        Frame(reduced(np.ascontiguousarray(frame.rows.reshape(frame.height, frame.width, 3)[:, :, ::-1])), frame.due_s)
        for frame in islice(source, count))
