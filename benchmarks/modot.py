# SPDX-License-Identifier: Apache-2.0
"""The published MoDOT: parameters, work per part, latency, memory and share of the device's matrix peak, in one command.

    python benchmarks/modot.py                  the CPU, or the GPU when there is one
    python benchmarks/modot.py --weights FILE   with trained weights, so that the error columns mean something
    python benchmarks/modot.py --json FILE      the report also goes there

Variants take turns within every round, so that another load meets them alike. `plain` does the work in the order in
which the official code does: windows by padding, rolling and cutting, linear layers on padding, attention in single
steps, batch norms apart, maps enlarged before they are narrowed, all five boundary maps. The error is that of the
variant's depth against `plain`'s, relative, mean over pixels. On a CPU `faster` compares the process's CPU time, which a
busy machine distorts less, and memory is all that a fresh process has when it has loaded the network and run it once.
"""
from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from modot_ros.model import PRECISIONS, build_network
from modot_ros.model.checkpoint import read_weights
from modot_ros.model.cuda_graph import GraphedNetwork
from modot_ros.model.fold import cast, fold_batch_norms
from modot_ros.model.layers.casm import CASM, ConvBnRelu
from modot_ros.model.layers.swin import Swin, SwinAttention, SwinStage
from modot_ros.model.layers.windows import (
    HEAD_CHANNELS,
    SHIFT,
    TOKENS,
    WINDOW,
    Mlp,
    RelativeBias,
    freeze_biases,
    relative_position_index,
    shift_mask,
)
from modot_ros.model.layers.winograd import use_winograd
from modot_ros.model.modot.boundary_decoder import BoundaryDecoder
from modot_ros.model.modot.network import DepthHead, Modot, Skip
from modot_ros.model.modot.newcrf import CrfLayer, NewCrf
from modot_ros.model.modot.psp import PyramidPooling

PARTS = {"encoder": (Swin, "forward"), "pyramid pooling": (PyramidPooling, "forward"), "crf": (NewCrf, "forward"),
         "skips": (Skip, "forward"), "casm": (CASM, "depth"), "image path": (Modot, "boundary_inputs"),
         "boundary decoder": (BoundaryDecoder, "features"), "depth head": (DepthHead, "forward")}

# Where 8 bits cost the least accuracy and most of the time is spent.
DEEP = ("backbone.layers.2", "backbone.layers.3", "crf3", "crf2")


def random_state(network: nn.Module) -> dict[str, Tensor]:
    """Weights under which no layer saturates; the same every time."""
    generator, state = torch.Generator().manual_seed(0), {}
    for key, value in network.state_dict().items():
        if key.endswith("relative_position_index"):
            state[key] = relative_position_index()
        elif not value.is_floating_point():
            state[key] = torch.zeros(value.shape, dtype=value.dtype)
        elif value.ndim >= 2 and not key.endswith("table"):
            state[key] = torch.randn(value.shape, generator=generator) * 1.2 * value[0].numel() ** -0.5
        else:
            noise = torch.rand(value.shape, generator=generator) - 0.5
            state[key] = noise * 0.4 + (1.0 if key.endswith(("weight", "running_var")) else 0.0)
    return state


@dataclass(frozen=True)
class Grid:
    """What the official order cuts into windows: grids of tokens, shifted or not."""

    batch: int
    height: int
    width: int
    shift: int


@lru_cache(64)
def _mask(height: int, width: int, device: torch.device) -> Tensor:
    return shift_mask(height, width).to(device)


def _windows(x: Tensor, shift: int) -> Tensor:
    """Padded grids [N, H, W, C], rolled and cut -> [windows, 49, C]; three copies."""
    if shift:
        x = x.roll((-shift, -shift), (1, 2))
    x = x.unflatten(1, (-1, WINDOW)).unflatten(3, (-1, WINDOW))
    return x.transpose(2, 3).reshape(-1, TOKENS, x.shape[-1])


