# SPDX-License-Identifier: Apache-2.0
"""Batch renormalisation: what it gives, and what its gradient is."""
import pytest
import torch
from torch import nn

from modot_ros.learn.training.batch_renorm import MOMENTUM, BatchRenorm2d, hold_statistics, renormalise, set_freedom


@pytest.fixture
def norm():
    norm = BatchRenorm2d(3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 0.5]))
        norm.bias.copy_(torch.tensor([0.0, -1.0, 3.0]))
        norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.0]))
        norm.running_var.copy_(torch.tensor([1.5, 0.7, 1.0]))
    return norm


def activations():
    return torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(0))


def test_training_gives_what_evaluation_gives_and_moves_the_statistics(norm):
    x = activations()
    with torch.no_grad():
        expected = norm.eval()(x)
        torch.testing.assert_close(norm.train()(x), expected, rtol=1e-5, atol=1e-5)
    was = torch.tensor([0.1, -0.2, 0.0])
    torch.testing.assert_close(norm.running_mean, was + MOMENTUM * (x.mean((0, 2, 3)) - was))
    was = torch.tensor([1.5, 0.7, 1.0])
    torch.testing.assert_close(norm.running_var, was + MOMENTUM * (x.var((0, 2, 3), correction=0) - was))


def test_the_gradient_is_a_batch_norms(norm):
    """That of the normalised activations, times the ratio of deviations; shifting or stretching a batch has none."""
    x = activations().requires_grad_()
    deviation, batch_deviation = (norm.running_var + norm.eps).sqrt(), (x.var((0, 2, 3), correction=0) + norm.eps).sqrt()
    seed = torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(1))
    (norm.train()(x) * seed).sum().backward()
    plain = activations().requires_grad_()
    (nn.functional.batch_norm(plain, None, None, training=True) * seed).sum().backward()
    factor = (norm.weight * batch_deviation / deviation).detach().view(1, 3, 1, 1)
    torch.testing.assert_close(x.grad, plain.grad * factor, rtol=1e-4, atol=1e-5)
    assert float((x.grad.sum((0, 2, 3))).abs().max()) < 1e-4


def test_without_freedom_it_is_a_batch_norm(norm):
    x = activations()
    set_freedom(norm, 0.0)
    expected = nn.functional.batch_norm(x, None, None, norm.weight, norm.bias, training=True)
    torch.testing.assert_close(norm.train()(x), expected)


def test_what_is_made_up_for_has_a_limit(norm):
    far = 100.0 + 1000.0 * activations()
    with torch.no_grad():
        said = norm.train()(far)
    assert float(said.abs().max()) < 2.0 * (5.0 * 3.0 + 5.0) + 3.0         # five deviations, thrice as long, and shifted


def test_a_network_keeps_its_parameters_and_their_names():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.BatchNorm2d(4)))
    before, names = list(network.parameters()), list(network.state_dict())
    assert renormalise(network) is network and isinstance(network[1][0], BatchRenorm2d)
    assert all(one is other for one, other in zip(network.parameters(), before))
    assert list(network.state_dict()) == names
    set_freedom(network, 0.25)
    assert network[1][0].freedom == 0.25


@pytest.mark.parametrize("kind", [BatchRenorm2d, nn.BatchNorm2d])
def test_held_statistics_are_used_and_kept(norm, kind):
    held = kind(3)
    held.load_state_dict(norm.state_dict())
    network = nn.Sequential(held, nn.Dropout(0.5)).train()
    hold_statistics(network)
    x = activations()
    torch.testing.assert_close(network[0](x), norm.eval()(x))
    torch.testing.assert_close(held.running_mean, norm.running_mean, rtol=0, atol=0)
    assert network[1].training and held.weight.requires_grad
