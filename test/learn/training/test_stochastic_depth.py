# SPDX-License-Identifier: Apache-2.0
"""Residual branches that are left out in training."""
import pytest
import torch

from modot_ros.learn.training.batch_renorm import hold_statistics
from modot_ros.learn.training.stochastic_depth import OMITTED_SHARE, omit_branches
from modot_ros.model import build_network
from modot_ros.model.nano.network import GlobalBlock, ResidualBlock


def branch_of(block, x):
    """Of each view, what the block adds to its shortcut; the shortcut of these inputs passes the last ReLU."""
    with torch.no_grad():
        return block(x) - x


@pytest.fixture(params=["residual", "attention"])
def block(request):
    torch.manual_seed(1)
    if request.param == "residual":
        return omit_branches(ResidualBlock(4, 4))
    block = GlobalBlock(32)
    torch.nn.init.normal_(block.join.weight)                # the perceptron stays nothing: there is one branch
    return omit_branches(block)


def test_a_branch_is_whole_and_more_or_is_not_there(block):
    hold_statistics(block.train())
    x = 100 + torch.rand(400, 4 if isinstance(block, ResidualBlock) else 32, 4, 4)
    added = branch_of(block, x)
    block.eval()
    whole = branch_of(block, x) / (1 - OMITTED_SHARE)
    gone = (added.abs().amax(dim=(1, 2, 3)) < 1e-3)
    assert 0.05 < gone.float().mean() < 0.16
    torch.testing.assert_close(added[~gone], whole[~gone], rtol=1e-3, atol=1e-3)


def test_evaluation_and_names_are_as_without():
    torch.manual_seed(2)
    network = build_network("modot_nano").eval()
    x, before, names = torch.randn(1, 3, 64, 64), None, list(network.state_dict())
    with torch.no_grad():
        before = network(x)[0]
        after = omit_branches(network)(x)[0]
    assert torch.equal(before, after) and list(network.state_dict()) == names


def test_blocks_that_change_the_size_are_always_there():
    """Their shortcut is a convolution: there is nothing plain to fall back on."""
    block = omit_branches(ResidualBlock(4, 8, stride=2)).train()
    hold_statistics(block)
    x = torch.rand(64, 4, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(block(x), block(x))


def test_the_same_random_numbers_leave_out_the_same(block):
    hold_statistics(block.train())
    x = torch.rand(50, 4 if isinstance(block, ResidualBlock) else 32, 4, 4)
    said = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        said.append(branch_of(block, x))
    assert torch.equal(said[0], said[1]) and not torch.equal(said[0], said[2])
