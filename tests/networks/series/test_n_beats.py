"""N-BEATS: residual stacks by hand, bases by their formulas."""

from __future__ import annotations

import math

import numpy
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


def program(harmonics, lookback, horizon):
    """The waves of the authors' program, over a past that runs from its newest step back."""
    frequency = numpy.append(0.0, numpy.arange(harmonics, harmonics / 2 * horizon) / harmonics)
    past = -2 * numpy.pi * numpy.outer(frequency, numpy.arange(lookback)) / horizon
    future = 2 * numpy.pi * numpy.outer(frequency, numpy.arange(horizon)) / horizon
    return [numpy.concatenate([numpy.cos(each), numpy.sin(each)]) for each in (past[:, ::-1], future)]


@pytest.mark.parametrize(("harmonics", "lookback", "horizon"), [(1, 21, 8), (1, 10, 12), (2, 30, 6)])
def test_waves_say_what_those_of_the_authors_program_say(harmonics, lookback, horizon):
    """Both bases span the same forecasts, and the same pasts: what one can explain, the other can."""
    for ours, theirs in zip(
        bases("seasonality", lookback, horizon, 0, harmonics),
        program(harmonics, lookback, horizon),
        strict=True,
    ):
        ours = ours.double().numpy()
        assert len(ours) == len(theirs) - 1  # without the sine of frequency 0, which is 0
        for one, other in ((ours, theirs), (theirs, ours)):
            found = numpy.linalg.lstsq(one.T, other.T, rcond=1e-6)[0]
            numpy.testing.assert_allclose(one.T @ found, other.T, atol=1e-4)


@pytest.mark.parametrize("horizon", [4, 7, 12])
def test_waves_are_those_of_equation_3(horizon):
    past, ahead = (each.double() for each in bases("seasonality", 9, horizon, 3))
    highest, t = horizon // 2 - 1, torch.arange(-9, horizon).double() / horizon
    whole = torch.cat([past, ahead], dim=1)
    assert len(whole) == 2 * highest + 1
    for wave in range(highest + 1):
        torch.testing.assert_close(whole[wave], (2 * math.pi * wave * t).cos(), atol=1e-5, rtol=0)
    for wave in range(1, highest + 1):
        torch.testing.assert_close(whole[highest + wave], (2 * math.pi * wave * t).sin(), atol=1e-5, rtol=0)
    assert bases("seasonality", 9, 1, 3)[1].tolist() == [[1.0]]  # a horizon of one step has no wave


def test_the_interpretable_network_is_its_equations():
    """Trend, then seasonality, two blocks of shared weights each, in NumPy."""
    torch.manual_seed(0)
    network = NBEATS(
        1, 9, 6, stacks=("trend", "seasonality"), blocks=2, width=5, layers=2, degree=2, normalization="none"
    ).double()
    x = torch.randn(3, 9, 1).double()
    rest, wanted = x[..., 0].numpy(), {}
    for name, (block,) in zip(("trend", "seasonality"), network.stacks, strict=True):
        p = {key: each.detach().numpy() for key, each in block.named_parameters()}
        if name == "trend":
            back, ahead = (numpy.stack([(numpy.arange(n) / n) ** k for k in range(3)]) for n in (9, 6))
        else:
            angle = 2 * numpy.pi * numpy.outer([0, 1, 2], numpy.arange(-9, 6)) / 6
            waves = numpy.concatenate([numpy.cos(angle), numpy.sin(angle[1:])])
            back, ahead = waves[:, :9], waves[:, 9:]
        wanted[name] = 0
        for _ in range(2):
            inside = rest
            for layer in ("body.0", "body.2"):
                inside = numpy.maximum(inside @ p[f"{layer}.weight"].T + p[f"{layer}.bias"], 0)
            wanted[name] = wanted[name] + inside @ p["theta_ahead.weight"].T @ ahead
            rest = rest - inside @ p["theta_back.weight"].T @ back
    found = network.components({"series": x})
    assert list(found) == ["level", "trend", "seasonality"]
    for name, each in wanted.items():
        numpy.testing.assert_allclose(found[name][:, :, 0, 0].detach().numpy(), each, atol=1e-5)
    numpy.testing.assert_allclose(
        network({"series": x})[..., 0].detach().numpy(), sum(wanted.values()), atol=1e-5
    )


def test_stacks_have_names_of_their_own_and_wrong_ones_are_refused():
    network = NBEATS(2, 8, 4, stacks=("generic", "trend", "generic"), width=6)
    assert list(network.components({"series": torch.randn(3, 8, 2)})) == [
        "level",
        "generic_1",
        "trend",
        "generic_2",
    ]
    with pytest.raises(OptionError, match="no such basis"):
        NBEATS(1, 8, 4, stacks=("waves",))
    with pytest.raises(OptionError, match="needs waves"):
        NBEATS(1, 8, 4, harmonics=0)
