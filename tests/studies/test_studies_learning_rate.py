"""The learning-rate finder: near the analytic rate of a quadratic, and nothing is changed by it."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
from torch import nn

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.sources import Stream


def same(first, second) -> bool:
    """Whether two states are bitwise the same."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def quadratic(curvature: float, **options):
    """A method whose loss is `curvature / 2 * w^2` plus noise of the batch: plain descent is stable below 2/curvature."""

    class Bowl(nr.Method):
        def __init__(self):
            super().__init__()
            self.network = nn.Linear(1, 1, bias=False)
            self.network.weight.data.fill_(3.0)
            self.descent = nr.Descent(self.network, **options)

        def step(self, batch):
            return self.descent(lambda x: (0.5 * curvature * self.network(x).square().sum(), len(x)), batch)

    return Bowl(), Stream(lambda chance: 1 + 0.05 * torch.randn(8, 1, generator=chance), 10)


@pytest.mark.parametrize("curvature", [0.1, 10.0])
def test_the_largest_stable_rate_is_two_over_the_curvature(curvature):
    plain = {"optimizer": "sgd", "optimizer_options": {"momentum": 0.0}}
    report = nr.studies.find_learning_rate(*quadratic(curvature, **plain), low=1e-5, high=1000.0, steps=200)
    assert report.diverged
    assert 0.3 * 2 / curvature < report.largest < 1.2 * 2 / curvature
    assert report.suggestion < report.largest
    assert report.suggestion > 0.02 / curvature


def test_rates_rise_evenly_and_are_those_that_were_used():
    report = nr.studies.find_learning_rate(*quadratic(1e-9, optimizer="sgd"), low=1e-4, high=1e-2, steps=40)
    assert len(report.rates) == 40 and not report.diverged
    assert report.rates[0] == pytest.approx(1e-4 * 100 ** (0.5 / 40))
    ratios = [b / a for a, b in zip(report.rates, report.rates[1:], strict=False)]
    assert ratios == pytest.approx([100 ** (1 / 40)] * 39)


@pytest.mark.parametrize("optimizer", ["adamw", "muon", functools.partial(torch.optim.SGD, lr=0.3)])
def test_method_source_and_chance_stay_bitwise(optimizer):
    iris = nr.data.load("iris")
    network = nr.networks.MLP.for_data(iris.inputs, iris.targets, widths=(16, 16), dropout=0.2)
    method = nr.methods.Supervised(network, optimizer=optimizer, schedule="cosine", average=0.9)
    nr.fit(method, iris, epochs=1, progress=False)
    mode = network.training
    before, chance = copy.deepcopy(dict(method.state_dict())), torch.get_rng_state()
    report = nr.studies.find_learning_rate(method, iris, steps=60)
    assert same(before, dict(method.state_dict())) and torch.equal(chance, torch.get_rng_state())
    assert network.training == mode and method.descent.schedule_name == "cosine"
    assert 1e-5 < report.suggestion < 3

    feed = nr.data.sources.Minibatches(iris.train, 16, seed=4)
    next(iter(feed))
    place = feed.state_dict()
    nr.studies.find_learning_rate(method, feed, steps=30)
    assert feed.state_dict() == place == {"epoch": 0, "position": 1}


def test_the_suggestion_learns_and_ten_times_the_largest_does_not():
    digits = nr.data.load("digits")

    def loss_at(rate):
        torch.manual_seed(0)
        network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(32,))
        method = nr.methods.Supervised(
            network, optimizer="sgd", guard=False, **({} if rate is None else {"learning_rate": rate})
        )
        if rate is None:
            return nr.studies.find_learning_rate(method, digits, steps=80, batch_size=64)
        run = nr.fit(method, digits, steps=60, batch_size=64, progress=False)
        return run.history[-1]["train"]["loss"]

    report = loss_at(None)
    good, wild, slow = (
        loss_at(rate) for rate in (report.suggestion, 10 * report.largest, report.suggestion / 1000)
    )
    assert good < 0.5 * slow
    assert not wild < 2 * good


def test_report_and_plot(tmp_path):
    report = nr.studies.find_learning_rate(*quadratic(1.0, optimizer="sgd"), steps=60)
    assert f"learning rate {report.suggestion:.2g}" in str(report) and "exploded" in str(report)
    assert report.to_json()["rates"] == report.rates
    report.plot(tmp_path / "rate.png")
    assert (tmp_path / "rate.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"low": 1.0, "high": 0.1}, "0 < low < high"),
        ({"steps": 5}, "steps >= 20"),
        ({"metric": "accuracy"}, "no metric 'accuracy'"),
    ],
)
def test_what_cannot_be_is_refused(options, told):
    with pytest.raises(OptionError, match=told):
        nr.studies.find_learning_rate(*quadratic(1.0), **options)


def test_a_method_without_a_descent_has_no_rate():
    class Closed(nr.Method):
        network = nn.Linear(1, 1)

    with pytest.raises(OptionError, match=r"Closed has no learning rate(.|\n)*--method supervised"):
        nr.studies.find_learning_rate(Closed(), quadratic(1.0)[1])
