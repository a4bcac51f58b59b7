# SPDX-License-Identifier: Apache-2.0
"""The `modot` command: reads its arguments and calls what does the work. Needs no ROS, but for `modot demo`."""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from modot_ros.scene.encoded import decode

if TYPE_CHECKING:
    from modot_ros.prediction import Prediction


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand; returns 0, or 2 after a message on stderr when its input can't be used, as argparse does."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (FloatingPointError, ModuleNotFoundError, OSError, ValueError) as error:
        print(f"modot {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="modot", description="Depth, occlusion boundaries and order from one camera.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run, text: str, **more) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text,
                                    formatter_class=argparse.ArgumentDefaultsHelpFormatter, **more)
        added.set_defaults(run=run)
        return added

    predict = command("predict", _predict, "Predict for a picture, the pictures of a folder, or a video.")
    predict.add_argument("input", help="picture, folder or video")
    predict.add_argument("-o", "--output", type=Path, required=True, help="folder for the results, made when missing")
    _model_arguments(predict)
    _scene_arguments(predict)

    order = command("order", _order, "Say who occludes whom and who is nearer, in a picture or those of a folder.")
    order.add_argument("input", help="picture or folder")
    order.add_argument("-o", "--output", type=Path, help="folder for the graph as JSON, GraphML and DOT and for the "
                       "overlay, made when missing; without it the graph is only printed")
    _model_arguments(order)
    _scene_arguments(order)

    bench = command("bench", _bench, "Time the predictor on this machine; the last line is JSON.")
    _model_arguments(bench)
    bench.add_argument("--size", type=_size, default=(640, 480), metavar="WxH", help="picture size in pixels")
    bench.add_argument("--runs", type=int, default=30, help="pictures that count, after the warm-up")

    demo = command("demo", _demo, "Camera, node and monitor as ROS 2 processes (needs ROS 2; see `modot demo --help`).",
                   prefix_chars="\0", add_help=False)              # its options are not for this parser
    demo.add_argument("rest", nargs=argparse.REMAINDER)

    weights = command("weights", _weights, "Turn the authors' checkpoint into a file that says what it is.")
    weights.add_argument("action", choices=("import",), help="read a file, check it, write it as .safetensors")
    weights.add_argument("file", type=Path, help=".pth file of MoDOT, .pth.tar of InstaOrder, or .pt of MiDaS v2.1")
    weights.add_argument("-o", "--output", type=Path, required=True, help=".safetensors file to write")
    weights.add_argument("--dataset", help="what MoDOT was trained on: nyud-mt, ob-future or ob-hypersim; an order network "
                         "needs none")

    train = command("train", _train, "Train a network on synthetic rooms; continues a run that was stopped.")
    train.add_argument("--model", default="modot_nano", help="name of the network; the published ones need a GPU")
    train.add_argument("-o", "--output", type=Path, required=True, help="folder for checkpoint, log and weights")
    train.add_argument("--smoke", action="store_true", help="only a tiny training, its evaluation and the report, in a minute "
                       "or two; of the other options --output counts")
    train.add_argument("--start", nargs="?", const="", metavar="FILE", help="train on from these weights, .safetensors or "
                       ".pth; without FILE from those that come with the package")
    train.add_argument("--keep", type=float, default=0.0, metavar="SHARE", help="of the weights that it started from, in "
                       "those that it writes; 0 to 1")
    train.add_argument("--data", type=Path, help="folder for the rendered rooms, made when missing; without it OUTPUT/data")
    train.add_argument("--mix", nargs="+", type=_share, default=(), metavar="[KIND=]FOLDER=WEIGHT", help="other "
                       "folders of shards or, with KIND, training splits of data sets (pairs, nyud_mt, ob_future, ob_hypersim), "
                       "drawn so many times as often as the rooms, whatever their sizes")
    train.add_argument("--views", type=int, default=4000, help="rooms to train on")
    train.add_argument("--first-view", type=int, default=0, metavar="K", help="number of the first of these rooms, a multiple "
                       "of 40; a network learns most from rooms that it was not trained on before")
    train.add_argument("--workers", type=int, default=2, help="processes that render")
    train.add_argument("--steps", type=int, default=6000, help="optimiser steps in all")
    train.add_argument("--batch", type=int, default=16, help="rooms per step")
    train.add_argument("--learning-rate", type=float, help="at the top of the schedule; without it 2e-3, with --start 1e-3; "
                       "the published networks were trained with 3e-5")
    train.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto; under torchrun cuda is a GPU for each "
                       "process")
    train.add_argument("--precision", default="fp32", help="fp32, bf16 or, on a GPU, fp16")
    train.add_argument("--threads", type=int, default=2, help="of the CPU")
    train.add_argument("--tensorboard", action="store_true", help="also write TensorBoard's event files (needs tensorboard)")
    train.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation")

    orders = command("train-orders", _train_orders, "Train the small network that tells who is nearer, on synthetic rooms as "
                     "modot_nano sees them; what it has rendered and looked at is kept.")
    orders.add_argument("-o", "--output", type=Path, required=True, help="folder for rooms, looks at them, and nearness.npz")
    orders.add_argument("--weights", type=Path, help="of modot_nano; without it the package's own")
    orders.add_argument("--views", type=int, default=4000, help="rooms to train on")
    orders.add_argument("--first-view", type=int, default=0, metavar="K", help="number of the first of these, a multiple of 40")
    orders.add_argument("--validation-views", type=int, default=400, help="others to score on")
    orders.add_argument("--epochs", type=int, default=20, help="rounds over all of them")
    orders.add_argument("--workers", type=int, default=2, help="processes that render and look; threads that train")
    orders.add_argument("--seed", type=int, default=0, help="of weights and order")

    evaluate = command("evaluate", _evaluate, "Score a model beside what it has to beat; tables, curves and the worst "
                       "pictures go into a folder, the last line is JSON.")
    _model_arguments(evaluate)
    evaluate.add_argument("--flip", action="store_true", help="average with the mirrored picture")
    evaluate.add_argument("--data", nargs="+", required=True, metavar="[KIND=]FOLDER", help="sets to score on: rooms (their "
                          "test split, rendered when missing), shards, pairs (also any folder with an index.json), nyud_mt, "
                          "ob_future, ob_hypersim, ibims, diode, ob_diode, ob_entityseg, or, for orders, instaorder, "
                          "cocoa or kins")
    evaluate.add_argument("--order-model", default="", help="order network to score as well where there are instances, as "
                          "instaordernet_od; needs --order-weights")
    evaluate.add_argument("--order-weights", type=Path, help="its .safetensors or .pth file")
    evaluate.add_argument("-o", "--output", type=Path, default=Path("evaluation_out"), help="folder for the report")
    evaluate.add_argument("--views", type=int, help="most pictures of each set; without it 200 rooms and all of others")
    evaluate.add_argument("--workers", type=int, default=2, help="processes that render")

    mesh2ob = command("mesh2ob", _mesh2ob, "Render a scene of triangles with exact boundaries, their classes and orders, "
                      "as a data set (needs trimesh and embreex: pip install .[mesh]).")
    mesh2ob.add_argument("scene", type=Path, help="GLB, OBJ, PLY or whatever trimesh reads, in metres; nodes are "
                         "instances")
    mesh2ob.add_argument("-o", "--output", type=Path, required=True, help="folder for the views, made when missing")
    mesh2ob.add_argument("--cameras", type=Path, help="JSON list of poses and intrinsics, see docs/datasets.md; without "
                         "it six cameras look at the scene from round about")
    mesh2ob.add_argument("--up", help="axis of the scene that points up, y or z, for those six cameras; without it y for "
                         "glTF (.glb, .gltf) and z otherwise")
    mesh2ob.add_argument("--size", type=_size, default=(640, 480), metavar="WxH", help="of cameras that state none, in "
                         "pixels")
    mesh2ob.add_argument("--convention", default="strict", help="strict: a gap in depth makes a boundary; or published: "
                         "as the tool that OB-FUTURE was made with has it, where contact counts")
    mesh2ob.add_argument("--supersample", type=int, default=1, metavar="N", help="above 1: also write a soft boundary, "
                         "from NxN points a pixel")
    return parser


