"""Weight normalization: the same function, another step."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurarium.core.errors import RefusalError
from neurarium.layers import normalize_weight


@pytest.mark.parametrize("layer", [nn.Linear(4, 3), nn.Conv1d(4, 3, 2), nn.Conv2d(4, 3, (2, 1))])
def test_the_function_stays_and_lengths_are_learned(layer):
    weight = layer.weight.detach().clone()
    normalize_weight(layer)
    torch.testing.assert_close(layer.weight, weight)
    with torch.no_grad():
        layer.parametrizations.weight.original0.mul_(2)
        layer.parametrizations.weight.original1.mul_(5)  # the direction's size counts for nothing
    torch.testing.assert_close(layer.weight, 2 * weight)


def test_it_is_torchs():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(4, 3), nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    normalize_weight(ours)
    torch.nn.utils.parametrizations.weight_norm(theirs)
    x = torch.randn(5, 4)
    for layer in (ours, theirs):
        layer(x).square().sum().backward()
    for name in ("original0", "original1"):
        torch.testing.assert_close(
            getattr(ours.parametrizations.weight, name).grad,
            getattr(theirs.parametrizations.weight, name).grad,
        )


def test_the_gradient_of_the_direction_is_orthogonal_to_it():
    layer = normalize_weight(nn.Linear(4, 3))
    layer(torch.randn(5, 4)).pow(3).sum().backward()
    direction = layer.parametrizations.weight.original1
    assert (direction.grad * direction).sum(dim=1).abs().max() < 1e-5 and direction.grad.abs().max() > 1e-3


def test_other_layers_are_refused():
    with pytest.raises(RefusalError, match="linear and convolutional"):
        normalize_weight(nn.Embedding(3, 2))
