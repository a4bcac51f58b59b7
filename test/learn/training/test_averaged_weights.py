# SPDX-License-Identifier: Apache-2.0
"""The average of a run's weights, by hand."""
import pytest
import torch
from torch import nn

from modot_ros.learn.training.averaged_weights import Averaged


def test_the_average_forgets_its_beginning_faster():
    layer = nn.BatchNorm1d(1)
    average = Averaged(layer, decay=0.5)
    with torch.no_grad():
        layer.weight.fill_(11.0)
        layer.num_batches_tracked.fill_(4)
    average.update(layer, step=0)                           # decay 1/10: 0.1 * 1 + 0.9 * 11
    assert average.state["weight"].item() == pytest.approx(10.0) and average.state["num_batches_tracked"].item() == 4
    average.update(layer, step=1000)                        # decay 0.5
    assert average.state["weight"].item() == pytest.approx(10.5)
