# SPDX-License-Identifier: Apache-2.0
"""The published networks in full size, with the goldens' weights, of which every tensor is made once per test run."""
from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import pytest
import torch

from modot_ros.model import build_network
from modot_ros.model.windows import relative_position_index


def _module(path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"golden_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden(shared_golden) -> SimpleNamespace:
    """Folder of the goldens, and the functions that make their inputs and weights."""
    folder = shared_golden / "modot"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/modot beside the checkout")
    fill, targets = _module(folder / "fill.py"), _module(folder / "targets.py")
    return SimpleNamespace(folder=folder, fill=fill.fill_state_dict, make_input=fill.make_input,
                           make_targets=targets.make_targets, make_predictions=targets.make_predictions)


@pytest.fixture(scope="session")
def published(golden):
    """`modot_ssr` in full size and exact mode, in evaluation; its `first` is `modot` with the plain goldens' weights.

    Tests share it: what they change they put back.
    """
    with torch.device("meta"):
        network = build_network("modot_ssr", sizes="exact")
    state = {}
    for key, value in network.state_dict().items():
        state[key] = (relative_position_index() if key.endswith("relative_position_index")
                      else torch.zeros(value.shape, dtype=value.dtype))
    with ThreadPoolExecutor(2) as pool:                 # the weights come from a seed per key
        list(pool.map(lambda item: golden.fill(dict([item])), state.items()))
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def order_golden(shared_golden) -> SimpleNamespace:
    """Folder of InstaOrder's goldens, and the functions that make their inputs and weights."""
    folder = shared_golden / "instaorder"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/instaorder beside the checkout")
    fill = _module(folder / "golden_fill.py")
    return SimpleNamespace(folder=folder, fill=fill.fill, net_input=fill.net_input, canon=fill.canon)


@pytest.fixture(scope="session")
def order_network(order_golden):
    """`order_network(name)`: a network in evaluation with the goldens' weights.

    Networks share the tensors of like parts: replace a weight (`assign=True`), never write into it.
    """
    filled = {}

    def built(name):
        with torch.device("meta"):
            network = build_network(name)
        state = {}
        for key, value in network.state_dict().items():
            known = (order_golden.canon(key), value.shape)
            if known not in filled:
                blank = torch.zeros(value.shape, dtype=value.dtype)
                filled[known] = order_golden.fill({key: blank})[key]
            state[key] = filled[known]
        network.load_state_dict(state, assign=True)
        return network.eval().requires_grad_(False)
    return built


@pytest.fixture(scope="session")
def lively():
    """`lively(network)`: in evaluation, with weights under which every input matters, the same every time."""
    def drawn(network):
        generator = torch.Generator().manual_seed(0)
        for value in network.state_dict().values():
            if value.ndim > 1:
                value.copy_(torch.randn(value.shape, generator=generator) * 1.5 * value[0].numel() ** -0.5)
            elif value.is_floating_point():
                value.add_(0.2 * (torch.rand(value.shape, generator=generator) - 0.5))
        return network.eval().requires_grad_(False)
    return drawn
