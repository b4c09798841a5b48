"""Learning rates by parameter: the update of each is scaled by its factor, whatever the optimizer."""

from functools import partial

import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.networks import RealMLP
from neurarium.training.descent import Descent


def moved(factors, optimizer="sgd", rate=0.1, steps=1, **options):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    descent = Descent(network, optimizer=optimizer, learning_rate=rate, rate_factors=factors, **options)
    x = torch.ones(5, 3)
    for _ in range(steps):
        descent(lambda x: ((network(x) - 2).square().sum(), len(x)), x)
    return {name: p.detach() - before[name] for name, p in network.named_parameters()}, descent


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "sam", "muon", partial(torch.optim.RMSprop, lr=0.1)])
def test_a_factor_scales_the_update(optimizer):
    decay = {} if callable(optimizer) else {"weight_decay": 0.0}
    plain, _ = moved(None, optimizer, **decay)
    scaled, descent = moved({"0": 0.25, "0.bias": 3.0}, optimizer, **decay)
    wanted = {"0.weight": 0.25, "0.bias": 3.0, "2.weight": 1.0, "2.bias": 1.0}
    for name, factor in wanted.items():
        torch.testing.assert_close(scaled[name], factor * plain[name], rtol=2e-4, atol=1e-6)
    assert descent.rate == pytest.approx(0.1)


def test_factors_stay_under_a_schedule():
    _, descent = moved({"2": 0.5}, schedule="constant")
    descent._rates = [[group["lr"] for group in each.param_groups] for each in descent.optimizers]
    rates = {group["rate_factor"]: group["lr"] for group in descent.optimizers[0].param_groups}
    assert rates == pytest.approx({1.0: 0.1, 0.5: 0.05})


def test_the_state_of_groups_is_taken_up_again():
    _, first = moved({"0": 0.5}, "adamw", steps=3)
    _, second = moved({"0": 0.5}, "adamw", steps=1)
    second.load_state_dict(first.state_dict())
    assert second.get_extra_state()["updates"] == 3
    assert [g["lr"] for g in second.optimizers[0].param_groups] == [
        g["lr"] for g in first.optimizers[0].param_groups
    ]


def test_a_network_says_its_own():
    network = RealMLP(3, 2, widths=(4,))
    descent = Descent(network, optimizer="adam", learning_rate=0.1, rate_factors="own")
    descent.begin()
    by_name = {
        name: group["lr"]
        for group in descent.optimizers[0].param_groups
        for name, p in network.named_parameters()
        if any(p is each for each in group["params"])
    }
    assert by_name["scale.weight"] == pytest.approx(0.6) and by_name["body.1.bias"] == pytest.approx(0.01)


def test_mistakes_are_named():
    with pytest.raises(OptionError, match=r"0\.weight"):
        moved({"0.wieght": 1.0})
    with pytest.raises(OptionError, match="above 0"):
        moved({"0": 0.0})
    with pytest.raises(RefusalError, match="says no learning rates"):
        moved("own")
    with pytest.raises(RefusalError, match="lbfgs"):
        moved({"0": 0.5}, "lbfgs")
