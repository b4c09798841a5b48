"""Several networks as one."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.specs import Array, Classes, Quantity
from neurarium.layers.ensemble import gaussian_moments
from neurarium.networks import MLP, Ensemble


def test_its_networks_start_apart_and_its_probability_is_their_mean():
    torch.manual_seed(0)
    targets = Classes(("a", "b", "c"))
    ensemble = Ensemble.for_data(Array((4,)), targets, size=3, widths=(8,)).eval()
    inputs = torch.randn(5, 4)
    alone = [targets.probabilities(network(inputs)) for network in ensemble.networks]
    assert not torch.allclose(alone[0], alone[1])
    torch.testing.assert_close(targets.probabilities(ensemble(inputs)), torch.stack(alone).mean(0))


def test_gaussians_are_mixed():
    torch.manual_seed(0)
    ensemble = Ensemble.for_data(
        Array((4,)), Quantity(("y",)), size=4, widths=(8,), distribution="gaussian"
    ).eval()
    inputs = torch.randn(5, 4)
    means, variances = map(
        torch.stack, zip(*(gaussian_moments(each(inputs)) for each in ensemble.networks), strict=True)
    )
    mean, variance = gaussian_moments(ensemble(inputs))
    torch.testing.assert_close(mean, means.mean(0))
    torch.testing.assert_close(variance, (variances + means**2).mean(0) - means.mean(0) ** 2)
    # Where the networks disagree, the mixture is less sure than they are.
    assert (variance > variances.mean(0)).all()


def test_the_loss_of_members_gives_each_network_its_own_gradient():
    torch.manual_seed(0)
    networks = [MLP(4, 1, widths=(8,)) for _ in range(3)]
    inputs, targets = torch.randn(6, 4), torch.randn(6, 1)
    expected = []
    for network in networks:
        (network(inputs) - targets).square().mean().backward()
        expected.append(network.head.weight.grad / 3)
        network.zero_grad()
    members = Ensemble(networks).members(inputs)
    (members - targets.unsqueeze(1)).square().mean().backward()
    for network, gradient in zip(networks, expected, strict=True):
        torch.testing.assert_close(network.head.weight.grad, gradient)


def test_no_network_is_a_mistake():
    with pytest.raises(OptionError, match="needs a network"):
        Ensemble([])
