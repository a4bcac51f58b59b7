# SPDX-License-Identifier: Apache-2.0
"""The formulas are those that the official code was run with, and the goldens that are committed are whole and small."""
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from modot_ros.model import build_network

GOLDEN = Path(__file__).resolve().parent / "golden"


def module(path):
    spec = importlib.util.spec_from_file_location(f"official_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def states():
    """Tensors of every shape and name that the formulas tell apart."""
    sizes = {"backbone.norm0.weight": (5,), "backbone.norm0.bias": (5,), "a.bn.running_mean": (4,), "a.bn.running_var": (4,),
             "a.attn.relative_position_bias_table": (9, 2), "module.a.conv.weight": (4, 3, 3, 3), "fc.weight": (3, 8),
             "heads.depth.1.weight": (1, 4, 1, 1), "gdo_net.conv1.weight": (4, 5, 3, 3), "oo_net.bn1.bias": (4,),
             "layer1.0.bn3.weight": (4,), "scratch.output_conv.4.weight": (1, 4, 1, 1), "scratch.output_conv.4.bias": (1,)}
    return {key: torch.zeros(size) for key, size in sizes.items()} | {"steps": torch.ones((), dtype=torch.int64)}


def test_weights_are_those_of_the_official_runs(formula, shared_golden):
    ours, theirs = states(), states()
    formula.fill_boundary_network(ours)
    module(shared_golden / "modot" / "fill.py").fill_state_dict(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    ours = states()
    formula.fill_order_network(ours)
    theirs = module(shared_golden / "instaorder" / "golden_fill.py").fill(states())
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_pictures_are_those_of_the_official_runs(formula, shared_golden, monkeypatch):
    fill = module(shared_golden / "modot" / "fill.py")
    assert torch.equal(formula.picture(50, 70, 2), fill.make_input(50, 70, 2))
    monkeypatch.setitem(sys.modules, "fill", fill)
    strokes = module(shared_golden / "dnmmsi" / "inputs.py")
    assert torch.equal(formula.stroke_picture(60, 90, 2), strokes.net_input(60, 90, 2))
    pairs = module(shared_golden / "instaorder" / "golden_fill.py").net_input(2, 48, 64)
    assert all(torch.equal(own, other) for own, other in zip(formula.pair_picture(48, 64, 2), pairs))


def test_the_goldens_are_whole_small_and_lively(formula):
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 200_000
    with np.load(GOLDEN / "networks.npz") as stored:
        assert {key.split("/")[0] for key in stored.files} == set(formula.CASES)
        for key in stored.files:
            assert np.isfinite(stored[key]).all() and stored[key].std() > 1e-3, key
    report = json.loads((GOLDEN / "goldens.json").read_text())
    official = [off for one in report.values() for off in one.get("from the official code", {}).values() if off is not None]
    assert len(official) == 12 and max(official) < 5e-4


@pytest.mark.parametrize("name", ["dnmmsi_base", "dnmmsi_large", "dnmmsi_large_v2", "midas_v21"])
def test_names_of_the_largest_networks_are_those_in_the_repository(formula, name):
    with torch.device("meta"):
        network = build_network(name)
    assert formula.names_of(network) == json.loads((GOLDEN / "goldens.json").read_text())[name]["state"]
