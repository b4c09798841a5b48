"""WindowLinear: it holds every linear forecaster, and what the calendar adds is linear."""

from __future__ import annotations

import math

import pytest
import torch

import neurarium as nr
from neurarium.networks import NLinear, RLinear, WindowLinear


@pytest.mark.parametrize("kind", [NLinear, RLinear])
def test_it_holds_the_forecasters_of_normalized_windows(kind):
    other, network = kind(2, 9, 3).double(), WindowLinear(2, 9, 3).double()
    linear = other.linear.each[0]
    level = torch.full((9,), 1 / 9).double() if kind is RLinear else torch.eye(9).double()[-1]
    beside = linear.bias if kind is RLinear else torch.zeros(3).double()
    with torch.no_grad():
        inside = linear.weight + (1 - linear.weight.sum(dim=1, keepdim=True)) * level
        network.linear.weight.copy_(torch.cat([inside, beside[:, None]], dim=1))
        network.linear.bias.copy_(torch.zeros(3) if kind is RLinear else linear.bias)
    x = 3 + 2 * torch.randn(5, 9, 2).double()
    torch.testing.assert_close(network({"series": x}), other({"series": x}), rtol=1e-5, atol=1e-5)


def test_a_calendar_of_any_phase_is_linear_in_that_of_the_first_step():
    hours = torch.arange(60.0)
    series = (torch.sin(2 * math.pi * hours / 24 + 1) + 2).tolist()
    frame = {"t": list(range(60)), "y": series}
    data = nr.data.forecast(frame, "y", time="t", horizon=4, lookback=5)
    assert WindowLinear.for_data(data.inputs, data.targets).linear.in_features == 6
    known = nr.data.specs.Window(1, 5, 4, future=("hour sine", "hour cosine"))
    network = WindowLinear.for_data(known, data.targets)
    assert network.linear.in_features == 8 and network.effects is None
    angle = 2 * math.pi * torch.arange(9.0) / 24
    future = torch.stack([angle.sin(), angle.cos()], dim=1)[None]
    with torch.no_grad():
        network.linear.weight.zero_()
        network.linear.bias.zero_()
        turn = 2 * math.pi * torch.arange(4.0) / 24
        network.linear.weight[:, 6], network.linear.weight[:, 7] = turn.cos(), turn.sin()
    found = network({"series": torch.randn(1, 5, 1), "future": future})
    torch.testing.assert_close(found[0, :, 0], future[0, 5:, 0], atol=1e-6, rtol=1e-6)


def test_what_is_known_is_summed_up_step_by_step_and_the_calendar_once():
    window = nr.data.specs.Window(2, 5, 4, past=("rain",), future=("price", "hour sine", "hour cosine"))
    network = WindowLinear.for_data(window, nr.data.specs.Horizon(("y", "z"), 4))
    assert (network.past, network.future, network.rhythms) == (1, 1, 2)
    assert network.linear.in_features == 5 + 5 + 1 + 2 and network.effects is None
    inputs = {"series": torch.randn(3, 5, 2), "past": torch.randn(3, 5, 1), "future": torch.randn(3, 9, 3)}
    before = network(inputs)
    with torch.no_grad():
        network.linear.weight[2, 5 + 4] += 1.0  # what the last rain adds to step 2
        network.beside[1, 0, 0] += 1.0  # what the price of step 1 adds to it
    change = network(inputs) - before
    torch.testing.assert_close(change[:, 2], inputs["past"][:, 4].expand(-1, 2))
    torch.testing.assert_close(change[:, 1], inputs["future"][:, 6, :1].expand(-1, 2))
    assert change[:, [0, 3]].abs().max() == 0
