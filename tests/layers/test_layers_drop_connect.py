import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError
from neurarium.layers import DropConnect


def test_weights_are_dropped_for_the_whole_batch():
    torch.manual_seed(0)
    layer = DropConnect(nn.Linear(100, 50, bias=False), rate=0.3)
    nn.init.ones_(layer.layer.weight)
    weight = layer(torch.eye(100)).T
    assert abs((weight == 0).float().mean() - 0.3) < 0.02
    assert torch.allclose(weight.max(), torch.tensor(1 / 0.7))
    rows = layer(torch.ones(6, 100))
    assert torch.allclose(rows, rows[:1].expand_as(rows))


def test_gradients_reach_kept_weights_alone_and_names_stay():
    layer = DropConnect(nn.Linear(10, 10, bias=False), rate=0.5)
    layer(torch.ones(1, 10)).sum().backward()
    kept = layer.layer.weight.grad != 0
    assert 0 < kept.sum() < 100
    assert list(layer.state_dict()) == ["layer.weight"]


def test_recurrent_weights_of_an_lstm_are_dropped():
    torch.manual_seed(0)
    layer = DropConnect(nn.LSTM(3, 4, batch_first=True), rate=0.5, weights=("weight_hh_l0",))
    inputs = torch.randn(2, 5, 3)
    plain = layer.layer(inputs)[0]
    assert torch.equal(layer.eval()(inputs)[0], plain)
    dropped = layer.train()(inputs)[0]
    # The first step has no recurrent term: it differs from the second step on.
    assert torch.allclose(dropped[:, 0], plain[:, 0]) and not torch.allclose(dropped[:, 1:], plain[:, 1:])
    dropped.sum().backward()
    assert layer.layer.weight_hh_l0.grad.count_nonzero() < 64


def test_unknown_weight_is_refused():
    with pytest.raises(OptionError, match="weight, bias"):
        DropConnect(nn.Linear(2, 2), weights=("kernel",))