def _model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="modot_nano", help="name of the network")
    parser.add_argument("--weights", type=Path, help=".safetensors or .pth file; without it the package's own")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--precision", default="fp32", help="fp32, bf16 or fp16")


def _scene_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--focal-px", type=float, help="horizontal focal length of the input in pixels; without it the "
                        "model's canonical camera is assumed and metric depth is right up to one factor")
    parser.add_argument("--instances", type=Path, help="label image (8 or 16 bits, 0 = background), or a folder with "
                        "one of the same name per picture; without it regions are found")
    parser.add_argument("--flip", action="store_true", help="average with the mirrored picture: better, twice as slow")
    parser.add_argument("--boundary-threshold", type=float, default=0.5,
                        help="probability from which a boundary counts")
    parser.add_argument("--order-model", default="", help="order network, as instaordernet_od; needs --order-weights")
    parser.add_argument("--order-weights", type=Path, help="its .safetensors or .pth file")
    parser.add_argument("--order-method", help="geometric, learned or fused; without it fused with --order-model and "
                        "geometric otherwise")
    parser.add_argument("--order-max-instances", type=int, default=16,
                        help="the order network looks at so many of the largest instances, at every pair of them")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: expected WxH, as 640x480")
    return int(width), int(height)


def _predict(options: argparse.Namespace) -> int:
    from modot_ros.scene.files import write_prediction

    done = 0
    for name, rgb, prediction in _predictions(options):
        write_prediction(prediction, rgb, options.output, name)
        done += 1
    print(f"{done} predictions in {options.output}")
    return 0