def _attended(attention: RelativeBias, q: Tensor, k: Tensor, v: Tensor, grid: Grid, height: int, width: int) -> Tensor:
    """Attention in windows of padded grids, and the way back to tokens [T, C]."""
    table = attention.relative_position_bias_table[attention.relative_position_index.flatten()]
    logits = (q * HEAD_CHANNELS ** -0.5) @ k.transpose(-2, -1)
    logits = logits + table.view(TOKENS, TOKENS, -1).permute(2, 0, 1)
    if grid.shift:
        logits = (logits.unflatten(0, (grid.batch, -1)) + _mask(height, width, logits.device)).flatten(0, 1)
    found = attention.proj((logits.softmax(-1) @ v).transpose(1, 2).flatten(2))
    found = found.view(grid.batch, height // WINDOW, width // WINDOW, WINDOW, WINDOW, -1).transpose(2, 3)
    found = found.reshape(grid.batch, height, width, -1)
    if grid.shift:
        found = found.roll((grid.shift, grid.shift), (1, 2))
    return found[:, :grid.height, :grid.width].reshape(grid.batch * grid.height * grid.width, -1)


def _padded(tokens: Tensor, grid: Grid, extra: tuple[int, int] = (0, 0)) -> Tensor:
    x = tokens.view(grid.batch, grid.height + extra[0], grid.width + extra[1], -1)
    return F.pad(x, (0, 0, 0, -grid.width % WINDOW, 0, -grid.height % WINDOW))


def _swin_attention(attention: SwinAttention, x: Tensor, grid: Grid) -> Tensor:
    x = _padded(x, grid)
    qkv = attention.qkv(_windows(x, grid.shift)).view(-1, TOKENS, 3, x.shape[-1] // HEAD_CHANNELS, HEAD_CHANNELS)
    return _attended(attention, *qkv.permute(2, 0, 3, 1, 4), grid, *x.shape[1:3])


def _crf_layer(layer: CrfLayer, x: Tensor, v: Tensor) -> Tensor:
    tokens, extra = x.flatten(0, 2), (v.shape[1] - x.shape[1], v.shape[2] - x.shape[2])
    for block, shift in zip(layer.blocks, (0, SHIFT)):
        grid = Grid(*x.shape[:3], shift)
        queries, values = _padded(block.norm1(tokens), grid), _padded(v.flatten(0, 2), grid, extra)
        if shift:
            values = values.roll((-shift, -shift), (1, 2))
        values = _windows(values[:, :queries.shape[1], :queries.shape[2]], 0).unflatten(2, (-1, HEAD_CHANNELS))
        qk = block.attn.qk(_windows(queries, shift)).view(-1, TOKENS, 2, values.shape[2], HEAD_CHANNELS)
        q, k = qk.permute(2, 0, 3, 1, 4)
        tokens = tokens + _attended(block.attn, q, k, values.transpose(1, 2), grid, *queries.shape[1:3])
        tokens = tokens + _mlp(block.mlp, block.norm2(tokens))
    return tokens.view(x.shape)


def _mlp(mlp: Mlp, x: Tensor) -> Tensor:
    return mlp.fc2(F.gelu(mlp.fc1(x)))


def _stage(stage: SwinStage, x: Tensor) -> Tensor:
    tokens = x.flatten(0, 2)
    for k, block in enumerate(stage.blocks):
        tokens = block(tokens, Grid(*x.shape[:3], SHIFT * (k % 2)))
    return tokens.view(x.shape)


def _encode(swin: Swin, image: Tensor) -> list[Tensor]:
    return [feature.contiguous() for feature in Swin.forward(swin, image)]


def _skip(skip: Skip, x: Tensor) -> Tensor:
    return ConvBnRelu.forward(skip, F.interpolate(x, scale_factor=2, mode="bilinear"))


def _pool(pooling: PyramidPooling, x: Tensor) -> Tensor:
    maps = [F.interpolate(branch(x), size=x.shape[-2:], mode="bilinear") for branch in pooling.psp_modules]
    return pooling.bottleneck(torch.cat([x, *maps], dim=1))


def _boundary_inputs(network: Modot, image: Tensor, maps: list[Tensor]) -> list[Tensor]:
    c = network.ob_convolution(image)
    return [*maps, network.fuse_aimg(torch.cat([network.ca_img(c) * c + c, network.sa_img(c) * c + c], dim=1))]


PLAIN = {SwinStage: _stage, SwinAttention: _swin_attention, CrfLayer: _crf_layer, Mlp: _mlp, Swin: _encode, Skip: _skip,
         PyramidPooling: _pool}


def plain_order(network: nn.Module) -> nn.Module:
    """The network, in place, in the official order: pad, roll, cut, linear layers on padding, everything one by one."""
    for module in network.modules():
        if type(module) in PLAIN:
            module.forward = partial(PLAIN[type(module)], module)
        if isinstance(module, Modot):
            module.boundary_inputs = partial(_boundary_inputs, module)
    return network


def work_per_part(name: str, height: int, width: int) -> dict[str, float]:
    """GFLOPs (a multiplication and an addition are two) of every part for one picture, without computing anything.

    The rest is the last boundary convolution, and the refiner of `modot_ssr`.
    """
    with torch.device("meta"):
        network, image = build_network(name).eval(), torch.empty(1, 3, height, width)
    counter, found = FlopCounterMode(display=False), dict.fromkeys(PARTS, 0.0)
    with ExitStack() as stack:
        for part, (target, method) in PARTS.items():
            original = getattr(target, method)

            def counted(*arguments, _original=original, _part=part, **options):
                before = counter.get_total_flops()
                result = _original(*arguments, **options)
                found[_part] += (counter.get_total_flops() - before) / 1e9
                return result
            stack.enter_context(mock.patch.object(target, method, counted))
        stack.enter_context(torch.inference_mode())
        with counter:
            network(image)
    found["rest"] = counter.get_total_flops() / 1e9 - sum(found.values())
    return found


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """TFLOP/s of a large matrix product; on a CPU per second of its time, thus of one thread."""
    size = 8192 if device.type == "cuda" else 1536
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    times = []
    for _ in range(8):
        start = time.process_time()
        wall_s = seconds(lambda: a @ b, device)
        times.append(wall_s if device.type == "cuda" else time.process_time() - start)
    return 2 * size ** 3 / min(times) / 1e12


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Wall time of a call, all its kernels included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


class Variants:
    """Ways to run one network; all share the memory of the weights that they leave as they are."""

    def __init__(self, name: str, state: dict[str, Tensor], config: dict, device: torch.device) -> None:
        self.name, self.state, self.config, self.device = name, state, config, device

    def build(self, sizes: str = "aligned") -> nn.Module:
        with torch.device("meta"):
            network = build_network(self.name, **{**self.config, "sizes": sizes})
        network.load_state_dict(self.state, assign=True)
        return network.eval().requires_grad_(False)

    def prepared(self, precision: str = "fp32") -> nn.Module:
        """As `load_network` does it."""
        network = freeze_biases(fold_batch_norms(self.build()))
        network = cast(network, PRECISIONS[precision]).to(self.device, memory_format=torch.channels_last)
        return use_winograd(network) if self.device.type == "cpu" and precision == "fp32" else network

    def plain(self) -> Callable:
        network = plain_order(self.build("exact").to(self.device))
        return lambda image: network(image.contiguous())

    def quantised(self, parts: tuple[str, ...] = ("",)) -> nn.Module:
        """Linear layers of these parts of `modot` with 8-bit weights, activations quantised on the way."""
        from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic
        network = self.prepared()
        names = {name for name, module in network.named_modules() if isinstance(module, nn.Linear)
                 and name.removeprefix("init_model.module.").startswith(parts)}
        return quantize_dynamic(network, dict.fromkeys(names, per_channel_dynamic_qconfig))

    def all(self, compiled: bool) -> dict[str, tuple[str, Callable[[], Callable]]]:
        """Number format, and what makes the call, by name."""
        fp32 = cache(self.prepared)
        found = {"plain": ("fp32", self.plain), "fp32": ("fp32", fp32)}
        if self.device.type == "cpu":
            return found | {"depth only": ("fp32", lambda: partial(fp32(), boundary=False)),
                            "boundary only": ("fp32", lambda: partial(fp32(), depth=False)),
                            "int8 linear": ("int8", self.quantised),
                            "int8 deep": ("int8", partial(self.quantised, DEEP))}
        for precision in ("fp32", "bf16", "fp16"):
            network = fp32 if precision == "fp32" else cache(partial(self.prepared, precision))
            found[precision] = (precision, network)
            found[f"{precision} graph"] = (precision, lambda network=network: GraphedNetwork(network()))
            if compiled:
                found[f"{precision} compiled"] = (
                    precision, lambda network=network: torch.compile(network(), mode="max-autotune"))
        return found


@torch.inference_mode()
def measure(variants: dict[str, tuple[str, Callable]], batch: int, width: int, height: int, runs: int,
            device: torch.device) -> dict[str, dict]:
    """Latency (median, lowest, highest; ms), CPU time, error and GPU memory beside the weights, per variant."""
    image = torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1)).to(device)
    image = F.avg_pool2d(image, 9, 1, 4) * 6                                # a picture is smoother than noise
    inputs = {name: image.to(PRECISIONS.get(precision, torch.float32), memory_format=torch.channels_last)
              for name, (precision, _) in variants.items()}
    results, reference = {}, None
    for name, (_, call) in variants.items():
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
        for _ in range(3 if device.type == "cuda" else 1):                  # a new size is recorded when it comes again
            depth = call(inputs[name])[0]
        depth = None if depth is None else depth.float().clone()
        reference = depth if reference is None else reference
        error = None if depth is None else float(((depth - reference).abs() / reference).mean())
        memory = (torch.cuda.max_memory_allocated(device) - before) / 2 ** 30 if device.type == "cuda" else None
        results[name] = {"times_ms": [], "cpu_ms": [], "depth_error": error, "peak_gib": memory}
    for _ in range(runs):
        for name, (_, call) in variants.items():
            start = time.process_time()
            results[name]["times_ms"].append(1e3 * seconds(lambda: call(inputs[name]), device))
            results[name]["cpu_ms"].append(1e3 * (time.process_time() - start))
    for result in results.values():
        times = result.pop("times_ms")
        result |= {"median_ms": statistics.median(times), "low_ms": min(times), "high_ms": max(times),
                   "cpu_ms": statistics.median(result["cpu_ms"])}
    return results


