"""N-BEATS: residual stacks by hand, bases by their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.networks import NBEATS
from neurarium.networks.series.n_beats import bases


def test_blocks_take_off_what_they_explain_and_add_their_forecasts():
    torch.manual_seed(0)
    network = NBEATS(
        1, 8, 3, stacks=("generic", "trend"), blocks=2, width=6, layers=2, normalization="none"
    ).double()
    x = torch.randn(4, 8, 1).double()
    rest, total = x[..., 0], 0
    blocks = [
        *network.stacks[0],
        network.stacks[1][0],
        network.stacks[1][0],
    ]  # a trend's blocks share their weights
    for block in blocks:
        inside = rest
        for layer in (block.body[0], block.body[2]):
            inside = torch.relu(inside @ layer.weight.T + layer.bias)
        back, ahead = block.theta_back(inside), block.theta_ahead(inside)
        if block.back is not None:
            t = torch.arange(3).double() / 3
            ahead = sum(ahead[:, [power]] * t**power for power in range(4))
            t = torch.arange(8).double() / 8
            back = sum(back[:, [power]] * t**power for power in range(4))
        rest, total = rest - back, total + ahead
    torch.testing.assert_close(network({"series": x})[..., 0], total, atol=1e-6, rtol=1e-6)


def test_seasonality_is_of_waves_and_each_stack_says_its_part():
    _, ahead = bases("seasonality", 8, 4, 3)
    assert ahead.shape == (3 + 2, 4)
    assert ahead[1].tolist() == pytest.approx([math.cos(2 * math.pi * t / 4) for t in range(4)], abs=1e-6)
    assert ahead[3].tolist() == pytest.approx([math.sin(2 * math.pi * t / 4) for t in range(4)], abs=1e-6)
    network = NBEATS(2, 8, 4, stacks=("trend", "seasonality"), width=6, normalization="none")
    x = torch.randn(3, 8, 2)
    parts = network.parts(x)
    assert len(parts) == 2
    torch.testing.assert_close(network({"series": x}), sum(parts).transpose(1, 2))
    with pytest.raises(OptionError, match="no such basis"):
        NBEATS(1, 8, 4, stacks=("waves",))
