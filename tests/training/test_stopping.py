"""Every reason to stop, and which weights are held then."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn
from training_helpers import StopAt, classes, classifier, difference, examples, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.training import loop as looping
from neurarium.training.callbacks.callback import Callback
from neurarium.training.stopping import Best, Convergence


class Kept(Callback):
    """Keeps a copy of the weights at each evaluation."""

    def __init__(self):
        self.states: dict[int, dict] = {}
        self.rows: list[dict] = []

    def evaluate(self, loop, row):
        self.rows.append(row)
        self.states[row["step"]] = {k: v.clone() for k, v in loop.method.deployed.state_dict().items()}


def overfitting(**options):
    """A run whose validation loss is least somewhere in its middle."""
    data, kept = classes(48), Kept()
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 3))
    method = nr.methods.Supervised(net, learning_rate=0.02)
    options = {"epochs": 30, "batch_size": 16, **options}
    return nr.fit(method, data, progress=False, callbacks=[kept], **options), kept, data


def test_the_weights_held_are_bitwise_those_of_the_best_evaluation():
    run, kept, data = overfitting()
    losses = {row["step"]: row["validation"]["loss"] for row in kept.rows}
    best = min(losses, key=losses.get)
    assert 0 < best < max(losses)
    assert difference(dict(run.network.state_dict()), kept.states[best]) is None
    assert run.best["step"] == best
    assert nr.training.evaluate(run.method, data.validation)["loss"] == pytest.approx(losses[best], rel=1e-12)
    assert not run.network.training


def test_the_last_weights_on_request():
    run, kept, _ = overfitting(keep="last", epochs=5)
    assert difference(dict(run.network.state_dict()), kept.states[max(kept.states)]) is None
    assert run.decisions[-1].to_json()["choice"] == "last"


def test_another_metric_picks_other_weights():
    run, kept, _ = overfitting(monitor="accuracy", epochs=12)
    scores = {row["step"]: (row["validation"]["accuracy"], -row["validation"]["loss"]) for row in kept.rows}
    best = max(scores, key=scores.get)  # of equals that of the lowest loss
    assert run.best["step"] == best
    assert difference(dict(run.network.state_dict()), kept.states[best]) is None


def test_patience_counts_evaluations_without_a_better_one():
    run, kept, _ = overfitting(patience=3, epochs=200)
    losses = [row["validation"]["loss"] for row in kept.rows]
    assert len(losses) - 1 - losses.index(min(losses)) == 3
    assert len(losses) < 200 and "has not improved for 3 evaluations" in run.reason


def test_a_score_that_is_not_a_number_is_never_best():
    best = Best("loss", "min", None)
    net = nn.Linear(1, 1)
    for number, score in enumerate((math.nan, 2.0, math.nan, 1.0, math.inf)):
        best.consider({"validation": {"loss": score}, "step": number, "epoch": 0}, net)
    assert (best.score, best.step, best.waited) == (1.0, 3, 1)


def test_of_equal_scores_that_of_the_lower_loss_is_kept_and_is_no_improvement():
    best = Best("accuracy", "max", 3)
    net = nn.Linear(1, 1)
    for number, loss in enumerate((0.9, 0.5, 0.7, math.nan)):
        best.consider({"validation": {"accuracy": 1.0, "loss": loss}, "step": number, "epoch": 0}, net)
    assert (best.step, best.loss, best.waited, best.exhausted) == (1, 0.5, 3, True)
    best.consider({"validation": {"accuracy": 1.0}, "step": 9, "epoch": 0}, net)
    assert best.step == 1


def test_steps_and_epochs():
    by_epochs = nr.fit(regression(), source(64, 16), epochs=3, progress=False)
    assert [row["step"] for row in by_epochs.history] == [4, 8, 12]
    assert [row["epoch"] for row in by_epochs.history] == [1, 2, 3]
    by_steps = nr.fit(regression(), source(64, 16), steps=10, progress=False)
    assert [(row["step"], row["epoch"]) for row in by_steps.history] == [(4, 1), (8, 2), (10, 2)]
    assert by_steps.reason == by_epochs.reason == "done"


def test_evaluations_at_steps_of_ones_own_and_at_the_end():
    run = nr.fit(regression(), source(64, 16), steps=11, evaluate_every=3, progress=False)
    assert [row["step"] for row in run.history] == [3, 6, 9, 11]
    whole = nr.fit(regression(), source(64, 16), steps=11, evaluate_every=11, progress=False)
    means = [row["train"]["loss"] for row in run.history]
    assert whole.history[0]["train"]["loss"] == pytest.approx(
        (3 * sum(means[:3]) + 2 * means[3]) / 11, rel=1e-6
    )


def test_the_time_limit_ends_training_and_what_was_reached_is_measured(monkeypatch):
    clock = {"now": 0.0}
    monkeypatch.setattr(looping.time, "monotonic", lambda: clock["now"])

    class Slow(Callback):
        def step(self, loop, metrics):
            clock["now"] += 1.0

    data = classes()
    run = nr.fit(
        classifier(), data, epochs=100, batch_size=8, time_limit=5.0, callbacks=[Slow()], progress=False
    )
    assert run.reason == "the time limit is reached"
    assert [row["step"] for row in run.history] == [5]  # in the middle of the first epoch
    assert run.decisions[-1].to_json()["choice"] == "best" and run.seconds == 5.0


def test_the_time_limit_is_over_all_parts_of_a_run(monkeypatch, tmp_path):
    clock = {"now": 0.0}
    monkeypatch.setattr(looping.time, "monotonic", lambda: clock["now"])

    class Slow(Callback):
        def step(self, loop, metrics):
            clock["now"] += 1.0

    def part(limit, **options):
        return nr.fit(
            regression(), source(), steps=100, time_limit=limit, callbacks=[Slow()], out=tmp_path / "run",
            progress=False, **options,
        )  # fmt: skip

    assert part(4.0).history[-1]["step"] == 4
    assert part(10.0, resume=True).history[-1]["step"] == 10


def test_training_stops_when_the_loss_stands_still():
    method = regression(optimizer="sgd", learning_rate=1e-9)
    run = nr.fit(method, source(64, 64), epochs=100, tolerance=1e-4, progress=False)
    assert run.reason == "the training loss stands still" and len(run.history) == 4
    moving = nr.fit(regression(learning_rate=0.05), source(64, 64), epochs=10, tolerance=1e-9, progress=False)
    assert len(moving.history) == 10


def test_standing_still_is_relative_and_three_times_in_a_row():
    seen = Convergence(0.01)
    values = [100.0, 99.5, 99.0, 50.0, 49.9, 49.8, 49.7]
    assert [seen.consider(value) for value in values] == [False] * 6 + [True]
    assert not Convergence(None).consider(1.0)


def test_a_callback_may_stop_it():
    run = nr.fit(regression(), source(), epochs=10, callbacks=[StopAt(6)], progress=False)
    assert run.reason == "the test says so" and run.history[-1]["step"] == 6


def test_a_longer_run_that_is_resumed_is_the_longer_run(tmp_path):
    """Also where the first part ended in the middle of an epoch, and was measured there."""

    def trained(steps, out, **options):
        method = regression(dropout=0.3, average=0.9)
        return nr.fit(
            method, source(), steps=steps, out=out, validation=examples(32, 5), progress=False, **options
        )

    whole = trained(14, tmp_path / "whole")
    first = trained(6, tmp_path / "run")
    assert [row["step"] for row in first.history] == [4, 6]
    longer = trained(14, tmp_path / "run", resume=True)
    assert difference(whole.method.state_dict(), longer.method.state_dict()) is None
    assert (tmp_path / "whole" / "metrics.jsonl").read_bytes() == (
        tmp_path / "run" / "metrics.jsonl"
    ).read_bytes()


def test_more_epochs_for_a_run_that_had_ended(tmp_path):
    data = classes()

    def trained(epochs, out, **options):
        return nr.fit(classifier(), data, epochs=epochs, out=out, progress=False, **options)

    whole, _ = trained(5, tmp_path / "whole"), trained(2, tmp_path / "run")
    longer = trained(5, tmp_path / "run", resume=True)
    assert difference(whole.method.state_dict(), longer.method.state_dict()) is None
    assert longer.history == whole.history
    told = json.loads((tmp_path / "run" / "results.json").read_text())
    assert told["best"]["step"] == whole.best["step"]


def test_patience_goes_on_counting_after_a_resume(tmp_path):
    whole, _, _ = overfitting(patience=4, epochs=200)
    stop = len(whole.history) * 3 - 2
    data = classes(48)

    def part(**options):
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(4, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 3))
        method = nr.methods.Supervised(net, learning_rate=0.02)
        return nr.fit(
            method,
            data,
            progress=False,
            patience=4,
            epochs=200,
            batch_size=16,
            out=tmp_path / "run",
            **options,
        )

    part(callbacks=[StopAt(stop)])
    resumed = part(resume=True)
    assert resumed.history == whole.history and resumed.reason == whole.reason
    assert difference(dict(resumed.network.state_dict()), dict(whole.network.state_dict())) is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keep": "bst"}, "did you mean 'best'"),
        ({"keep": "best"}, "there is none"),
        ({"patience": 3}, "there is none"),
        ({"epochs": 0}, "1 or more"),
        ({"steps": 0}, "1 or more"),
        ({"resume": True}, "out=FOLDER"),
        ({"device": "gpu"}, "cannot be used"),
    ],
)
def test_what_contradicts_itself_is_refused(options, told):
    with pytest.raises(OptionError, match=told):
        nr.fit(regression(), source(), progress=False, **options)
