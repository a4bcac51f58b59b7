# SPDX-License-Identifier: Apache-2.0
"""DNMMSI's goldens of the simulated person."""
from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture(scope="session")
def interaction_golden(shared_golden) -> SimpleNamespace:
    """`arrays(name)` and `facts(name)` of a golden; `mask` and `segments` unpack what is stored in them."""
    folder: Path = shared_golden / "dnmmsi"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/golden/dnmmsi beside the checkout")

    def mask(packed, shape):
        return np.unpackbits(packed)[:shape[0] * shape[1]].reshape(shape) > 0

    def segments(stored, key):
        lengths = stored[f"{key}_lengths"]
        return np.split(stored[f"{key}_points"], np.cumsum(lengths)[:-1]) if len(lengths) else []

    return SimpleNamespace(arrays=lambda name: np.load(folder / f"{name}.npz"), mask=mask, segments=segments,
                           facts=lambda name: json.loads((folder / f"{name}.json").read_text()))
