"""Weight decay and dropout that fade: their factors, what stands between steps, going on in the middle, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.networks import RealMLP
from neurarium.studies.planning.assignment import assign, owners_of
from neurarium.training.context import Context
from neurarium.training.descent import Descent

STEPS = 8


def still(network, **options):
    """A descent whose loss has no gradient: only decay moves the weights."""
    descent = Descent(network, optimizer="adamw", learning_rate=0.1, weight_decay=0.5, **options)
    descent.begin(Context(steps=STEPS))
    return descent, lambda: descent(lambda x: (network(x).sum() * 0.0, len(x)), torch.ones(2, 3))


def test_the_decay_of_each_step_is_that_of_the_schedule():
    network = nn.Linear(3, 2)
    before = network.weight.detach().clone()
    _, step = still(network, weight_decay_schedule="linear")
    factor = 1.0
    for number in range(STEPS):
        step()
        factor *= 1 - 0.1 * 0.5 * (1 - (number + 0.5) / STEPS)
    torch.testing.assert_close(network.weight, before * factor)
    assert factor == pytest.approx(0.817, abs=2e-3)


def test_dropout_fades_within_steps_and_stands_as_built_between_them():
    network = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.4), nn.Linear(4, 1), nn.AlphaDropout(0.2))
    seen = []
    network[1].register_forward_hook(lambda module, *_: seen.append((module.p, network[3].p)))
    _, step = still(network, dropout_schedule="flat-then-cosine", dropout_schedule_options={"flat": 0.5})
    for _ in range(STEPS):
        step()
        assert (network[1].p, network[3].p) == (0.4, 0.2)
    wanted = [1.0] * 4
    wanted += [0.5 * (1 + math.cos(math.pi * (each + 0.5) / 4)) for each in range(4)]
    assert [rate for rate, _ in seen] == pytest.approx([0.4 * each for each in wanted])
    assert [rate for _, rate in seen] == pytest.approx([0.2 * each for each in wanted])


def test_a_step_that_fails_leaves_the_rate_as_built():
    network = nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.4))
    descent = Descent(network, dropout_schedule="linear")
    descent.begin(Context(steps=2))
    with pytest.raises(ZeroDivisionError):
        descent(lambda x: 1 / 0, torch.ones(1, 3))
    assert network[1].p == 0.4


def test_going_on_in_the_middle_is_as_if_nothing_had_happened():
    torch.manual_seed(0)
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    one, step = still(first, weight_decay_schedule="cosine")
    for _ in range(3):
        step()
    second.load_state_dict(first.state_dict())
    other, go_on = still(second, weight_decay_schedule="cosine")
    other.load_state_dict(one.state_dict())
    for _ in range(STEPS - 3):
        step()
        go_on()
    assert torch.equal(first.weight, second.weight)
    assert other.optimizers[0].param_groups[0]["weight_decay"] == pytest.approx(0.5 * 0.0096, abs=1e-4)


def test_biases_alone_are_spared_where_the_network_says_so():
    network = RealMLP(3, 2, widths=(4,))
    descent = Descent(network, optimizer="adamw", weight_decay=0.1)
    spared = descent.undecayed()
    assert spared == {"body.1.bias", "head.1.bias"} and "scale.weight" not in spared
    beside = Descent(nn.ModuleList([network, nn.Linear(2, 2)])).undecayed()
    assert beside == {"0.body.1.bias", "0.head.1.bias", "1.bias"}


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="follows a plateau"):
        Descent(nn.Linear(1, 1), dropout_schedule="plateau")
    with pytest.raises(OptionError, match="did you mean 'linear'"):
        Descent(nn.Linear(1, 1), weight_decay_schedule="linaer")
    endless = Descent(nn.Linear(1, 1), weight_decay_schedule="linear")
    with pytest.raises(OptionError, match="'linear' needs the number of steps"):
        endless(lambda x: endless.networks[0](x).sum(), torch.ones(1, 1))
    network = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5))
    network.compile()
    with pytest.raises(RefusalError, match="compiled"):
        Descent(network, dropout_schedule="linear").begin(Context(steps=2))


def test_options_of_the_schedules_are_reached_by_name():
    found = assign(
        {
            "weight_decay_schedule": "step",
            "weight_decay_schedule.factor": "0.5",
            "dropout_schedule.flat": "0.2",
        },
        owners_of("mlp", None),
    )["descent"]
    assert found["weight_decay_schedule_options"] == {"factor": 0.5}
    assert found["dropout_schedule_options"] == {"flat": 0.2}