def _order(options: argparse.Namespace) -> int:
    from modot_ros.scene.drawing import overlay
    from modot_ros.scene.graph_files import graph_text, write_graph

    for name, rgb, prediction in _predictions(options):
        if options.output is not None:
            write_graph(prediction.graph, options.output, name)
            path = options.output / f"{name}_overlay.png"
            if not cv2.imwrite(str(path), cv2.cvtColor(overlay(rgb, prediction), cv2.COLOR_RGB2BGR)):
                raise OSError(f"{path} can't be written")
        print(f"{name}: {graph_text(prediction.graph, 'm' if prediction.depth_kind == 'metric' else '')}")
    return 0


def _predictions(options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, Prediction]]:
    """(name, RGB picture, prediction) of every frame of the input; makes the output folder."""
    from tqdm import tqdm

    from modot_ros.predictor import Predictor
    from modot_ros.ros.sources import Pictures, Video, open_source

    source = open_source(options.input)
    if not isinstance(source, (Pictures, Video)):
        raise ValueError(f"{options.input!r} is no picture, folder of pictures or video")
    if options.instances is not None and not options.instances.exists():
        raise FileNotFoundError(f"instances {str(options.instances)!r} does not exist")
    most = {} if options.instances is None else {"max_instances": 1024}         # labels that are given are all taken
    method = options.order_method or ("fused" if options.order_model else "geometric")
    predictor = Predictor(options.model, options.weights, options.device, options.precision, options.boundary_threshold,
                          flip=options.flip, order_method=method, order_model=options.order_model,
                          order_weights=options.order_weights, order_max_instances=options.order_max_instances, **most)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    for frame in tqdm(source, total=len(source), unit="frame", disable=None if len(source) > 1 else True):
        if frame.name in names:
            raise ValueError(f"two pictures are called {frame.name!r}, and so would be their results: rename one")
        names.add(frame.name)
        rgb = np.ascontiguousarray(frame.rows.reshape(frame.height, frame.width, 3)[:, :, ::-1])
        focal_px = options.focal_px
        if focal_px is None and frame.calibration is not None:
            focal_px = frame.calibration.k[0]
        labels = None if options.instances is None else _labels(options.instances, frame.name, rgb.shape[:2])
        yield frame.name, rgb, predictor.predict(rgb, focal_px, labels)
    passed_over = [path.name for path in source.passed_over] if isinstance(source, Pictures) else []
    if passed_over:
        print(f"{len(passed_over)} passed over, for they can't be read as pictures of 8 bits per channel: "
              f"{', '.join(passed_over[:5])}{', ...' if len(passed_over) > 5 else ''}", file=sys.stderr)


