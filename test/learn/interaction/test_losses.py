# SPDX-License-Identifier: Apache-2.0
"""The published loss, against the official values and gradients, and by hand."""
import math

import numpy as np
import pytest
import torch

from modot_ros.learn.interaction.losses import interactive_losses


def test_losses_and_gradients_are_the_official_ones(interaction_golden):
    stored, facts = interaction_golden.arrays("loss"), interaction_golden.facts("loss")
    for name, fact in facts.items():
        scale = 25 if name == "big_logits" else 1
        logits = [torch.tensor(x * scale).unsqueeze(1).requires_grad_() for x in stored["logits"]]
        labels = torch.tensor(stored[f"{name}/labels"]).unsqueeze(1)
        losses = interactive_losses(logits, labels, fact["boundary_lambda"])
        np.testing.assert_allclose(losses.detach(), fact["losses"], atol=1e-6, rtol=1e-6, err_msg=name)
        losses.sum().backward()
        for x, gradient in zip(logits, stored[f"{name}/grad"]):
            np.testing.assert_allclose(x.grad[:, 0], gradient, atol=1e-8, err_msg=name)
    assert len(facts) == 7


def test_losses_and_gradients_through_the_network_are_the_official_ones(stroke_golden, interaction_golden, filled):
    stored, facts = interaction_golden.arrays("train_step"), interaction_golden.facts("train_step")
    network = filled("dnmmsi_small", drop_path=0.0).double().train()
    labels = stroke_golden.target(96, 160, 2)[:, :1].double()
    losses = interactive_losses(network(stroke_golden.net_input(96, 160, 2).double()), labels)
    np.testing.assert_allclose(losses.detach(), facts["losses"], rtol=1e-9)
    losses.sum().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert {name for name, gradient in gradients.items() if gradient is None} == set(facts["no_gradient"])
    for name, norm in facts["grad_norms"].items():
        assert float(gradients[name].norm()) == pytest.approx(norm, rel=1e-8), name
        np.testing.assert_allclose(gradients[name].flatten()[:48], stored[f"grad/{name}"].ravel()[:48], atol=1e-9)


def test_one_positive_among_four_by_hand():
    logits = [torch.zeros(1, 1, 2, 2) for _ in range(6)]
    labels = torch.tensor([[[[1.0, 0.0], [0.0, 0.5]]]])     # shares: 1/4 positive, 2/4 negative
    losses = interactive_losses(logits, labels, negative_weight=2.0)
    for k, loss in enumerate(losses, start=1):
        expected = (0.5 + 2 * 0.25 * 2 * 1.1 ** k) / 4 * math.log(2) * (1.1 if k == 6 else 0.5)
        assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_another_number_of_outputs_is_refused():
    with pytest.raises(ValueError, match="1 outputs: must be 6"):
        interactive_losses([torch.zeros(1, 1, 2, 2)], torch.zeros(1, 1, 2, 2))
