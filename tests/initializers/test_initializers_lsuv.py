import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError
from neurarium.initializers import LSUV, initialize


def variances(network, inputs):
    found = []
    for layer in network:
        inputs = layer(inputs)
        if isinstance(layer, nn.Linear | nn.Conv2d):
            found.append(inputs.var().item())
    return found


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Mish])
def test_every_layer_has_unit_variance(activation):
    torch.manual_seed(0)
    layers = [each for _ in range(8) for each in (nn.Linear(60, 60), activation())]
    network, batch = nn.Sequential(*layers), 5 * torch.randn(256, 60)
    touched = initialize(network, "orthogonal")
    assert max(abs(value - 1) for value in variances(network, batch)) > 0.5
    assert initialize(network, LSUV(), batch=batch) == touched
    assert variances(network, batch) == pytest.approx([1.0] * 8, abs=0.01)


def test_convolutions_with_batch_norm_and_nothing_else_changes():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.0), nn.Conv2d(8, 4, 3)
    ).eval()
    batch, state = torch.randn(16, 3, 9, 9), torch.get_rng_state()
    initialize(network, LSUV(), batch=batch)
    assert (network[1].running_mean == 0).all() and network[1].num_batches_tracked == 0
    assert torch.equal(torch.get_rng_state(), state) and not network.training
    assert variances(network.train(), batch) == pytest.approx([1.0, 1.0], abs=0.01)


def test_biases_that_stay_are_accounted_for():
    network = nn.Sequential(nn.Linear(5, 40))
    nn.init.normal_(network[0].bias, std=0.7)
    batch = torch.randn(500, 5)
    initialize(network, LSUV(), biases=None, batch=batch)
    assert network(batch).var().item() == pytest.approx(1.0, abs=0.011)


def test_needs_a_batch():
    with pytest.raises(OptionError, match="batch=inputs"):
        initialize(nn.Linear(2, 2), "lsuv")
