"""RealMLP: its parametrization, its starts, its learning rates."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.specs import Array, Classes, Quantity
from neurarium.networks import RealMLP


def test_forward_is_the_equation():
    torch.manual_seed(0)
    network = RealMLP(4, 2, widths=(6, 5), activation="mish", embedding="none").eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    linear = [each for each in network.modules() if isinstance(each, torch.nn.Linear)]
    blends = [parameter for name, parameter in network.named_parameters() if name.endswith("blend")]
    hidden = torch.randn(7, 4)
    outputs = network(hidden)
    hidden = hidden * network.scale.weight
    for layer, blend in zip(linear[:2], blends, strict=True):
        z = hidden @ layer.weight.T / math.sqrt(layer.in_features) + layer.bias
        hidden = (1 - blend) * z + blend * torch.nn.functional.mish(z)
    expected = hidden @ linear[2].weight.T / math.sqrt(5) + linear[2].bias
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)


def test_it_starts_at_zero_with_standard_normal_weights():
    torch.manual_seed(0)
    network = RealMLP(20, 3)
    assert network(torch.randn(5, 20)).abs().max() == 0
    assert network.body[1].weight.std().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(network.scale.weight, torch.ones(20 * 4))


def test_the_activation_follows_the_targets():
    classes = RealMLP.for_data(Array((4,)), Classes(("a", "b")))
    quantities = RealMLP.for_data(Array((4,)), Quantity(("y",)))
    assert [type(each.body[2].activate).__name__ for each in (classes, quantities)] == ["SELU", "Mish"]


def test_rate_factors_name_every_parameter():
    network = RealMLP(4, 2, cardinalities=(30,))
    factors = network.rate_factors()
    assert set(factors) == {name for name, _ in network.named_parameters()}
    assert factors["scale.weight"] == 6.0
    assert factors["body.1.weight"] == 1.0
    assert {factors["body.1.bias"], factors["body.2.blend"], factors["embedding.numeric.frequency"]} == {0.1}


def test_an_activation_of_several_numbers_is_refused():
    with pytest.raises(OptionError, match="2 numbers for each"):
        RealMLP(4, 1, activation="swiglu")
