# SPDX-License-Identifier: Apache-2.0
"""Two processes train one network, told of each other as torchrun tells them, on the CPU."""
import json
import socket

import numpy as np
import pytest
import torch

from modot_ros.learn.training.loop import CHECKPOINT, Beginning, Run
from modot_ros.learn.training.mixture import Deck
from modot_ros.learn.training.options import Stage, TrainingOptions
from modot_ros.learn.training.ranks import Ranks, ranks_of_environment
from modot_ros.learn.training.views import load_views

# What a process of torchrun does; writes step, loss and sum of the weights of every step.
PROGRAM = """
import json, os
from modot_ros.learn.training import loop as training
os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
training.LOG_EVERY, advance = 1, training.Run.advance
with open(f"{chosen.output}/rank{rank}.json", "w") as file:
    def logged(run, views):
        parts = advance(run, views)
        weights = float(sum(p.double().abs().sum() for p in run.network.parameters()))
        print(json.dumps([run.step, parts["loss"], weights]), file=file)
        return parts
    training.Run.advance = logged
    training.train(chosen)
"""


def options(data, **other):
    return TrainingOptions(**{"train": str(data), "validation": str(data), "output": "", "steps": 3, "batch": 4, "threads": 1,
                              "stages": (Stage(32, 32, 1.0),), **other})


@pytest.fixture
def data(tmp_path):
    numbers = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "0.npz", rgb=numbers.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8),
             depth_m=numbers.uniform(1, 4, (6, 32, 32)).astype(np.float16), boundary=np.zeros((6, 32, 32), np.uint8),
             focal=np.full(6, 0.8, np.float32))
    return tmp_path / "data"


def steps(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_two_processes_have_one_network_and_one_log(data, tmp_path, processes):
    output = tmp_path / "out"
    output.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    chosen = options(data, output=str(output), validation_views=2, save_every_minutes=0.0, validate_every_minutes=1e6)
    both = [processes.Process(target=exec, args=(PROGRAM, {"rank": rank, "port": port, "chosen": chosen})) for rank in "01"]
    for process in both:
        process.start()
    for process in both:
        process.join(timeout=300)                           # one waits for the other, whatever has become of it
    ended = [process.exitcode for process in both]
    for process in both:
        process.kill()
    assert ended == [0, 0]
    first, second = steps(output / "rank0.json"), steps(output / "rank1.json")
    assert [step[0] for step in first] == [step[0] for step in second] == [1, 2, 3]
    assert [step[2] for step in first] == [step[2] for step in second]          # the same weights after every step
    assert [step[1] for step in first] != [step[1] for step in second]          # from different views
    log = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [1, 2, 3, 3] and (output / "modot_nano.safetensors").exists()
    assert torch.load(output / CHECKPOINT, weights_only=True)["processes"] == 2
    with pytest.raises(ValueError, match="processes was 2, is 1"):
        Run(options(data), (6,)).load(output / CHECKPOINT)


def test_the_processes_share_each_batch(data):
    views = load_views(data)
    halves = []
    for rank in (0, 1):
        run = Run.__new__(Run)                              # without the network, which waits for the other process
        run.options, run.ranks, run.device, run.step = options(data), Ranks(rank, 2), torch.device("cpu"), 0
        run.beginning = Beginning(torch.nn.Identity(), {}, 0.8, {})
        run.generator, run.deck, run.elapsed_s = torch.Generator().manual_seed(0), Deck((6,), (1.0,)), 0.0
        halves.append([run.next_batch(views) for _ in range(3)])
    assert all(len(batch.image) == 2 for half in halves for batch in half)
    assert not torch.equal(halves[0][0].image, halves[1][0].image)


def test_alone_without_torchrun(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert ranks_of_environment() == Ranks(0, 1, 0) and Ranks().first
    monkeypatch.setenv("RANK", "3"), monkeypatch.setenv("WORLD_SIZE", "4"), monkeypatch.setenv("LOCAL_RANK", "1")
    assert ranks_of_environment() == Ranks(3, 4, 1) and not ranks_of_environment().first
    assert Ranks(3, 4, 1).device("cpu") == "cpu" and Ranks().device("cuda") == "cuda"


def test_what_processes_cannot_share_is_refused(data):
    with pytest.raises(ValueError, match="batch=5: 2 processes"):
        Run(options(data, batch=5), (6,), Ranks(0, 2))
    with pytest.raises(ValueError, match="batch=2: 2 processes"):
        Run(options(data, batch=2), (6,), Ranks(0, 2))
    with pytest.raises(ValueError, match="give steps"):
        Run(options(data, steps=None, minutes=1.0), (6,), Ranks(0, 2))
