"""What the symmetry of zeros and constants costs: the same network, the same training, another start."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from neurarium.initializers import Constant, initialize
from neurarium.losses import CrossEntropy


def accuracy(rule, steps=150):
    """Train 64-32-10 with tanh on the digits; return its training accuracy and the rank of its hidden weights."""
    digits = load_digits()
    inputs, targets = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
    network = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    initialize(network, rule)
    optimizer, loss = torch.optim.Adam(network.parameters(), lr=0.01), CrossEntropy()
    for _ in range(steps):
        optimizer.zero_grad()
        loss.mean(network(inputs), targets).backward()
        optimizer.step()
    right = (network(inputs).argmax(1) == targets).float().mean().item()
    return right, torch.linalg.matrix_rank(network[0].weight.detach(), rtol=1e-3).item()


@pytest.mark.parametrize("rule", ["zeros", Constant(0.1)])
def test_symmetric_units_stay_one_unit(rule):
    right, rank = accuracy(rule)
    assert right < 0.4 and rank <= 1


def test_chance_breaks_the_symmetry():
    right, rank = accuracy("glorot-normal")
    assert right > 0.97 and rank == 32
