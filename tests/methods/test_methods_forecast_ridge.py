"""ForecastRidge: its solution against scikit-learn's, its folds in time, its weights against a search."""

from __future__ import annotations

import itertools

import numpy
import pytest
import torch
from sklearn.linear_model import Ridge as Reference

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.methods.forecast_ridge import ForecastRidge, _borders, _maps, _shares, _solve
from neurarium.networks import DLinear, WindowLinear
from neurarium.training.context import Context


def read(values, horizon=3, lookback=6, **more):
    frame = {"t": list(range(len(values))), "y": [None if v is None else float(v) for v in values]}
    return nr.data.forecast(frame, "y", time="t", horizon=horizon, lookback=lookback, **more)


def waves(count=200, noise=0.3, seed=0):
    chance = numpy.random.default_rng(seed)
    return numpy.sin(numpy.arange(count) / 2) + noise * chance.normal(size=count)


def solved(data, **options):
    method = ForecastRidge(WindowLinear.for_data(data.inputs, data.targets), **options)
    return nr.fit(method, data, epochs=1, progress=False)


@pytest.mark.parametrize("name", ["none", "last", "instance"])
def test_the_solution_is_scikit_learns(name):
    data = read(waves())
    run = solved(data, normalizations=(name,), penalties=(20.0,))
    batch = data.train.take(slice(None))
    x, y = batch["inputs"]["series"][..., 0].double().numpy(), batch["targets"][..., 0].double().numpy()
    level = {"none": 0 * x[:, :1], "last": x[:, -1:], "instance": x.mean(axis=1, keepdims=True)}[name]
    z, beside = x - level, numpy.ones_like(level)
    if name == "instance":
        beside = numpy.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    # what has no penalty is taken out of both sides first (Frisch and Waugh 1933)
    out = lambda part: part - beside @ numpy.linalg.lstsq(beside, part, rcond=None)[0]  # noqa: E731
    fit = Reference(alpha=20 * (z**2).mean(), fit_intercept=False).fit(out(z), out(y - level))
    rest = numpy.linalg.lstsq(beside, y - level - z @ fit.coef_.T, rcond=None)[0]
    wanted = z @ fit.coef_.T + beside @ rest + level
    found = run.method.predict({"series": batch["inputs"]["series"]})[..., 0].detach().numpy()
    numpy.testing.assert_allclose(found, wanted, atol=1e-5)


def test_with_covariates_the_solution_is_scikit_learns_of_blocks_in_their_own_units():
    chance, y = numpy.random.default_rng(3), waves()
    frame = {"t": list(range(200)), "y": y.tolist(), "rain": (5 * chance.normal(size=200)).tolist(),
             "price": numpy.cos(numpy.arange(200)).tolist()}  # fmt: skip
    data = nr.data.forecast(frame, "y", time="t", horizon=3, lookback=6, past="rain", future="price")
    network = WindowLinear.for_data(data.inputs, data.targets)
    method = ForecastRidge(network, normalizations=("none",), penalties=(20.0,))
    method.targets = data.targets
    method.begin(Context(targets=data.targets))
    batch = data.train.take(slice(None))
    sums = method._sums(batch, [len(data.train)])[len(data.train)]
    found = _solve(_maps(("none",), network)[0], sums, (20.0,))[0].numpy()
    inputs = batch["inputs"]
    x, wanted = inputs["series"][..., 0].double().numpy(), batch["targets"][..., 0].double().numpy()
    rain, price = inputs["past"].flatten(1).double().numpy(), inputs["future"][:, 6:, 0].double().numpy()
    size = lambda part: numpy.sqrt((part**2).mean())  # noqa: E731
    for step in range(3):  # each with the price of that step alone
        blocks = [x / size(x), rain / size(rain), price[:, [step]] / size(price)]
        fit = Reference(alpha=20).fit(numpy.concatenate(blocks, axis=1), wanted[:, step])
        own = fit.coef_ / numpy.repeat([size(x), size(rain), size(price)], [6, 6, 1])
        numpy.testing.assert_allclose(found[:12, step], own[:12], atol=1e-7)
        numpy.testing.assert_allclose(found[13:16, step], own[12] * (numpy.arange(3) == step), atol=1e-7)
        numpy.testing.assert_allclose(found[-1, step], fit.intercept_, atol=1e-7)


