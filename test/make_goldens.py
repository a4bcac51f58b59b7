# SPDX-License-Identifier: Apache-2.0
"""Writes test/golden: what the published networks predict with weights and pictures by formula.

    python test/make_goldens.py             needs ../shared/golden, the outputs of the official code

Nothing is written unless every output that the official code was asked for is reproduced here within the tolerance; how far it
was off stands in goldens.json. So whoever has the repository alone compares with the official code through these files.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

import formula
import numpy as np
import torch

from modot_ros.model import build_network

GOLDEN = Path(__file__).resolve().parent / "golden"
OFFICIAL = GOLDEN.parents[2] / "shared" / "golden"
FILES = {"modot": "modot/modot_{}", "modot_ssr": "modot/ssr_{}", "dnmmsi_small": "dnmmsi/net_small_{}",
         "instaordernet_o": "instaorder/net_InstaOrderNet_o", "instaordernet_d": "instaorder/net_InstaOrderNet_d",
         "instaordernet_od": "instaorder/net_InstaOrderNet_od", "ordernet": "instaorder/net_OrderNet",
         "ordernet_ext": "instaorder/net_OrderNet_ext", "instadepthnet_d": "instaorder/net_InstaDepthNet_d",
         "instadepthnet_od": "instaorder/net_InstaDepthNet_od", "pcnet_m": "instaorder/net_pcnet_m"}
TOLERANCE = 5e-4
NAMES_ONLY = ("dnmmsi_base", "dnmmsi_large", "dnmmsi_large_v2", "midas_v21")    # too large to fill in a test, or without outputs


def main() -> int:
    report, arrays = {}, {}
    for name, cases in formula.CASES.items():
        exact = {"sizes": "exact"} if name.startswith(("modot", "dnmmsi")) else {}
        network = build_network(name, **exact).eval()
        with torch.no_grad():
            formula.fill_of(name)(network.state_dict())
        report[name] = {"state": formula.names_of(network), "from the official code": {}}
        for case in cases:
            size = f"{case[0]}x{case[1]}"
            found = formula.outputs(name, network, case)
            off = difference(name, size, found)
            report[name]["from the official code"][size] = off
            print(f"{name} {size}: {'not asked for' if off is None else off}")
            if off is not None and not off <= TOLERANCE:
                print(f"{name} at {size} is not what the official code makes: nothing is written")
                return 1
            arrays |= {f"{name}/{size}/{part}": formula.sampled(values) for part, values in found.items()}
    for name in NAMES_ONLY:
        with torch.device("meta"):
            report[name] = {"state": formula.names_of(build_network(name))}
    GOLDEN.mkdir(exist_ok=True)
    np.savez_compressed(GOLDEN / "networks.npz", **arrays)
    (GOLDEN / "goldens.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0


def difference(name: str, size: str, found: dict[str, np.ndarray]) -> float | None:
    """Largest difference from the official outputs; None where the official code was not run at this size."""
    path = OFFICIAL / f"{FILES[name].format(size)}.npz"
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is missing: the official outputs are needed to write goldens")
    if not path.is_file():
        return None
    with np.load(path) as stored:
        worst = 0.0
        for part, values in found.items():
            if name in ("modot", "modot_ssr", "dnmmsi_small"):
                expected, values = stored[part], values[..., stored["rows"][:, None], stored["cols"]]
            else:
                expected = stored[f"{size}/{part}"]
            worst = max(worst, float(np.abs(values - expected).max()))
        return worst


if __name__ == "__main__":
    sys.exit(main())
