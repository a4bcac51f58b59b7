# SPDX-License-Identifier: Apache-2.0
"""Orders of all pairs of a picture: as the official evaluation computes them, against `order_pairs`, in one command.

    python benchmarks/order_networks.py            the CPU, or the GPU when there is one
    python benchmarks/order_networks.py --work     multiply-adds alone, which need no time

The official loop prepares picture and masks for every pair and runs the whole network twice for it, one input at a
time. `batched` is `order_pairs` on the same network; `loaded` the same as `load_order_network` gives it, batch norms
folded. Ways take turns within every round, so that another load meets them alike; weights are random. On a CPU
`faster` compares the process's CPU time, which a busy machine does not distort; wall time stands beside it.
"""
from __future__ import annotations

import argparse
import copy
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from modot_ros.model import ORDER_MODELS, build_network, order_pairs
from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.instaorder.networks import InstaDepthNet
from modot_ros.model.instaorder.official import OrderNetwork
from modot_ros.model.instaorder.pair_input import enlarged_box, mask_box, pair_window, patch_input, whole_input
from modot_ros.model.instaorder.pair_orders import orders_of
from modot_ros.prediction import PairOrders

# Network, instances, what is wanted of the ratio and of which: the goals of the project.
CASES = (("instadepthnet_d", 5, "faster", 3.0), ("instadepthnet_od", 10, "less work", 4.5))


