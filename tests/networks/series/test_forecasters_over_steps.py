"""Forecasters that read step by step: what they compute, and that covariates of the past reach them."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.networks import CausalForecaster, RecurrentForecaster


def test_the_last_state_of_the_lstm_says_all_steps():
    torch.manual_seed(0)
    network = RecurrentForecaster(2, 9, 3, width=5, normalization="none")
    x = torch.randn(4, 9, 2)
    kernel = torch.nn.LSTM(2, 5, batch_first=True)
    direction = network.layers.forwards[0]
    with torch.no_grad():
        for own, theirs in zip(
            (direction.input.weight, direction.recurrent.weight, direction.input.bias, direction.recurrent.bias),
            kernel.parameters(), strict=True,
        ):  # fmt: skip
            theirs.copy_(own)
    state = kernel(x)[0][:, -1]
    wanted = (state @ network.head.weight.T + network.head.bias).view(4, 3, 2)
    torch.testing.assert_close(network({"series": x}), wanted)


def test_the_convolutions_see_the_whole_window_and_not_more_than_they_need():
    torch.manual_seed(0)
    network = CausalForecaster(1, 40, 3, width=16, dropout=0.0, normalization="none").eval()
    assert len(network.blocks) == 4  # 1 + 2 * 2 * (1 + 2 + 4 + 8) = 61 steps; of three blocks 29
    x = torch.randn(1, 40, 1, requires_grad=True)
    network({"series": x}).sum().backward()
    assert x.grad[0, 0, 0] != 0 and int((x.grad != 0).sum()) >= 36
    assert len(CausalForecaster(1, 29, 3).blocks) == 3
    with pytest.raises(OptionError, match="kernel of 2"):
        CausalForecaster(1, 40, 3, kernel=1)


@pytest.mark.parametrize("network", [RecurrentForecaster, CausalForecaster])
def test_covariates_of_the_past_are_read(network):
    torch.manual_seed(0)
    built = network(1, 8, 2, past=1, future=1, width=4).eval()
    inputs = {"series": torch.randn(2, 8, 1), "past": torch.randn(2, 8, 1), "future": torch.randn(2, 10, 1)}
    before = built(inputs)
    assert (built({**inputs, "past": inputs["past"] + 1}) - before).abs().min() > 1e-7


@pytest.mark.parametrize("cell", ["rnn", "gru", "min-gru", "min-lstm", "layer-norm-lstm", "projected-lstm"])
def test_every_cell_says_the_horizon(cell):
    torch.manual_seed(0)
    network = RecurrentForecaster(1, 8, 3, cell=cell, width=6, normalization="none")
    x = torch.randn(2, 8, 1, requires_grad=True)
    said = network({"series": x})
    assert said.shape == (2, 3, 1) and network.head.in_features == network.layers.outputs
    said.sum().backward()
    assert (x.grad != 0).all()  # every step of the window counts
