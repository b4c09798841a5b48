import random

import torch
from torch import nn

from neurarium.initializers import undisturbed


def test_everything_is_put_back():
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).eval()
    network[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state, number = torch.get_rng_state(), random.getstate()
    with undisturbed(network):
        network[0].weight.requires_grad_(True)
        first = network(torch.ones(8, 3) * torch.arange(8)[:, None])
        assert network.training and not torch.equal(network[1].running_mean, before["1.running_mean"])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not network.training and not network[0].weight.requires_grad
    assert torch.equal(torch.get_rng_state(), state) and random.getstate() == number
    with undisturbed(network):
        assert torch.equal(network(torch.ones(8, 3) * torch.arange(8)[:, None]), first)