def test_what_is_known_beforehand_is_used_where_it_helps_and_left_out_where_it_does_not():
    chance = numpy.random.default_rng(4)
    price, noise = chance.normal(size=400), chance.normal(size=400)
    y = 2 * price + 0.1 * chance.normal(size=400)
    frame = {"t": list(range(400)), "y": y.tolist(), "price": price.tolist(), "noise": noise.tolist()}
    errors, chosen = {}, {}
    for name in ("price", "noise"):
        run = nr.studies.train(
            nr.data.forecast(frame, "y", time="t", horizon=3, lookback=6, future=name), progress=False
        )
        told = {each.subject: each.choice for each in run.decisions}
        assert told["network"] == "window-linear"
        errors[name], chosen[name] = run.reports["test"].metrics["mse"], told["normalization"]
    assert errors["price"] < 0.01 < 0.7 < errors["noise"]
    assert "without" not in chosen["price"] and "without covariates" in chosen["noise"]


def test_several_series_share_one_map_and_their_windows_go_by_time():
    rows = [(f"{name}", t, float(numpy.sin(t / 2 + shift) * size)) for name, shift, size in
            (("a", 0, 1.0), ("b", 1, 50.0)) for t in range(20 * (name == "b"), 150)]  # fmt: skip
    frame = {key: [row[place] for row in rows] for place, key in enumerate(("id", "t", "y"))}
    data = nr.data.forecast(frame, "y", time="t", series="id", horizon=3, lookback=6)
    times = data.train.cut.when(data.train.batch)
    for name, first in ((0, 0), (1, 20)):
        own = times[data.train.batch["series"] == name]
        assert own[0] == first and torch.equal(own, torch.arange(first, int(own[-1]) + 1))
    run = nr.studies.train(data, progress=False)
    told = {each.subject: each for each in run.decisions}
    assert told["network"].choice == "window-linear" and "5 rolling origins" in told["normalization"].reason
    assert run.reports["test"].metrics["mse"] < 1e-3


def test_windows_of_one_step_are_in_one_fold():
    times = torch.arange(40).repeat_interleave(3)  # three series
    folds = _borders(times, 2, 5)
    assert len(folds) == 5 and folds[-1][2] == 120
    for end, begin, stop in folds:
        assert times[begin - 1] < times[begin] and (stop == 120 or times[stop - 1] < times[stop])
        assert times[end - 1] + 2 == times[begin]


def test_what_the_step_tells_is_the_mean_squared_error_of_the_training_windows():
    data = read(waves(), horizon=5)
    run = solved(data)
    batch = data.train.take(slice(None))
    error = (run.method.predict(batch["inputs"]) - batch["targets"]).square().mean()
    assert run.history[-1]["train"]["loss"] == pytest.approx(float(error), rel=1e-4)


def test_a_fold_is_forecast_by_windows_that_end_before_it():
    for count, horizon in itertools.product((20, 57, 400), (1, 5)):
        folds = _borders(torch.arange(count), horizon, 5)
        assert folds[-1][2] == count
        for end, begin, stop in folds:
            assert end - 1 + horizon <= begin < stop  # the last of them says step begin - 1 at most
    assert _borders(torch.arange(8), 7, 5) == []


def test_the_weights_are_those_of_a_search():
    chance = torch.Generator().manual_seed(1)
    errors = (
        torch.randn(400, 3, generator=chance).double() * torch.tensor([1.0, 1.2, 3.0])
        + torch.randn(400, 1, generator=chance).double()
    )
    truth = torch.randn(400, 1, generator=chance).double()
    rows = torch.cat([truth + errors, torch.ones(400, 1).double(), truth], dim=1)  # forecasts, 1, what came
    forecasts = [[torch.eye(4).double()[:, [each]] for each in range(3)]]
    found = _shares(forecasts, [(torch.zeros(5, 5), rows.T @ rows)])
    grid = torch.cartesian_prod(*[torch.linspace(0, 1, 101).double()] * 2)
    grid = torch.cat([grid, 1 - grid.sum(dim=1, keepdim=True)], dim=1)
    grid = grid[grid[:, 2] >= -1e-9]
    best = grid[(errors @ grid.T).square().mean(dim=0).argmin()]
    assert torch.allclose(torch.tensor(found).double(), best, atol=0.011)
    assert sum(found) == pytest.approx(1.0) and 0 < found[1] < found[0]


