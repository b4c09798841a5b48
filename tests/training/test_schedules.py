"""Schedules: closed forms, torch's own schedulers, bounds, warm-up, plateau, and going on in the middle."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from training_helpers import StopAt, difference, examples, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.training.callbacks.callback import Callback
from neurarium.training.schedules import SCHEDULES, Plateau, schedule

PLACES = [0.0, 0.1, 0.25, 0.5, 0.7, 0.9, 1.0]
CLOSED = {
    "constant": ({}, lambda p: 1.0),
    "cosine": ({"floor": 0.1}, lambda p: 0.1 + 0.9 * math.cos(math.pi * p / 2) ** 2),
    "cosine-logarithm": ({"cycles": 3}, lambda p: math.sin(math.pi * math.log2(1 + 7 * p)) ** 2),
    "exponential": ({"floor": 0.01}, lambda p: math.exp(p * math.log(0.01))),
    "flat-then-cosine": (
        {"flat": 0.7},
        lambda p: 1.0 if p < 0.7 else math.cos(math.pi * (p - 0.7) / 0.6) ** 2,
    ),
    "inverse-root": ({"scale": 0.04}, lambda p: min(1.0, 0.2 * p**-0.5) if p else 1.0),
    "linear": ({"floor": 0.2}, lambda p: 0.2 * p + (1 - p)),
    "one-cycle": (
        {"rise": 0.25, "start": 0.1, "floor": 0.01},
        lambda p: (
            0.1 + 0.9 * math.sin(math.pi * p / 0.5) ** 2
            if p < 0.25
            else 0.01 + 0.99 * math.cos(math.pi * (p - 0.25) / 1.5) ** 2
        ),
    ),
    "plateau": ({}, lambda p: 1.0),
    "polynomial": ({"power": 3.0, "floor": 0.1}, lambda p: 0.1 + 0.9 * (1 - p) ** 3),
    "step": (
        {"drops": (0.3, 0.6), "factor": 0.5},
        lambda p: 1.0 if p < 0.3 else 0.5 if p < 0.6 else 0.25,
    ),
}


class Rates(Callback):
    """Writes down the rate of each step."""

    def __init__(self):
        self.seen: list[float] = []

    def step(self, loop, metrics):
        self.seen.append(loop.method.descent.rate)


def test_every_schedule_has_a_closed_form_here():
    assert set(CLOSED) == set(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_closed_forms(name):
    options, formula = CLOSED[name]
    factor = schedule(name, options=options)
    assert [factor(p) for p in PLACES] == pytest.approx([formula(p) for p in PLACES], abs=1e-12)


@given(name=st.sampled_from(sorted(SCHEDULES)), warmup=st.floats(0, 0.9), progress=st.floats(0, 1))
def test_factors_lie_between_zero_and_one_and_do_not_jump(name, warmup, progress):
    factor = schedule(name, warmup=warmup)
    assert 0 <= factor(progress) <= 1
    if name != "step":
        near = min(progress + 1e-9 * (1 - warmup), 1.0)
        assert abs(factor(near) - factor(progress)) < 1e-4 or warmup < 1e-4


@pytest.mark.parametrize(
    ("name", "options", "theirs"),
    [
        ("cosine", {}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=10)),
        ("linear", {"floor": 0.3}, lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.3, total_iters=10)),
        ("polynomial", {"power": 2.0}, lambda o: torch.optim.lr_scheduler.PolynomialLR(o, 10, 2.0)),
        ("exponential", {"floor": 0.5**10}, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5)),
        ("step", {"drops": (0.5, 1.0)}, lambda o: torch.optim.lr_scheduler.StepLR(o, 5)),
    ],
)
def test_the_same_as_torch(name, options, theirs):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, factor = theirs(optimizer), schedule(name, options=options)
    for step in range(11):
        assert factor(step / 10) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        scheduler.step()


def test_one_cycle_is_torchs():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=101, pct_start=0.3)
    factor = schedule(
        "one-cycle", options={"rise": 0.293, "floor": 0.04 / 1e4}
    )  # theirs rises for 0.3 * 101 - 1 steps
    for step in range(100):
        assert factor(step / 100) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        scheduler.step()


def test_warmup_rises_to_where_the_schedule_begins_and_squeezes_it_into_the_rest():
    factor = schedule("cosine", warmup=0.2)
    assert [factor(p) for p in (0.0, 0.05, 0.1, 0.2, 0.6, 1.0)] == pytest.approx([0, 0.25, 0.5, 1, 0.5, 0])
    cycle = schedule("one-cycle", warmup=0.1)
    assert cycle(0.05) == pytest.approx(0.02) and cycle(0.1) == pytest.approx(0.04)


def test_rates_of_a_run_are_those_of_the_middle_of_each_step():
    rates = Rates()
    method = regression(optimizer="sgd", learning_rate=0.1, schedule="cosine", warmup=0.25)
    nr.fit(method, source(), steps=8, progress=False, callbacks=[rates])
    factor = schedule("cosine", warmup=0.25)
    assert rates.seen == pytest.approx([0.1 * factor((step + 0.5) / 8) for step in range(8)])


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_going_on_in_the_middle_is_as_if_nothing_had_happened(name, tmp_path):
    def trained(out, rates, **options):
        descent = (
            {"schedule_options": {"patience": 0, "factor": 0.5}} if name == "plateau" else {"warmup": 0.2}
        )
        method = regression(optimizer="sgd", learning_rate=1.0, schedule=name, **descent)
        callbacks = [rates, *options.pop("callbacks", [])]
        return nr.fit(
            method, source(), epochs=4, validation=examples(32, 3), evaluate_every=2, out=out, progress=False,
            callbacks=callbacks, **options,
        )  # fmt: skip

    whole, first, second = Rates(), Rates(), Rates()
    run = trained(None, whole)
    trained(tmp_path / "run", first, callbacks=[StopAt(7)])
    resumed = trained(tmp_path / "run", second, resume=True)
    assert first.seen + second.seen == whole.seen
    assert difference(run.method.state_dict(), resumed.method.state_dict()) is None
    assert run.history == resumed.history
    if name == "plateau":
        assert min(whole.seen) < max(whole.seen)


def test_plateau_lowers_the_rate_when_scores_stop_improving():
    seen, factors = Plateau(patience=2, factor=0.1), []
    for score in (5.0, 4.0, 4.5, 4.2, 4.1, 3.9, 4.0, math.nan, 4.0, 1.0):
        seen.observe(score)
        factors.append(seen.reached)
    assert factors == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])
    rising = Plateau(patience=0, factor=0.5)
    for score in (0.1, 0.2, 0.15):
        rising.observe(score, "max")
    assert rising.reached == 0.5


def test_plateau_watches_the_training_loss_without_validation():
    rates = Rates()
    method = regression(
        optimizer="sgd", learning_rate=1e-12, schedule="plateau", schedule_options={"patience": 0}
    )
    nr.fit(method, source(64, 64), epochs=6, progress=False, callbacks=[rates])
    assert rates.seen[-1] < 0.3 * rates.seen[0]


@pytest.mark.parametrize(
    ("name", "warmup", "options", "told"),
    [
        ("cosin", 0, {}, "did you mean 'cosine'"),
        ("cosine", 1.0, {}, "0 <= warmup < 1"),
        ("cosine", 0, {"flor": 0.1}, "did you mean 'floor'"),
        ("cosine", 0, {"floor": -1.0}, "0 to 1"),
        ("one-cycle", 0, {"rise": 1.0}, "0.001 to 0.999"),
        ("plateau", 0, {"factor": 1.5}, "0 < factor < 1"),
        ("step", 0, {"factor": -0.1}, "0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(name, warmup, options, told):
    with pytest.raises(OptionError, match=told):
        schedule(name, warmup=warmup, options=options)


def test_a_schedule_needs_to_know_the_number_of_steps():
    method = regression(schedule="cosine")
    with pytest.raises(OptionError, match="needs the number of steps"):
        method.step(examples(8)[:])
