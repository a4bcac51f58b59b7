# SPDX-License-Identifier: Apache-2.0
"""`modot annotate`: a page in the browser on which boundaries of a folder's pictures are corrected with strokes."""
from __future__ import annotations

import argparse
import os
import secrets
import socket
import webbrowser
from pathlib import Path

from modot_ros.cli.arguments import model_arguments

HELP = "Correct boundaries of a folder of pictures in the browser, with two brushes."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="of pictures; boundaries and strokes are written beside them")
    parser.add_argument("--host", help="name or address of this machine under which others may open the page, with the token "
                        "that is printed; without it this machine alone")
    parser.add_argument("--port", type=int, default=8600, help="of the page; 0 takes a free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the page's address")
    model_arguments(parser)
    parser.set_defaults(model="scribble_nano")


def run(options: argparse.Namespace) -> int:
    try:
        import uvicorn

        from modot_ros.view.annotation.server import create_app
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"the page needs the package {error.name}: pip install .[annotate]") from error
    from modot_ros.model import STROKE_MODELS
    from modot_ros.predictor import Predictor
    from modot_ros.view.annotation.album import Album

    if options.model not in STROKE_MODELS:
        raise ValueError(f"{options.model} takes no strokes: choose one of {', '.join(STROKE_MODELS)}")
    if not 0 <= options.port < 65536:
        raise ValueError(f"--port is {options.port}: must be in 0..65535")
    album = Album(options.folder, Predictor(options.model, options.weights, options.device, options.precision))
    host, token = options.host or "127.0.0.1", secrets.token_urlsafe(16) if options.host else None
    try:
        family = socket.getaddrinfo(host, options.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, options.port), family=family)
    except OSError as error:
        raise OSError(f"{host}:{options.port} can't be listened on ({error.strerror}): choose another --port") from error
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
    print(f"{len(album)} pictures in {options.folder}: {address}\nstop with Ctrl+C; everything that was applied is saved",
          flush=True)
    if not options.no_browser and (os.name == "nt" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(address)
    uvicorn.Server(uvicorn.Config(create_app(album, token), log_level="warning")).run(sockets=[listening])
    return 0
