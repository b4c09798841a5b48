import pytest
import torch
from torch import nn

from neurarium.core.errors import RefusalError
from neurarium.initializers import DepthScaled, LeCunNormal, initialize


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, inputs):
        return inputs + self.fc2(self.fc1(inputs))


def growth(rule):
    torch.manual_seed(0)
    network = nn.Sequential(*[Block(64) for _ in range(16)])
    initialize(network, rule)
    inputs = torch.randn(256, 64)
    return (network(inputs).var() / inputs.var()).item()


def test_a_residual_stream_stays_level():
    assert growth(LeCunNormal()) > 1e4
    # (1 + 1/16)^16 is just below e.
    assert growth(DepthScaled(LeCunNormal())) == pytest.approx((1 + 1 / 16) ** 16, rel=0.3)


def test_only_the_ends_of_branches_are_scaled():
    network = nn.Sequential(*[Block(64) for _ in range(4)])
    initialize(network, "depth-scaled")
    assert network[0].fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert network[0].fc2.weight.std().item() == pytest.approx(0.01, rel=0.05)


def test_a_network_without_named_ends_is_refused():
    with pytest.raises(RefusalError, match="ends="):
        initialize(nn.Sequential(nn.Linear(2, 2)), "depth-scaled")