def test_a_series_that_drifts_away_is_forecast_from_its_last_value():
    chance = numpy.random.default_rng(0)
    data = read(numpy.cumsum(chance.normal(size=400)))
    told = {each.subject: each for each in solved(data).decisions}
    assert "last" in told["normalization"].choice or "instance" in told["normalization"].choice
    shifted = {**told}["normalization"].reason
    assert "5 rolling origins" in shifted
    steady = solved(read(chance.normal(size=400)))
    assert next(each.choice for each in steady.decisions if each.subject == "normalization").endswith("none")


def test_it_learns_in_one_step_alike_for_every_seed_and_loads_again(tmp_path):
    data = read(waves())
    run = nr.studies.train(data, seed=0, progress=False, out=tmp_path / "run")
    again = nr.studies.train(data, seed=1, progress=False)
    assert torch.equal(run.method.network.linear.weight, again.method.network.linear.weight)
    chosen = {each.subject: each.choice for each in run.decisions}
    assert chosen["network"] == "window-linear" and chosen["method"] == "forecast-ridge"
    assert "picked the best weights" not in {each.subject: each.reason for each in run.decisions}["intervals"]
    metrics = run.reports["test"].metrics
    assert metrics["mse"] < 0.5 * metrics["naive: mse"]
    assert nr.studies.evaluate(nr.load(tmp_path / "run"), data).metrics["mse"] == pytest.approx(
        metrics["mse"]
    )


def test_a_window_counts_by_the_share_of_its_steps_that_are_known():
    values = list(waves())
    for place in range(20, 120, 7):
        values[place] = None
    data = read(values)
    run = solved(data, normalizations=("none",), penalties=(20.0,))
    batch = data.train.take(slice(None))
    x, y = batch["inputs"]["series"][..., 0].double().numpy(), batch["targets"][..., 0].double().numpy()
    weights = batch["weights"].double().numpy().mean(axis=1)
    assert {round(float(each), 2) for each in weights} == {0.67, 1.0}  # one of three steps is not known
    found = run.method.predict({"series": batch["inputs"]["series"]})[..., 0].detach().numpy()

    def reference(counts):
        size = 20 * (counts @ (x**2)).mean() / counts.sum()
        return Reference(alpha=size).fit(x, y, sample_weight=counts).predict(x)

    numpy.testing.assert_allclose(found, reference(weights), atol=1e-5)
    assert abs(found - reference(numpy.ones_like(weights))).max() > 1e-3  # as if all were known


@pytest.mark.parametrize(
    ("more", "network"),
    [({}, "window-linear"), ({"loss": "huber"}, "dlinear"), ({"learning_rate": "1e-3"}, "dlinear")],
)
def test_what_only_descent_has_is_trained_in_steps(more, network):
    run = nr.studies.train(read(waves(120)), options=more, epochs=1, progress=False, evaluate=False)
    assert {each.subject: each.choice for each in run.decisions}["network"] == network


def test_what_cannot_be_solved_is_refused_by_name():
    data = read(waves(120))
    with pytest.raises(RefusalError, match="no closed form"):
        ForecastRidge(DLinear.for_data(data.inputs, data.targets))
    network = WindowLinear.for_data(data.inputs, data.targets)
    for options, said in (
        ({"normalizations": ("mean",)}, "no such normalization"),
        ({"penalties": (0.0,)}, "too small"),
        ({"folds": 1}, "too few folds"),
        ({"learning_rate": 0.1}, "does not descend"),
    ):
        with pytest.raises(OptionError, match=said):
            ForecastRidge(network, **options)
    with pytest.raises(RefusalError, match="one number of each value"):
        ForecastRidge(WindowLinear(1, 6, 3, distribution="gaussian"))


def test_a_series_that_never_changes_is_forecast_as_it_is():
    run = nr.studies.train(read([5.0] * 120), progress=False)
    assert run.reports["test"].metrics["mse"] == pytest.approx(0.0, abs=1e-8)
    assert run.method.network.linear.weight.isfinite().all()
