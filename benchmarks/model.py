# SPDX-License-Identifier: Apache-2.0
"""What a small network costs: parameters, operations per part, and time per picture and step around it.

    python benchmarks/model.py [--model modot_nano] [--device cpu] [--precision fp32] [--threads 2] [--runs 50] [--size 256x192]

Prints median and spread (lowest to highest) over the runs, each on the same 640x480 picture, of wall time and of
processor time of all threads together, then one line of JSON. `peak` is the share of a large matrix product's speed,
measured here, that the network reaches. Other load on the machine shows in the wall time; with one thread, hardly in
the processor time.
"""
from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# The package before torch: it says how torch's threads wait.
import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from modot_ros.model import PRECISIONS, build_network, load_network, run  # noqa: E402
from modot_ros.model.preprocess import STRIDE, to_input  # noqa: E402

WIDTH, HEIGHT = 640, 480


def milliseconds(work: Callable[[], object], runs: int, device: torch.device) -> list[tuple[float, float]]:
    """Wall and processor time of each run, after a warm-up."""
    def once() -> tuple[float, float]:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return 1e3 * (time.perf_counter() - wall_s), 1e3 * (time.process_time() - cpu_s)
    for _ in range(5):
        once()
    return [once() for _ in range(runs)]


def operations(network: torch.nn.Module, image: torch.Tensor) -> dict[str, float]:
    """Floating point operations of one forward, in units of 1e9, by the network's own parts."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(image)
    counted = {tuple(name.split(".")[1:]): sum(by_operator.values()) / 1e9
               for name, by_operator in counter.get_flop_counts().items() if "." in name}
    parts: dict[str, float] = {}
    for path, gflop in counted.items():
        if not any(path[:length] in counted for length in range(1, len(path))):         # not within another
            parts[path[0]] = parts.get(path[0], 0.0) + gflop
    return {"all": round(counter.get_total_flops() / 1e9, 3), **{name: round(g, 3) for name, g in parts.items()}}


def matmul_gflops(device: torch.device, dtype: torch.dtype, size: int = 1024) -> float:
    """Speed of a square matrix product, the best of several."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size ** 3 / 1e6 / min(wall_ms for wall_ms, _ in milliseconds(lambda: a @ b, 10, device))


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of a small network on one 640x480 picture.")
    parser.add_argument("--model", default="modot_nano", choices=("modot_nano", "modot_lite"))
    parser.add_argument("--weights", type=Path, help="file; the packaged weights without it")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--size", metavar="WxH", help="the network's working size; that of the weights without it")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    start_s = time.perf_counter()
    loaded = load_network(options.model, options.weights, options.device, options.precision)
    load_ms = 1e3 * (time.perf_counter() - start_s)
    if options.size:
        width, height = (int(side) for side in options.size.split("x"))
        loaded = dataclasses.replace(loaded, working_size=(width, height))
    dtype, device = PRECISIONS[options.precision], loaded.device
    rgb = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    image, size = to_input(rgb, loaded.working_size, STRIDE)
    image = image.to(device, dtype, memory_format=torch.channels_last)
    fresh = build_network(options.model, **loaded.config).eval().to(device, dtype)
    plain = image.contiguous()
    gflop = operations(fresh, plain)

    with torch.inference_mode():
        times_ms = {
            "picture to input": milliseconds(lambda: to_input(rgb, loaded.working_size, STRIDE), options.runs, device),
            "network": milliseconds(lambda: loaded.network(image), options.runs, device),
            "depth only": milliseconds(lambda: loaded.network(image, boundary=False), options.runs, device),
            "boundary only": milliseconds(lambda: loaded.network(image, depth=False), options.runs, device),
            "as built": milliseconds(lambda: fresh(plain), options.runs, device),   # norms apart, channels first
            "picture to maps": milliseconds(lambda: run(loaded, rgb), options.runs, device),
        }
        peak_gflops = matmul_gflops(device, dtype)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True,
                            text=True).stdout.strip()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    result = {
        "benchmark": "model", "model": options.model, "commit": commit, "device": name, "precision": options.precision,
        "threads": torch.get_num_threads(), "runs": options.runs, "input": [*size],
        "parameters_m": round(sum(p.numel() for p in fresh.parameters()) / 1e6, 3), "gflop": gflop,
        "load_ms": round(load_ms, 1), "matmul_gflops": round(peak_gflops, 1),
    }
    for clock, unit in enumerate(("wall_ms", "cpu_ms")):
        result[unit] = {key: [round(f(pair[clock] for pair in pairs), 2) for f in (min, statistics.median, max)]
                        for key, pairs in times_ms.items()}
    result["peak"] = round(gflop["all"] / (result["wall_ms"]["network"][1] / 1e3) / peak_gflops, 3)
    print(f"{options.model} on {name}, {options.precision}, {result['threads']} threads, {size[0]}x{size[1]}, commit {commit}; "
          f"{result['parameters_m']} M parameters, {gflop['all']} GFLOP, {100 * result['peak']:.0f} % of the peak")
    for unit in ("wall_ms", "cpu_ms"):
        for key, (low, middle, high) in result[unit].items():
            print(f"  {unit:<8} {key:<18} {middle:7.2f}  ({low:.2f} to {high:.2f})")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
