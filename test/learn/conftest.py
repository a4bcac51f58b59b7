# SPDX-License-Identifier: Apache-2.0
"""What the official MoDOT code made of fixed predictions: its numbers, and the inputs they belong to. And processes."""
import importlib.util
import json
import multiprocessing

import pytest


@pytest.fixture(scope="session")
def official(shared_golden):
    """Losses and scores by the name of what they are of."""
    path = shared_golden / "modot" / "aux_golden.json"
    if not path.exists():
        pytest.skip("no file ../shared/golden/modot/aux_golden.json beside the checkout")
    return json.loads(path.read_text())


@pytest.fixture(scope="session")
def targets(shared_golden):
    """Module with `make_targets` and `make_predictions`."""
    spec = importlib.util.spec_from_file_location("golden_targets", shared_golden / "modot" / "targets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def processes():
    """A context whose processes begin with torch imported and nothing computed, which takes seconds each.

    Optimisers bring in torch._dynamo at their first step.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["modot_ros.learn.training.loop", "torch._dynamo"])
    return context
