# SPDX-License-Identifier: Apache-2.0
"""DNMMSI for the tests: in full size with the goldens' weights, or small with weights by chance."""
from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace

import pytest
import torch

from modot_ros.model import build_network

TINY = {"channels": 32, "depths": (1, 1, 2, 1), "window": 4, "drop_path": 0.0}


@pytest.fixture(scope="session")
def stroke_golden(shared_golden) -> SimpleNamespace:
    """Folder of DNMMSI's goldens, and the functions that make their inputs and weights."""
    folder = shared_golden / "dnmmsi"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/dnmmsi beside the checkout")
    modules = {}
    for name in ("fill", "inputs"):                     # the second imports the first by its name
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        modules[name] = importlib.util.module_from_spec(spec)
        if name == "inputs":
            sys.modules["fill"] = modules["fill"]
        try:
            spec.loader.exec_module(modules[name])
        finally:
            sys.modules.pop("fill", None)
    return SimpleNamespace(folder=folder, fill=modules["fill"].fill_state_dict, net_input=modules["inputs"].net_input,
                           target=modules["inputs"].target, rows_cols=modules["inputs"].rows_cols)


@pytest.fixture(scope="session")
def filled(stroke_golden):
    """`filled(name, **config)`: a network in exact mode and evaluation with the goldens' weights."""
    @torch.inference_mode(False)
    def built(name, **config):
        network = build_network(name, sizes="exact", **config)
        with torch.no_grad():
            stroke_golden.fill(network.state_dict())
        return network.eval()
    return built


@pytest.fixture
def tiny():
    """`tiny(**config)`: a small network in evaluation, whose biases are not 0 and whose layers keep the signal's size."""
    def built(**config):
        torch.manual_seed(3)
        network = build_network("dnmmsi_small", **{**TINY, **config}).eval()
        for parameter in network.parameters():
            if parameter.ndim == 4:
                torch.nn.init.kaiming_normal_(parameter)
            if parameter.ndim == 1:
                torch.nn.init.normal_(parameter, mean=0.3, std=0.3)
        return network.requires_grad_(False)
    return built
