"""A state that went through a file moves the weights as the one that stayed in memory, whatever their memory format."""

import pytest
import torch
from torch import nn

from neurarium.core.codec import from_bytes, to_bytes
from neurarium.training.descent import Descent


def images(seed):
    return torch.randn(8, 8, 6, 6, generator=torch.Generator().manual_seed(seed))


def begun(optimizer, state=None):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 1))
    network.to(memory_format=torch.channels_last)
    descent = Descent(network, optimizer=optimizer, learning_rate=0.01)
    if state is not None:
        network.load_state_dict(state["network"])
        descent.begin()
        descent.load_state_dict(state["descent"])
    return network, descent


def step(network, descent, seed):
    x = images(seed).contiguous(memory_format=torch.channels_last)
    descent(lambda x: ((network(x) - 1).square().sum(), len(x)), x)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adagrad", "rmsprop", "sam", "muon"])
def test_weights_laid_out_channels_last_go_on_bitwise(optimizer):
    network, descent = begun(optimizer)
    for seed in range(3):
        step(network, descent, seed)
    held = from_bytes(
        to_bytes({"network": dict(network.state_dict()), "descent": dict(descent.state_dict())})
    )
    again, resumed = begun(optimizer, held)
    before = network[0].weight.detach().clone()
    for seed in range(3, 6):
        step(network, descent, seed)
        step(again, resumed, seed)
    assert not torch.equal(before, network[0].weight)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
