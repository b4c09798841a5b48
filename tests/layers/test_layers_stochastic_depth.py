import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.layers import StochasticDepth
from neurarium.layers.stochastic_depth import rates


def test_one_number_per_example_or_per_batch():
    torch.manual_seed(0)
    drawn = StochasticDepth(0.5)(torch.ones(200, 3, 2))
    assert torch.equal(drawn, drawn[:, :1, :1].expand_as(drawn))
    assert 60 < (drawn[:, 0, 0] == 0).sum() < 140
    for _ in range(5):
        assert StochasticDepth(0.5, per="batch")(torch.ones(200, 3)).unique().numel() == 1


def test_a_dropped_branch_gets_no_gradient():
    torch.manual_seed(0)
    weight = torch.ones(40, 3, requires_grad=True)
    dropped = StochasticDepth(0.5)(weight)
    dropped.sum().backward()
    assert torch.equal(weight.grad == 0, dropped == 0) and (weight.grad == 0).any()


def test_linear_rule():
    assert rates(0.5, 5) == [0.1, 0.2, 0.3, 0.4, 0.5]
    with pytest.raises(OptionError):
        rates(1.5, 3)
