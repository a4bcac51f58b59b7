# SPDX-License-Identifier: Apache-2.0
"""What every test may use: the folders beside the checkout, and a ROS domain that no other run shares."""
from __future__ import annotations

import importlib.util
import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"                         # optional: real pictures and goldens, not in the repository
HAS_ROS = importlib.util.find_spec("rclpy") is not None


def claim_domain() -> tuple[int, socket.socket]:
    """A free ROS_DOMAIN_ID, and the socket whose name reserves it among the test runs of this machine."""
    claim = socket.socket(socket.AF_UNIX)
    for domain in range(101, 0, -1):                    # above 101 ports meet Linux's ephemeral ones
        try:
            claim.bind(f"\0modot_ros_test_domain_{domain}")
        except OSError:
            continue
        return domain, claim
    raise RuntimeError("all ROS domains from 1 to 101 are taken by other test runs")


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests of one name run in one process (pytest-xdist)")
    if "PYTEST_XDIST_WORKER_COUNT" in os.environ:       # the processes share the cores
        share = len(os.sched_getaffinity(0)) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))
    if HAS_ROS:
        domain, config.domain_claim = claim_domain()
        os.environ["ROS_DOMAIN_ID"] = str(domain)       # the processes that tests start inherit it
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def pytest_collection_modifyitems(items):
    for item in items:                                  # a file has fixtures of its own; the large network is built once
        group = "full_size" if "full_size" in getattr(item, "fixturenames", ()) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_ignore_collect(collection_path):
    if not HAS_ROS and collection_path == ROOT / "test" / "ros":
        return True


def pytest_terminal_summary(terminalreporter):
    if not HAS_ROS:
        terminalreporter.write_line("test/ros was skipped: rclpy is not importable (`make test` brings it)")


def shared_folder(name: str) -> Path:
    """Folder beside the checkout; skips the test where it is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no folder ../shared/{name} beside the checkout")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures: ../shared/data."""
    return shared_folder("data")


@pytest.fixture(scope="session")
def shared_golden() -> Path:
    """Results worked out independently of this package: ../shared/golden."""
    return shared_folder("golden")


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"golden_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden(shared_golden) -> SimpleNamespace:
    """Goldens of the published networks: their folder, and the functions that make their inputs and weights."""
    folder = shared_golden / "modot"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/modot beside the checkout")
    fill, targets = _module(folder / "fill.py"), _module(folder / "targets.py")
    return SimpleNamespace(folder=folder, fill=fill.fill_state_dict, make_input=fill.make_input,
                           make_targets=targets.make_targets, make_predictions=targets.make_predictions)


@pytest.fixture(scope="session")
def formula() -> ModuleType:
    """test/formula.py: weights and pictures by formula, those of the goldens."""
    return _module(ROOT / "test" / "formula.py")


@pytest.fixture(scope="session")
def same_as_stored(formula):
    """`same_as_stored(name, network)`: asserts that the network's names and outputs are those of test/golden, within 5e-4 and
    1e-3 for disparities."""
    import numpy as np
    folder = ROOT / "test" / "golden"
    report = json.loads((folder / "goldens.json").read_text())

    def compare(name, network):
        assert formula.names_of(network) == report[name]["state"]
        with np.load(folder / "networks.npz") as stored:
            for case in formula.CASES[name]:
                found = formula.outputs(name, network, case)
                keys = {part: f"{name}/{case[0]}x{case[1]}/{part}" for part in found}
                assert {key for key in stored.files if key.startswith(f"{name}/{case[0]}x{case[1]}/")} == set(keys.values())
                for part, key in keys.items():
                    np.testing.assert_allclose(formula.sampled(found[part]), stored[key], rtol=0, err_msg=key,
                                               atol=1e-3 if part.startswith("disp") else 5e-4)
    return compare


@pytest.fixture(scope="session")
def full_size(formula):
    """`modot_ssr` in full size and exact mode, in evaluation; its `first` is `modot`. Built once per test run.

    Tests share it: what they change they put back. The weights are those of the goldens.
    """
    import torch

    from modot_ros.model import build_network
    from modot_ros.model.layers.windows import relative_position_index
    with torch.device("meta"):
        network = build_network("modot_ssr", sizes="exact")
    state = {}
    for key, value in network.state_dict().items():
        state[key] = (relative_position_index() if key.endswith("relative_position_index")
                      else torch.zeros(value.shape, dtype=value.dtype))
    with ThreadPoolExecutor(2) as pool:                 # the weights come from a seed per key
        list(pool.map(lambda item: formula.fill_boundary_network(dict([item])), state.items()))
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def published(golden, full_size):
    """The network of `full_size`, where the goldens of the official code are there."""
    return full_size


@pytest.fixture(scope="session")
def stroke_golden(shared_golden) -> SimpleNamespace:
    """DNMMSI's goldens: their folder, and the functions that make their inputs and weights."""
    folder = shared_golden / "dnmmsi"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/dnmmsi beside the checkout")
    fill = _module(folder / "fill.py")
    sys.modules["fill"] = fill                          # as the next one calls it
    try:
        inputs = _module(folder / "inputs.py")
    finally:
        del sys.modules["fill"]
    return SimpleNamespace(folder=folder, fill=fill.fill_state_dict, net_input=inputs.net_input, target=inputs.target,
                           rows_cols=inputs.rows_cols)


@pytest.fixture(scope="session")
def filled(formula):
    """`filled(name, **config)`: a DNMMSI in exact mode and evaluation with the goldens' weights."""
    import torch

    from modot_ros.model import build_network

    @torch.inference_mode(False)
    def built(name, **config):
        network = build_network(name, sizes="exact", **config)
        with torch.no_grad():
            formula.fill_boundary_network(network.state_dict())
        return network.eval()
    return built


@pytest.fixture(scope="session")
def lively():
    """`lively(network)`: in evaluation, with weights under which every input matters, the same every time.

    With a gain of 1.5 a deep network's rounding grows with every layer; with 1 it does not.
    """
    import torch

    def drawn(network, gain=1.5):
        generator = torch.Generator().manual_seed(0)
        for value in network.state_dict().values():
            if value.is_floating_point() and value.ndim > 1:
                value.copy_(torch.randn(value.shape, generator=generator) * gain * value[0].numel() ** -0.5)
            elif value.is_floating_point():
                value.add_(0.2 * (torch.rand(value.shape, generator=generator) - 0.5))
        return network.eval().requires_grad_(False)
    return drawn
