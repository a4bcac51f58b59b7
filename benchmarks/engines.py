# SPDX-License-Identifier: Apache-2.0
"""Torch, ONNX Runtime and, where it is installed, OpenVINO on one core: time of the same network at equal outputs.

    python benchmarks/engines.py [--model modot_nano] [--weights FILE] [--size 640x480] [--batch 1 4] [--rounds 40]

All take turns, one thread each, in one process, on the same normalised input. Prints the median of the core's time (CPU
seconds of the process, so that other programs don't count) and of the wall clock per picture, the ratio to torch, and the
largest difference from torch (relative to 1 or to the value). Ends in one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402

from modot_ros.cli.arguments import size  # noqa: E402
from modot_ros.engine.export import export  # noqa: E402
from modot_ros.model import load_network  # noqa: E402

WARM_UP = 3


def runners(model: str, weights: str | None, picture_size: tuple[int, int]
            ) -> dict[str, Callable[[np.ndarray], list[np.ndarray]]]:
    """By name: normalised image [N, 3, h, w] -> maps."""
    import onnxruntime

    exported, loaded = export(model, weights, picture_size), load_network(model, weights, "cpu")

    @torch.inference_mode()
    def by_torch(image: np.ndarray) -> list[np.ndarray]:
        depth_m, logits, *rest = loaded.call(torch.from_numpy(image).contiguous(memory_format=torch.channels_last))
        return [one.numpy() for one in (depth_m, torch.sigmoid(logits[-1]), *rest) if one is not None]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported.onnx, options, providers=["CPUExecutionProvider"])
    found = {"torch": by_torch, "onnxruntime": lambda image: session.run(None, {"image": image})}
    try:
        import openvino
    except ModuleNotFoundError:
        print("openvino is not installed: left out")
        return found
    model = openvino.Core().read_model(exported.onnx)
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    found["openvino"] = lambda image: [one.copy() for one in request.infer({"image": image}).values()]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="modot_nano")
    parser.add_argument("--weights")
    parser.add_argument("--size", type=size, default=(640, 480))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    width, height = export(options.model, options.weights, options.size).metadata["size"]
    run, report = runners(options.model, options.weights, options.size), {"model": options.model}
    for batch in options.batch:
        image = np.random.default_rng(0).normal(size=(batch, 3, height, width)).astype(np.float32)
        expected = run["torch"](image)
        times = {name: [] for name in run}
        for k in range(WARM_UP + options.rounds):
            for name, one in run.items():
                wall_s, core_s = time.perf_counter(), time.process_time()
                one(image)
                if k >= WARM_UP:
                    times[name].append(((time.process_time() - core_s) / batch, (time.perf_counter() - wall_s) / batch))
        torch_ms = 1e3 * statistics.median(core_s for core_s, _ in times["torch"])
        for name, taken in times.items():
            core_ms, wall_ms = (1e3 * statistics.median(column) for column in zip(*taken))
            difference = max(float((np.abs(a - b) / np.maximum(1, np.abs(b))).max()) for a, b in zip(run[name](image), expected))
            print(f"batch {batch}  {name:12s} {core_ms:7.1f} ms of a core, {wall_ms:7.1f} ms in all, {torch_ms / core_ms:.2f} x "
                  f"torch, differs by {difference:.1g}")
            report[f"{name}_batch_{batch}"] = {"core_ms": core_ms, "wall_ms": wall_ms, "to_torch": torch_ms / core_ms,
                                               "difference": difference}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