def _labels(path: Path, name: str, size: tuple[int, int]) -> np.ndarray:
    """The label image at `path`, or the one called `name` in the folder `path`, for a picture of `size` (H, W)."""
    file = path
    if path.is_dir():
        file = next((path / f"{name}{ending}" for ending in (".png", ".tif", ".tiff")
                     if (path / f"{name}{ending}").is_file()), None)
        if file is None:
            raise FileNotFoundError(f"instances folder {str(path)!r} has no {name}.png")
    try:
        labels = decode(file.read_bytes(), cv2.IMREAD_UNCHANGED)
    except ValueError as error:
        raise ValueError(f"instances {str(file)!r} {error}") from error
    if labels.ndim != 2:
        raise ValueError(f"instances {str(file)!r} is no label image of one channel, it has {labels.shape[2]} (a palette's "
                         "colours are no ids)")
    if labels.shape != size:
        raise ValueError(f"instances {str(file)!r} is {labels.shape[1]}x{labels.shape[0]}, the picture {name!r} "
                         f"{size[1]}x{size[0]}")
    return labels


def _bench(options: argparse.Namespace) -> int:
    from modot_ros.learn.speed import measure
    from modot_ros.predictor import Predictor

    predictor = Predictor(options.model, options.weights, options.device, options.precision)
    speed = measure(predictor, *options.size, runs=options.runs)
    print(f"{speed.model} {speed.precision} on {speed.device} ({speed.threads} threads), "
          f"{speed.width}x{speed.height}, {speed.runs} runs; ms")
    for name, (low, middle, high) in {**speed.stage_ms, "total": speed.total_ms}.items():
        print(f"  {name:<10} median {middle:8.2f}   10 % {low:8.2f}   90 % {high:8.2f}")
    print(json.dumps(asdict(speed)))
    return 0


def _demo(options: argparse.Namespace) -> int:
    try:
        from modot_ros.ros import demo
    except ModuleNotFoundError as error:
        raise ValueError(f"the demo runs ROS 2 nodes and {error.name} can't be imported: use `make demo` in a checkout, "
                         "or source a ROS 2 distribution") from error
    return demo.main(options.rest)


def _train(options: argparse.Namespace) -> int:
    if options.smoke:
        return _smoke(options)

    from modot_ros.learn.ranks import ranks_of_environment
    from modot_ros.learn.synthetic.shards import write_shards
    from modot_ros.learn.training import Share, TrainingOptions, check, train

    if options.views < 1:
        raise ValueError(f"--views is {options.views}: must be 1 or more")
    data = options.data or options.output / "data"
    rate = options.learning_rate
    if rate is None:
        rate = 2e-3 if options.start is None else 1e-3
    wanted = TrainingOptions(train=str(data / "train"), validation=str(data / "validation"), output=str(options.output),
                             more=tuple(Share(*share) for share in options.mix), model=options.model, start=options.start,
                             keep=options.keep, steps=options.steps, seed=options.seed, batch=options.batch, learning_rate=rate,
                             device=options.device, precision=options.precision, threads=options.threads,
                             tensorboard=options.tensorboard)
    check(wanted)
    if ranks_of_environment().first:                    # the other processes wait in `train` for this one
        write_shards(data / "train", "train", options.views, workers=options.workers, progress=_rendering,
                     first=options.first_view)
        write_shards(data / "validation", "validation", 120, workers=options.workers, progress=_rendering)
    print(f"weights: {train(wanted)}")
    return 0


