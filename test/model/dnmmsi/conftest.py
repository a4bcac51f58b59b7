# SPDX-License-Identifier: Apache-2.0
"""A small DNMMSI with weights by chance."""
from __future__ import annotations

import pytest
import torch

from modot_ros.model import build_network

TINY = {"channels": 32, "depths": (1, 1, 2, 1), "window": 4, "drop_path": 0.0}


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
