# SPDX-License-Identifier: Apache-2.0
"""Order networks for the tests: in full size with the goldens' weights, or small with weights by chance."""
from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import pytest
import torch

from modot_ros.model import build_network


@pytest.fixture(scope="session")
def order_golden(shared_golden) -> SimpleNamespace:
    """Folder of InstaOrder's goldens, and the functions that make their inputs and weights."""
    folder = shared_golden / "instaorder"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/instaorder beside the checkout")
    spec = importlib.util.spec_from_file_location("golden_fill", folder / "golden_fill.py")
    fill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill)
    return SimpleNamespace(folder=folder, fill=fill.fill, net_input=fill.net_input, canon=fill.canon)


@pytest.fixture(scope="session")
def order_network(formula):
    """`order_network(name)`: a network in evaluation with the goldens' weights.

    Networks share the tensors of like parts: replace a weight (`assign=True`), never write into it.
    """
    filled = {}

    @torch.inference_mode(False)                        # the tensors serve tests in and out of it
    def built(name):
        with torch.device("meta"):
            network = build_network(name)
        state = {}
        for key, value in network.state_dict().items():
            known = (formula.canonical(key), value.shape)
            if known not in filled:
                filled[known] = torch.zeros(value.shape, dtype=value.dtype)
                formula.fill_order_network({key: filled[known]})
            state[key] = filled[known]
        network.load_state_dict(state, assign=True)
        return network.eval().requires_grad_(False)
    return built
