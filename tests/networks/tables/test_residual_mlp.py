"""The residual perceptron against its equation."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.networks import ResidualMLP


def test_forward_is_the_equation():
    torch.manual_seed(0)
    network = ResidualMLP(4, 2, width=6, blocks=2, expansion=1.5, activation="tanh").eval()
    norms = [each for each in network.modules() if isinstance(each, torch.nn.BatchNorm1d)]
    linear = [each for each in network.modules() if isinstance(each, torch.nn.Linear)]
    for norm in norms:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    inputs = torch.randn(7, 4)
    hidden = linear[0](inputs)
    for block in range(2):
        inner = linear[1 + 2 * block](norms[block](hidden)).tanh()
        assert inner.shape == (7, 9)
        hidden = hidden + linear[2 + 2 * block](inner)
    features = norms[2](hidden).tanh()
    torch.testing.assert_close(network.features(inputs), features)
    torch.testing.assert_close(network(inputs), linear[-1](features))


def test_deeper_blocks_do_not_starve_the_first_layer():
    torch.manual_seed(0)
    network = ResidualMLP(4, 1, width=16, blocks=30, dropout=0.0, normalization="layer")
    network(torch.randn(32, 4)).square().mean().backward()
    first, last = network.body[0].weight.grad.norm(), network.body[30][1].weight.grad.norm()
    assert first > 0.3 * last


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="normalization 'btch'"):
        ResidualMLP(4, 1, normalization="btch")
    with pytest.raises(OptionError, match="2 numbers for each"):
        ResidualMLP(4, 1, activation="glu")
