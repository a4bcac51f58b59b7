# SPDX-License-Identifier: Apache-2.0
"""`modot weights`: import of the authors' checkpoints."""
from __future__ import annotations

import argparse
from pathlib import Path

HELP = "Turn the authors' checkpoint into a file that says what it is."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("import",), help="read a file, check it, write it as .safetensors")
    parser.add_argument("file", type=Path, help=".pth file of MoDOT or DNMMSI, .pth.tar of InstaOrder, or .pt "
                        "of MiDaS v2.1")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".safetensors file to write")
    parser.add_argument("--dataset", help="what MoDOT was trained on: nyud-mt, ob-future or ob-hypersim; for DNMMSI ob-future "
                        "where it is used on pictures of that set; an order network needs none")


def run(options: argparse.Namespace) -> int:
    from modot_ros.model import MODELS, ORDER_MODELS, STROKE_MODELS, import_checkpoint

    name = import_checkpoint(options.file, options.output, options.dataset)
    use = f"load_order_network({name!r}, {str(options.output)!r}) of modot_ros.model"
    uses = [f"--{kind}model {name} --{kind}weights {options.output}"
            for kind, names in (("", MODELS), ("order-", ORDER_MODELS)) if name in names]
    if uses:                                            # InstaDepthNet gives depth as well as orders
        use = " or ".join(uses)
    if name in STROKE_MODELS:
        use = f"modot refine --model {name} --weights {options.output}"
    print(f"{options.output}: weights of {name}; use them with {use}")
    return 0