def resident_gb(name: str, weights: Path, width: int, height: int) -> float:
    """Most memory that a process of its own has when it has loaded the network on the CPU and run it once."""
    code = ("import resource, sys, torch; from modot_ros.model import load_network; "
            "call = load_network(sys.argv[1], sys.argv[2], 'cpu').call; "
            "image = torch.zeros(1, 3, int(sys.argv[4]), int(sys.argv[3])).to(memory_format=torch.channels_last)\n"
            "with torch.inference_mode(): call(image)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", code, name, str(weights), str(width), str(height)],
                          cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True, check=True)
    return round(int(done.stdout) * 1024 / 1e9, 2)


def verdict(results: list[dict]) -> dict[str, object]:
    """On a GPU: the fastest variant with a relative depth error below 1e-2 at batch 1, and the share of peak at batch 8.

    Both of the first size."""
    size = results[0]["width"], results[0]["height"]
    good = [one for one in results if (one["width"], one["height"]) == size
            and one["depth_error"] is not None and one["depth_error"] < 1e-2]
    best = min((one for one in good if one["batch"] == 1), key=lambda one: one["median_ms"], default=None)
    shares = [one for one in good if one["batch"] == 8 and one["share_of_peak"] is not None]
    found: dict[str, object] = {}
    if best is not None:
        found |= {"variant": best["variant"], "faster": round(best["speedup"], 2), "wanted_faster": 4.0,
                  "depth_error": best["depth_error"], "per_second": round(1e3 / best["median_ms"], 1), "wanted_per_second": 30.0}
    if shares:
        most = max(shares, key=lambda one: one["share_of_peak"])
        found |= {"batch_8_variant": most["variant"], "share_of_peak": round(most["share_of_peak"], 3), "wanted_share": 0.35}
    return found


def commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="modot", choices=("modot", "modot_ssr"))
    parser.add_argument("--weights", type=Path, help="trained weights; without them random ones")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--sizes", type=_size, nargs="+", default=[(640, 480)], metavar="WxH")
    parser.add_argument("--batches", type=int, nargs="+", help="pictures at once; 1 on a CPU, 1 and 8 on a GPU")
    parser.add_argument("--runs", type=int, help="rounds; 5 on a CPU, 30 on a GPU")
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="these variants beside `plain`")
    parser.add_argument("--compile", action="store_true", help="also torch.compile, which takes minutes")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    with torch.device("meta"):
        blank = build_network(options.model)
    state, facts = read_weights(options.weights, options.model) if options.weights else (random_state(blank), {})
    variants = Variants(options.model, state, facts.get("config", {}), device).all(options.compile)
    unknown = set(options.only or ()) - set(variants)
    if unknown:
        parser.error(f"--only {', '.join(sorted(unknown))}: choose from {', '.join(variants)}")
    names = ("plain", *options.only) if options.only else tuple(variants)
    variants = {name: (precision, make()) for name, (precision, make) in variants.items() if name in names}
    report = {"benchmark": "modot", "commit": commit(), "model": options.model, "torch": torch.__version__,
              "device": torch.cuda.get_device_name(device) if on_gpu else platform.processor() or platform.machine(),
              "threads": torch.get_num_threads(), "weights": str(options.weights.name if options.weights else "random"),
              "parameters_m": round(sum(p.numel() for p in blank.parameters()) / 1e6, 3)}
    formats = {precision for precision, _ in variants.values() if precision in PRECISIONS}
    report["matmul_tflops"] = {p: round(matmul_peak(device, PRECISIONS[p]), 3) for p in sorted(formats)}
    print(f"{options.model} on {report['device']} ({report['threads']} threads), commit {report['commit']}, "
          f"{report['parameters_m']} M parameters, matmul TFLOP/s {report['matmul_tflops']}")
    report["results"] = []
    for width, height in options.sizes:
        work = work_per_part(options.model, height, width)
        gflops = sum(work.values())
        print(f"\n{width}x{height}: {gflops:.1f} GFLOPs: " + ", ".join(f"{part} {value:.1f}" for part, value in work.items()))
        for batch in options.batches or ([1, 8] if on_gpu else [1]):
            runs = options.runs or (30 if on_gpu else 5)
            results = measure(variants, batch, width, height, runs, device)
            clock = "median_ms" if on_gpu else "cpu_ms"
            print(f"batch {batch}, {runs} rounds   median ms (lowest - highest)   CPU ms   faster   of peak   depth error   "
                  "memory")
            for name, result in results.items():
                precision = variants[name][0]
                whole = "only" not in name and precision in PRECISIONS
                share = batch * gflops / result[clock] / report["matmul_tflops"][precision] if whole else None
                result |= {"variant": name, "width": width, "height": height, "batch": batch, "gflops": round(gflops, 1),
                           "speedup": results["plain"][clock] / result[clock], "share_of_peak": share}
                print(f"  {name:16s} {result['median_ms']:9.1f} ({result['low_ms']:.1f} - {result['high_ms']:.1f})   "
                      f"{result['cpu_ms']:.1f}   {result['speedup']:6.2f}x   "
                      f"{'-' if share is None else f'{100 * share:.0f} %':>6}"
                      f"   {'-' if result['depth_error'] is None else format(result['depth_error'], '.1e'):>9}"
                      f"   {'-' if result['peak_gib'] is None else format(result['peak_gib'], '.2f') + ' GiB'}")
                report["results"].append(result)
    if on_gpu:
        report["verdict"] = verdict(report["results"])
        print(f"\n{json.dumps(report['verdict'])}")
    else:
        with tempfile.TemporaryDirectory() as folder:
            weights = options.weights
            if weights is None:
                weights = Path(folder) / f"{options.model}.safetensors"
                save_file(state, weights)
            report["resident_gb"] = resident_gb(options.model, weights.resolve(), *options.sizes[0])
        print(f"\nmost memory of a process with the fp32 network alone: {report['resident_gb']} GB (wanted: below 3)")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
