# SPDX-License-Identifier: Apache-2.0
"""`modot export`: a network as an ONNX file."""
from __future__ import annotations

import argparse
from pathlib import Path

from modot_ros.cli.arguments import size

HELP = "Write a network as an ONNX file, checked against torch by ONNX Runtime."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, help=".onnx file to write")
    parser.add_argument("--model", default="modot_nano", help="network for depth and boundaries, or order network")
    parser.add_argument("--weights", type=Path, help=".safetensors or .pth file; without it the package's own")
    parser.add_argument("--size", type=size, default=(640, 480), metavar="WxH",
                        help="of the pictures; their aspect decides the input's size. An order network has a size of its own")
    parser.add_argument("--without-classes", action="store_true", help="leave the decoder of semantic classes out, which "
                        "ONNX Runtime would compute for every picture")


def run(options: argparse.Namespace) -> int:
    from modot_ros.engine.export import TOLERANCE, export, largest_difference

    if options.output.suffix != ".onnx":
        raise ValueError(f"{options.output}: must end in .onnx")
    exported = export(options.model, options.weights, options.size, not options.without_classes)
    difference = largest_difference(exported)
    if not difference <= TOLERANCE:
        raise ValueError(f"{options.model}: ONNX Runtime differs from torch by {difference:.2g}, more than {TOLERANCE:g}: "
                         "nothing is written")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(exported.onnx)
    inputs = ", ".join(f"{name} [N, {', '.join(map(str, one.shape[1:]))}]" for name, one in zip(exported.names, exported.inputs))
    print(f"{options.output}: {options.model}, {inputs}, {len(exported.onnx) / 1e6:.1f} MB; differs from torch by "
          f"{difference:.1g} at most")
    return 0