def scene(count: int, height: int = 480, width: int = 640) -> tuple[np.ndarray, np.ndarray]:
    """Picture and masks: smooth colours, discs side by side in two rows."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([(x // 3) % 256, (y // 2) % 256, (x + y) // 5 % 256], axis=-1).astype(np.uint8)
    columns = (count + 1) // 2
    centres = [((k % columns + 0.5) * width / columns, (k // columns + 0.5) * height / 2) for k in range(count)]
    radius = 0.5 * min(width / columns, height / 2)
    return rgb, np.stack([(x - u) ** 2 + (y - v) ** 2 <= radius ** 2 for u, v in centres]).astype(np.uint8)


def lively(network: OrderNetwork) -> OrderNetwork:
    """Weights under which no layer saturates and no answer is sure; the same every time."""
    generator = torch.Generator().manual_seed(0)
    for key, value in network.state_dict().items():
        if value.ndim > 1:
            value.copy_(torch.randn(value.shape, generator=generator) * 1.4 * value[0].numel() ** -0.5)
        elif key.endswith("bn3.weight"):                # a residual branch adds little to what it branches from
            value.fill_(0.2)
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def official_loop(network: OrderNetwork, rgb: np.ndarray, masks: np.ndarray) -> PairOrders:
    """N (N - 1) whole forward passes of one input each, everything prepared again for every pair."""
    device = next(network.parameters()).device
    squares = [enlarged_box(mask_box(mask)) for mask in masks]
    index = np.argwhere(np.triu(np.ones((len(masks), len(masks)), bool), 1))
    found: dict[str, list] = {name: [] for name in network.classes}
    for a, b in index:
        if network.mode == "patch":
            picture, pair = patch_input(rgb, masks[a], masks[b], pair_window(squares[a], squares[b]), network.size)
            picture = picture[None]
        else:
            picture, pair = whole_input(rgb, masks[[a, b]], network.mode, network.size)
        picture, pair = picture.to(device), pair[None].to(device, torch.float32)
        for shown in (pair, pair.flip(1)):
            if isinstance(network, InstaDepthNet):
                _, depth, occlusion = network(picture, shown[:, :1], shown[:, 1:])
                logits = {"depth": depth, "occlusion": occlusion}
            else:
                out = network(torch.cat([shown, picture], dim=1))
                logits = dict(zip(network.classes, out if isinstance(out, tuple) else (out,)))
            for name in found:
                found[name].append(logits[name].cpu().numpy())
    return orders_of({name: np.concatenate(values).reshape(len(index), 2, -1) for name, values in found.items()}, index,
                     len(masks))


def multiply_adds(name: str, count: int) -> tuple[float, float]:
    """10^9 multiply-adds of the official loop and of `pair_logits`, counted by running the network without numbers."""
    with torch.device("meta"):
        network = build_network(name).eval()
        shape = (1, 3, network.size, network.size)
        rgb, mask = torch.empty(shape), torch.empty(1, 1, *shape[2:])
    with torch.inference_mode(), FlopCounterMode(display=False) as whole:
        network(rgb, mask, mask) if isinstance(network, InstaDepthNet) else network(torch.cat([mask, mask, rgb], dim=1))
    forwards = count * (count - 1)
    with torch.inference_mode(), FlopCounterMode(display=False) as once:
        features = network.encode(rgb)
    with torch.inference_mode(), FlopCounterMode(display=False) as each:
        network.logits(features, torch.cat([mask, mask], dim=1))
    return (forwards * whole.get_total_flops() / 2e9,
            (once.get_total_flops() + forwards * each.get_total_flops()) / 2e9)


def same(first: PairOrders, second: PairOrders) -> tuple[bool, float]:
    """Whether all decisions agree, and the largest difference of a probability."""
    agree, apart = True, 0.0
    for orders, probabilities in (("occlusion", "occlusion_probability"), ("depth", "depth_probability")):
        if getattr(first, orders) is not None:
            agree &= np.array_equal(getattr(first, orders), getattr(second, orders))
            apart = max(apart, float(np.nanmax(np.abs(getattr(first, probabilities) - getattr(second, probabilities)))))
    return agree, apart


def measure(name: str, count: int, rounds: int, device: torch.device) -> dict[str, dict]:
    """Seconds (median, lowest, highest), CPU seconds and agreement with the official loop, by way."""
    rgb, masks = scene(count)
    network = lively(build_network(name)).to(device)
    loaded = fold_batch_norms(copy.deepcopy(network)).to(memory_format=torch.channels_last)
    ways: dict[str, Callable[[], PairOrders]] = {
        "official": lambda: official_loop(network, rgb, masks), "batched": lambda: order_pairs(network, rgb, masks),
        "loaded": lambda: order_pairs(loaded, rgb, masks)}
    if device.type == "cuda":
        half = copy.deepcopy(loaded).half()
        ways["fp16"] = lambda: order_pairs(half, rgb, masks)
        for way in ways.values():                       # kernels are chosen at the first run
            way()
    wall_s: dict[str, list[float]] = {way: [] for way in ways}
    cpu_s: dict[str, list[float]] = {way: [] for way in ways}
    answers: dict[str, PairOrders] = {}
    for _ in range(rounds):
        for way, call in ways.items():
            start, cpu = time.perf_counter(), time.process_time()
            answers[way] = call()                       # brings its answer to the CPU
            wall_s[way].append(time.perf_counter() - start)
            cpu_s[way].append(time.process_time() - cpu)
    results = {}
    for way in ways:
        agree, apart = same(answers["official"], answers[way])
        results[way] = {"median_s": statistics.median(wall_s[way]), "low_s": min(wall_s[way]),
                        "high_s": max(wall_s[way]), "cpu_s": statistics.median(cpu_s[way]), "same_orders": agree,
                        "probability_apart": apart}
    for result in results.values():
        clock = "median_s" if device.type == "cuda" else "cpu_s"
        result["faster"] = results["official"][clock] / result[clock]
        result["faster_wall"] = results["official"]["median_s"] / result["median_s"]
    return results


def commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True,
                           text=True)
    return asked.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, help="3 on a CPU, 10 on a GPU")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--work", action="store_true", help="count multiply-adds only")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    rounds = options.rounds or (10 if on_gpu else 3)
    report = {"benchmark": "order_networks", "commit": commit(), "torch": torch.__version__,
              "device": torch.cuda.get_device_name(device) if on_gpu else platform.processor() or platform.machine(),
              "threads": torch.get_num_threads(), "rounds": rounds, "work": [], "time": []}
    print(f"{report['device']}, {report['threads']} threads, torch {report['torch']}, commit {report['commit']}")
    print("\nmultiply-adds of all pairs, 10^9          official     ours   less")
    for name in ORDER_MODELS:
        for count in (5, 10):
            official, ours = multiply_adds(name, count)
            report["work"].append({"model": name, "instances": count, "official_gmac": round(official, 1),
                                   "gmac": round(ours, 1), "less_work": official / ours})
            print(f"  {name:17s} {count:3d} instances      {official:12.1f} {ours:8.1f}   {official / ours:.2f}x")
    if not options.work:
        for name, count, _, _ in CASES if on_gpu else CASES[:1]:
            print(f"\n{name}, {count} instances, 640x480, {rounds} rounds: median s (lowest - highest)   CPU s   faster"
                  "   by wall time   same orders   probabilities apart")
            for way, result in measure(name, count, rounds, device).items():
                report["time"].append({"model": name, "instances": count, "way": way, **result})
                print(f"  {way:10s} {result['median_s']:8.3f} ({result['low_s']:.3f} - {result['high_s']:.3f})"
                      f"   {result['cpu_s']:.2f}   {result['faster']:.2f}x   {result['faster_wall']:.2f}x"
                      f"   {result['same_orders']}   {result['probability_apart']:.1e}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
