"""The moving average of weights: numbers against NumPy, evaluation under it, and which weights are held."""

from __future__ import annotations

import contextlib

import numpy
import pytest
import torch
from torch import nn
from training_helpers import StopAt, classes, classifier, difference, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.training.averaging import Average
from neurarium.training.callbacks.callback import Callback


class Weights(Callback):
    """Writes down the weights after each step."""

    def __init__(self):
        self.seen: list[numpy.ndarray] = []

    def step(self, loop, metrics):
        self.seen.append(nn.utils.parameters_to_vector(loop.method.parameters()).detach().double().numpy())


def looped(start, steps, decay):
    """The definition, in NumPy."""
    average = start
    for number, weights in enumerate(steps, 1):
        rate = min(decay, (1 + number) / (10 + number))
        average = rate * average + (1 - rate) * weights
    return average


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_numbers_of_the_definition(decay):
    method, weights = regression(average=decay, learning_rate=0.05), Weights()
    start = nn.utils.parameters_to_vector(method.parameters()).detach().double().numpy()
    run = nr.fit(method, source(), epochs=5, progress=False, callbacks=[weights], keep="averaged")
    held = nn.utils.parameters_to_vector(run.method.parameters()).detach().double().numpy()
    assert held == pytest.approx(looped(start, weights.seen, decay), abs=1e-6)
    assert abs(held - weights.seen[-1]).max() > 1e-3


def test_the_last_weights_can_be_held_all_the_same():
    weights = Weights()
    run = nr.fit(
        regression(average=0.9), source(), epochs=2, progress=False, callbacks=[weights], keep="last"
    )
    held = nn.utils.parameters_to_vector(run.method.parameters()).detach().double().numpy()
    assert (held == weights.seen[-1]).all()


def test_without_validation_the_average_is_held():
    run = nr.fit(regression(average=0.9), source(), epochs=2, progress=False)
    assert run.decisions[-1].choice == "averaged"
    values = run.method.descent.average.values
    assert all(torch.equal(p, v) for p, v in zip(run.method.network.parameters(), values, strict=True))


def test_evaluation_measures_the_average_and_training_goes_on_without_it():
    data = classes()
    plain, averaged, weights, others = classifier(), classifier(average=0.99), Weights(), Weights()
    one = nr.fit(plain, data, epochs=3, progress=False, callbacks=[weights], keep="last")
    two = nr.fit(averaged, data, epochs=3, progress=False, callbacks=[others], keep="averaged")
    assert all((a == b).all() for a, b in zip(weights.seen, others.seen, strict=True))
    assert one.history[-1]["validation"]["loss"] != two.history[-1]["validation"]["loss"]
    found = nr.training.evaluate(two.method, data.validation)
    assert found["loss"] == pytest.approx(two.history[-1]["validation"]["loss"], rel=1e-12)


def test_the_best_weights_are_those_of_the_average_that_was_measured():
    data = classes()
    run = nr.fit(classifier(average=0.9), data, epochs=4, progress=False)
    found = nr.training.evaluate(run.method, data.validation)
    assert found["loss"] == pytest.approx(run.best["validation"]["loss"], rel=1e-12)
    assert "moving average" in run.decisions[-1].reason


def test_going_on_takes_the_average_along(tmp_path):
    def trained(out, **options):
        return nr.fit(regression(average=0.95), source(), steps=10, out=out, progress=False, **options)

    whole = trained(None)
    trained(tmp_path / "run", callbacks=[StopAt(4)])
    resumed = trained(tmp_path / "run", resume=True)
    assert difference(whole.method.state_dict(), resumed.method.state_dict()) is None


def test_applied_puts_the_weights_back_even_after_a_failure():
    weight = nn.Parameter(torch.ones(2))
    average = Average([weight], 0.5)
    weight.data.fill_(3.0)
    with contextlib.suppress(KeyError), average.applied():
        assert weight.tolist() == [1.0, 1.0]
        raise KeyError
    assert weight.tolist() == [3.0, 3.0]


def test_an_average_that_is_not_made_cannot_be_held():
    with pytest.raises(OptionError, match=r"average=0\.999"):
        nr.fit(regression(), source(), epochs=1, progress=False, keep="averaged")