def _train_orders(options: argparse.Namespace) -> int:
    import torch

    from modot_ros.learn.nearness_training import collect, load_looks, train, write_weights
    from modot_ros.learn.synthetic.shards import write_shards

    if options.epochs < 1:
        raise ValueError(f"--epochs is {options.epochs}: must be 1 or more")
    looks = []
    for split, kinds, views, first in (("train", ("both", "regions"), options.views, options.first_view),
                                       ("validation", ("whole",), options.validation_views, 0)):
        shards = write_shards(options.output / "data" / split, split, views, workers=options.workers, progress=_rendering,
                              first=first, instances=True)
        looks.append(load_looks([path for kind in kinds for path in collect(
            shards, options.output / "looks" / split / kind, kind, options.weights, options.workers, _looking)]))
    torch.set_num_threads(options.workers)
    weights = train(*looks, options.epochs, options.seed, _epoch)
    print(f"weights: {write_weights(weights, options.output / 'nearness.npz')}")
    return 0


def _share(text: str) -> tuple[str, float]:
    folder, found, weight = text.rpartition("=")
    try:
        return folder if found else text, float(weight) if found else 1.0
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected FOLDER=WEIGHT, as rooms2=0.5") from error


def _smoke(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.report import headline
    from modot_ros.learn.smoke import smoke

    found = smoke(options.output, threads=options.threads, progress=_progress)
    print(f"report: {options.output / 'report' / 'results.md'}")
    print(json.dumps(headline(found)))
    return 0


def _weights(options: argparse.Namespace) -> int:
    from modot_ros.model import MODELS, ORDER_MODELS, import_checkpoint

    name = import_checkpoint(options.file, options.output, options.dataset)
    use = f"load_order_network({name!r}, {str(options.output)!r}) of modot_ros.model"
    if name in (*MODELS, *ORDER_MODELS):
        kind = "" if name in MODELS else "order-"
        use = f"--{kind}model {name} --{kind}weights {options.output}"
    print(f"{options.output}: weights of {name}; use them with {use}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from modot_ros.learn.evaluation.evaluate import evaluate
    from modot_ros.learn.evaluation.report import headline, tables
    from modot_ros.model import load_order_network
    from modot_ros.predictor import Predictor

    if options.views is not None and options.views < 1:
        raise ValueError(f"--views is {options.views}: must be 1 or more")
    predictor = Predictor(options.model, options.weights, options.device, options.precision, max_instances=65535,
                          flip=options.flip)
    network = None
    if options.order_model or options.order_weights:
        network = options.order_model, load_order_network(options.order_model, options.order_weights, options.device,
                                                          options.precision)
    comparisons = evaluate(options.data, options.output, predictor, options.views, options.workers, _progress, network)
    for comparison in comparisons:
        print("\n".join(tables(comparison)))
    print(f"report: {options.output / 'results.md'}")
    print(json.dumps([headline(comparison) for comparison in comparisons]))
    return 0


def _mesh2ob(options: argparse.Namespace) -> int:
    from modot_ros.learn.mesh2ob.cameras import orbit, read_cameras
    from modot_ros.learn.mesh2ob.mesh import load_mesh
    from modot_ros.learn.mesh2ob.writer import write_views

    mesh = load_mesh(options.scene)
    if options.cameras is not None:
        cameras = read_cameras(options.cameras, options.size)
    else:
        up = options.up or ("y" if options.scene.suffix.lower() in (".glb", ".gltf") else "z")
        cameras = orbit(mesh, options.size, up)
    write_views(mesh, cameras, options.output, options.convention, options.supersample, _progress)
    print(f"{len(cameras)} views of {len(mesh.names) - 1} instances, {len(mesh.faces)} triangles, in {options.output}; "
          f"score a model with `modot evaluate --data pairs={options.output}`")
    return 0


def _progress(what: str, done: int, count: int) -> None:
    if done % 20 == 0 or done == count:
        print(f"{what}: {done} of {count}", file=sys.stderr, flush=True)


def _rendering(done: int, count: int) -> None:
    print(f"rendering: {done} of {count} shards", flush=True)


def _looking(done: int, count: int) -> None:
    print(f"looking: {done} of {count} shards", flush=True)


def _epoch(done: int, surprise: float, whdr: float) -> None:
    print(f"epoch {done}: cross-entropy {surprise:.4f}, WHDR of the validation views {100 * whdr:.1f} %", flush=True)


if __name__ == "__main__":
    sys.exit(main())
