# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands share."""
from __future__ import annotations

import argparse
from pathlib import Path


def model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="modot_nano", help="name of the network")
    parser.add_argument("--weights", type=Path, help=".safetensors or .pth file; without it the package's own")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--precision", default="fp32", help="fp32, bf16 or fp16")


def engine_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", default="local", help="where the network runs: local (torch) or onnx (ONNX Runtime, with "
                        "the package's extra onnx; --weights may be a file of `modot export`)")


def scene_arguments(parser: argparse.ArgumentParser) -> None:
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


def size(text: str) -> tuple[int, int]:
    """(width, height) of "WxH"."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: expected WxH, as 640x480")
    return int(width), int(height)
