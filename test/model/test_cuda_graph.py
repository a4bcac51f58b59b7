# SPDX-License-Identifier: Apache-2.0
"""The network as a CUDA graph; without a GPU, that it falls back to the network and says so."""
import logging
from contextlib import contextmanager

import pytest
import torch

from modot_ros.model.cuda_graph import WARM_UP_RUNS, GraphedNetwork

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


class Counting(torch.nn.Module):
    """Twice the picture and a list of its half; counts how often Python runs it."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.calls = 0

    def forward(self, image, depth=True, boundary=True):
        self.calls += 1
        found = self.convolution(image)
        return (2 * found if depth else None), ([found / 2] if boundary else None)


def check(graphed, network, image, **wanted):
    found, expected = graphed(image, **wanted), network(image, **wanted)
    torch.testing.assert_close(found, expected)


@torch.inference_mode()
def test_what_cannot_be_recorded_runs_plainly(monkeypatch, caplog):
    def refuse(*_):
        raise RuntimeError("no stream for you")
    monkeypatch.setattr(torch.cuda, "Stream", refuse)
    network = Counting()
    graphed = GraphedNetwork(network)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            check(graphed, network, torch.randn(1, 3, 8, 8))
    assert [record.getMessage() for record in caplog.records] == ["CUDA graph is not used: no stream for you"]
    assert network.calls == 6 and not graphed.trusted


@torch.inference_mode()
def test_a_recording_is_made_on_the_device_of_the_picture(monkeypatch):
    entered, replayed = [], []

    class Stream:
        def __init__(self, device=None):
            pass

        def wait_stream(self, _):
            pass

    @contextmanager
    def inside(what):
        entered.append(what)
        yield
        entered.remove(what)

    class Graph:
        def replay(self):
            replayed.append(list(entered))

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", inside)
    monkeypatch.setattr(torch.cuda, "device", inside)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", inside)
    network, image = Counting(), torch.randn(1, 3, 8, 8)
    graphed = GraphedNetwork(network)
    check(graphed, network, image)
    assert graphed.trusted and network.calls == WARM_UP_RUNS + 2           # recorded, and once for the comparison
    assert replayed == [[image.device], []]                                # tried inside, then used
    graphed(image)
    assert network.calls == WARM_UP_RUNS + 2 and len(replayed) == 3


@needs_gpu
@torch.inference_mode()
def test_recordings_follow_shape_and_wanted_outputs():
    network = Counting().cuda()
    graphed = GraphedNetwork(network)
    for size in ((8, 8), (8, 16), (8, 8)):
        for wanted in ({}, {"depth": False}, {"boundary": False}):
            for _ in range(2):
                check(graphed, network, torch.randn(1, 3, *size, device="cuda"), **wanted)
    assert graphed.trusted
    before = network.calls
    graphed(torch.randn(1, 3, 8, 8, device="cuda"), boundary=False)
    assert network.calls == before


class Recording(GraphedNetwork):
    """Records what it would record, without a GPU."""

    def __init__(self, network):
        super().__init__(network)
        self.recorded = []

    def _record(self, image, wanted):
        self._forget()
        self._image, self._outputs = image.clone(), f"recording {len(self.recorded)}"
        self._graph = type("Graph", (), {"replay": lambda _: None})()
        self.recorded.append((tuple(image.shape[2:]), wanted))


@torch.inference_mode()
def test_the_first_shape_and_repeated_ones_are_recorded():
    graphed = Recording(Counting())
    a, b, c = (torch.randn(1, 3, *size) for size in ((8, 8), (8, 16), (16, 8)))
    assert graphed(a) == graphed(a) == "recording 0"
    assert isinstance(graphed(b), tuple) and isinstance(graphed(c), tuple) and graphed(a) == "recording 0"
    assert isinstance(graphed(b), tuple) and graphed(b) == graphed(b) == "recording 1"
    assert isinstance(graphed(a), tuple) and isinstance(graphed(b, depth=False), tuple)
    assert graphed(b, depth=False) == "recording 2" and graphed.network.calls == 5
    assert graphed.recorded == [((8, 8), {}), ((8, 16), {}), ((8, 16), {"depth": False})]
