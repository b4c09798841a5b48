"""Components of forecasts: they add up to the prediction in units of the data; sorted quantiles, ensembles, several series."""

from __future__ import annotations

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.networks import NBEATS, Ensemble
from neurarium.studies.prediction.forecast_components import components_of

HORIZON = 6
PARTS = ("level", "trend", "seasonality")


@pytest.fixture(scope="module")
def table():
    steps, chance = numpy.arange(300), numpy.random.default_rng(0)
    wave = numpy.sin(steps / HORIZON * 2 * numpy.pi)
    return {
        "step": steps.tolist(),
        "a": 100 + 0.5 * steps + 20 * wave + chance.normal(size=300),
        "b": 5 - 0.01 * steps - wave + 0.1 * chance.normal(size=300),
    }


def trained(table, network="n-beats", quantiles=(), **options):
    data = nr.data.forecast(
        table, "all", time="step", horizon=HORIZON, lookback=18, season=HORIZON, quantiles=quantiles
    )
    return nr.studies.train(data, network, epochs=3, progress=False, **options)


INTERPRETABLE = {"stacks": ("trend", "seasonality"), "width": 16, "blocks": 1}


def test_columns_add_up_to_the_prediction(table):
    run = trained(table, options=INTERPRETABLE)
    plain = nr.studies.predict(run, table)
    frame = nr.studies.predict(run, table, components=True)
    assert frame.columns == [*plain.columns, *(f"{name}_{part}" for name in "ab" for part in PARTS)]
    for name in "ab":
        total = sum(frame[f"{name}_{part}"].to_numpy() for part in PARTS)
        numpy.testing.assert_allclose(total, frame[f"{name}_prediction"].to_numpy(), rtol=1e-5)
        numpy.testing.assert_allclose(frame[f"{name}_level"].to_numpy(), table[name][-1], rtol=1e-4)
        bent = numpy.diff(frame[f"{name}_trend"].to_numpy(), n=4)
        assert (
            abs(bent).max() < 1e-3 * abs(numpy.diff(frame[f"{name}_trend"].to_numpy())).max() + 1e-5
        )  # a cubic
    whole = numpy.fft.rfft(frame["a_seasonality"].to_numpy())
    assert abs(whole[3]) < 1e-3 * abs(whole).max()  # waves below half of the horizon


@pytest.mark.slow
def test_the_parts_are_the_trend_and_the_season_that_made_the_series():
    steps = numpy.arange(420)
    wave = 20 * numpy.sin(steps / 12 * 2 * numpy.pi) + 8 * numpy.cos(steps / 6 * 2 * numpy.pi)
    table = {"step": steps.tolist()[:408], "a": (100 + 1.0 * steps + wave)[:408]}
    data = nr.data.forecast(table, "a", time="step", horizon=12, lookback=24, season=12, calendar="none")
    options = {
        "stacks": ("trend", "seasonality"),
        "width": 32,
        "blocks": 3,
        "degree": 2,
        "learning_rate": 3e-3,
    }
    run = nr.studies.train(data, "n-beats", epochs=100, progress=False, evaluate=False, options=options)
    frame = nr.studies.predict(run, table, components=True)
    season, trend = frame["seasonality"].to_numpy(), frame["trend"].to_numpy()
    assert numpy.corrcoef(season, wave[408:])[0, 1] > 0.99
    assert numpy.ptp(trend) == pytest.approx(11, rel=0.4)
    assert abs(frame["prediction"].to_numpy() - (100 + steps + wave)[408:]).max() < 1


def test_of_quantiles_that_cross_it_is_the_middle_one_that_is_split(table):
    run = trained(table, quantiles=(0.1, 0.5, 0.9), options=INTERPRETABLE)
    block = run.network.stacks[0][0].theta_ahead
    with torch.no_grad():  # the numbers of a value stand side by side: turn them round
        block.weight.copy_(block.weight.unflatten(0, (-1, 3)).flip(1).flatten(0, 1) * 9)
    frame = nr.studies.predict(run, table, components=True)
    for name in "ab":
        total = sum(frame[f"{name}_{part}"].to_numpy() for part in PARTS)
        numpy.testing.assert_allclose(total, frame[f"{name}_q0.5"].to_numpy(), rtol=1e-5)


def test_an_ensemble_has_the_means_of_its_members(table):
    run = trained(table, options=INTERPRETABLE)
    torch.manual_seed(3)
    members = [run.network, NBEATS(2, 18, HORIZON, stacks=("trend", "seasonality"), width=4)]
    inputs = {"series": torch.randn(3, 18, 2)}
    each = []
    for network in (*members, Ensemble(members)):
        run.method.network = network
        each.append(components_of(run.method, inputs, run.targets))
    for part in PARTS:
        torch.testing.assert_close(each[2][part], (each[0][part] + each[1][part]) / 2, rtol=1e-5, atol=1e-5)
    run.method.network = Ensemble([members[0], nr.networks.DLinear(2, 18, HORIZON, kernel=3)])
    assert set(components_of(run.method, inputs, run.targets)) == set(
        PARTS
    )  # of other kinds, but the same names
    run.method.network = Ensemble([members[0], nr.networks.NLinear(2, 18, HORIZON)])
    assert components_of(run.method, inputs, run.targets) == {}


def test_several_series_each_in_its_own_unit(table):
    steps = table["step"]
    long = polars.concat(
        [polars.DataFrame({"step": steps, "name": name, "value": table[name]}) for name in ("a", "b")]
    )
    data = nr.data.forecast(long, "value", time="step", series="name", horizon=HORIZON, lookback=18)
    run = nr.studies.train(data, "dlinear", epochs=2, progress=False)
    frame = nr.studies.predict(run, long, components=True)
    parts = [each for each in ("level", "trend", "seasonality", "covariates") if each in frame.columns]
    assert len(parts) >= 3
    numpy.testing.assert_allclose(frame.select(parts).sum_horizontal(), frame["prediction"], rtol=1e-4)
    assert frame.filter(polars.col("name") == "a")["level"].min() > 50
    assert frame.filter(polars.col("name") == "b")["level"].max() < 10


def test_where_there_are_no_parts_it_is_refused(table):
    run = trained(table, "nlinear", evaluate=False)
    with pytest.raises(RefusalError, match="NLinear is not a sum of parts"):
        nr.studies.predict(run, table, components=True)
    classes = nr.studies.train(nr.data.load("iris"), "mlp", epochs=1, progress=False, evaluate=False)
    with pytest.raises(OptionError, match="parts of a forecast"):
        nr.studies.predict(classes, {name: [5.0] for name in classes.preparation.sources}, components=True)
