"""Forecasting from the command line, on a long table with covariates: train, evaluate, predict, report, rolling origin."""

from __future__ import annotations

import numpy
import polars
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("forecast")
    days = polars.date_range(polars.date(2023, 1, 1), polars.date(2023, 9, 27), eager=True).cast(
        polars.String
    )
    chance, parts = numpy.random.default_rng(0), []
    for shop, level in (("north", 20.0), ("south", 300.0)):
        holiday = (numpy.arange(len(days)) % 10 == 0).astype(int)
        sold = level * (1 + 0.3 * numpy.sin(numpy.arange(len(days)) / 7 * 2 * numpy.pi) + 0.5 * holiday)
        sold = sold + 0.02 * level * chance.normal(size=len(days))
        parts.append(polars.DataFrame({"day": days, "shop": shop, "holiday": holiday, "sold": sold}))
    table = polars.concat(parts)
    table.write_csv(place / "shops.csv")
    later = polars.date_range(polars.date(2023, 9, 28), polars.date(2023, 10, 4), eager=True).cast(
        polars.String
    )
    known = [
        polars.DataFrame({"day": later, "shop": shop, "holiday": [0, 1, 0, 0, 0, 0, 0]})
        for shop in ("north", "south")
    ]
    polars.concat([table, *known], how="diagonal").write_csv(place / "known.csv")
    return place


def line(folder, out):
    return ("train", folder / "shops.csv", "--time", "day", "--target", "sold", "--series", "shop", "--horizon", "7",
            "--future", "holiday", "--epochs", "25", "--set", "learning_rate=1e-2", "--out", out, "-q")  # fmt: skip


def test_from_a_table_to_what_comes_next(folder, tmp_path, run_line):
    code, said, _ = run_line(*line(folder, tmp_path / "run"))
    assert code == 0
    metrics = said["metrics"]["test"]
    assert metrics["mase"] < 0.5 * metrics["seasonal naive: mase"], (
        "holidays are known beforehand, and 7 days are a season"
    )
    code, said, _ = run_line(
        "predict", tmp_path / "run", "--input", folder / "known.csv", "--output", tmp_path / "next.csv"
    )
    assert code == 0 and said["rows"] == 14
    found = polars.read_csv(tmp_path / "next.csv")
    assert found.columns == ["shop", "day", "prediction", "low", "high"]
    assert found["day"].to_list()[:2] == ["2023-09-28", "2023-09-29"]
    north = found.filter(polars.col("shop") == "north")
    table = polars.read_csv(folder / "known.csv")
    usual = table.with_columns(
        holiday=polars.when(table["sold"].is_null()).then(0).otherwise(table["holiday"])
    )
    usual.write_csv(tmp_path / "usual.csv")
    run_line(
        "predict", tmp_path / "run", "--input", tmp_path / "usual.csv", "--output", tmp_path / "other.csv"
    )
    other = polars.read_csv(tmp_path / "other.csv").filter(polars.col("shop") == "north")
    gain = (north["prediction"] - other["prediction"]).to_list()
    assert gain[1] > 3, "the holiday alone"
    assert max(map(abs, [gain[0], *gain[2:]])) < 1e-3
    assert (found["low"] < found["prediction"]).all() and (found["prediction"] < found["high"]).all()
    code, said, _ = run_line("evaluate", tmp_path / "run")
    assert code == 0 and said["metrics"]["mse"] == pytest.approx(metrics["mse"])
    code, said, _ = run_line("evaluate", tmp_path / "run", "--input", folder / "shops.csv")
    assert code == 0 and said["examples"] == 2 * (270 - 21 - 7 + 1)


def test_the_report_shows_windows_bands_and_the_naive_forecasts(folder, tmp_path, run_line):
    code, _, _ = run_line(*line(folder, tmp_path / "run"))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert code == 0
    assert page.count('class="band"') == 6 and "Error by step" in page
    assert "repeating the last season" in page and "from 2023-0" in page
    assert "the next 7 of sold" in page
    card = (tmp_path / "run" / "card.md").read_text(encoding="utf-8")
    assert "forecast of the next 7 steps of sold" in card


def test_the_trend_and_the_season_of_a_forecast_can_be_seen(folder, tmp_path, run_line):
    run = tmp_path / "run"
    options = ("--network", "n-beats", "--set", "stacks=trend,seasonality", "--set", "width=16")
    code, _, error = run_line(*line(folder, run)[:-7], "--epochs", "2", *options, "--out", run, "-q")
    assert code == 0, error
    code, said, _ = run_line("predict", run, "--input", folder / "known.csv", "--components", "--output", tmp_path / "next.csv")  # fmt: skip
    parts = ["level", "trend", "seasonality", "covariates"]
    assert code == 0 and said["columns"] == ["shop", "day", "prediction", "low", "high", *parts]
    found = polars.read_csv(tmp_path / "next.csv")
    numpy.testing.assert_allclose(found.select(parts).sum_horizontal(), found["prediction"], rtol=1e-4)
    code, said, _ = run_line("predict", run, "--input", folder / "known.csv", "--components", "--out", tmp_path / "x")  # fmt: skip
    assert code == 2 and "columns of a table of forecasts" in said["error"]["problem"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("the level of the window, plus these parts.") == 6
    assert page.count("seasonality</span>") == 6 and 'class="line series-2"' in page


def test_what_is_not_known_of_the_future_is_asked_for(folder, tmp_path, run_line):
    run_line(*line(folder, tmp_path / "run"))
    code, said, _ = run_line("predict", tmp_path / "run", "--input", folder / "shops.csv")
    assert code == 2 and "holiday are not known for the 7 steps to come" in said["error"]["problem"]
    assert "targets left empty" in said["error"]["fix"]


def test_a_rolling_origin_from_the_shell(folder, tmp_path, run_line):
    words = (
        "--time",
        "day",
        "--target",
        "sold",
        "--series",
        "shop",
        "--horizon",
        "7",
        "--set",
        "lookback=14",
        "--epochs",
        "3",
    )
    code, said, _ = run_line(
        "cross-validate", folder / "shops.csv", *words, "--folds", "3", "--out", tmp_path / "folds", "-q"
    )
    assert code == 0 and said["how"] == "rolling origin" and len(said["folds"]) == 3
    assert said["means"]["mase"]["mean"] == pytest.approx(
        numpy.mean([each["mase"] for each in said["folds"]])
    )
    assert polars.read_csv(tmp_path / "folds" / "predictions.csv").columns[:3] == ["fold", "shop", "day"]
    code, said, _ = run_line(
        "cross-validate", folder / "shops.csv", *words, "--how", "random", "--out", tmp_path / "no"
    )
    assert code == 2 and "what comes after it" in said["error"]["problem"]


def test_thirty_rows_are_forecast_in_closed_form_and_their_report_has_no_band(tmp_path, run_line):
    hours = polars.datetime_range(
        polars.datetime(2024, 1, 1), polars.datetime(2024, 1, 2, 5), "1h", eager=True
    ).cast(polars.String)
    polars.DataFrame({"t": hours, "y": [float(n % 5) for n in range(30)]}).write_csv(tmp_path / "short.csv")
    code, said, error = run_line(
        "train",
        tmp_path / "short.csv",
        "--time",
        "t",
        "--target",
        "y",
        "--horizon",
        "4",
        "--out",
        tmp_path / "run",
    )
    assert code == 0, error
    assert said["metrics"]["test"]["mae"] < 0.05, "it repeats every five rows"
    report = (tmp_path / "run" / "report.html").read_text()
    assert "forecast of y" in report and 'class="band"' not in report
    code, said, _ = run_line(
        "predict", tmp_path / "run", "--input", tmp_path / "short.csv", "--output", tmp_path / "next.csv"
    )
    assert code == 0 and said["rows"] == 4
    assert polars.read_csv(tmp_path / "next.csv")["prediction"].to_list() == pytest.approx(
        [0.0, 1.0, 2.0, 3.0], abs=0.3
    )


def test_the_default_for_shops_with_holidays_is_solved_and_knows_them(folder, tmp_path, run_line):
    words = [str(each) for each in line(folder, tmp_path / "run")]
    place = words.index("--epochs")
    del words[place : place + 4]
    code, said, _ = run_line(*words)
    assert code == 0
    metrics = said["metrics"]["test"]
    assert metrics["mase"] < 0.15 < 0.9 < metrics["seasonal naive: mase"]
    code, said, _ = run_line(
        "predict", tmp_path / "run", "--input", folder / "known.csv", "--output", tmp_path / "next.csv"
    )
    south = (
        polars.read_csv(tmp_path / "next.csv").filter(polars.col("shop") == "south")["prediction"].to_numpy()
    )
    steps = numpy.arange(270, 277)
    wanted = 300 * (1 + 0.3 * numpy.sin(steps / 7 * 2 * numpy.pi) + 0.5 * (steps % 10 == 1))
    assert code == 0 and abs(south - wanted).max() < 25, (
        "of 150: every tenth day was one, so that the window alone could tell"
    )


def test_a_rate_is_looked_for_where_the_default_has_none(folder, run_line):
    words = ("--time", "day", "--target", "sold", "--series", "shop", "--horizon", "7", "--steps", "30")
    code, said, shown = run_line("learning-rate", folder / "shops.csv", *words)
    assert code == 0 and 1e-6 < said["suggestion"] < 10
    assert "solves in one step and has no rate; this is of DLinear" in shown
    assert "--method supervised --set learning_rate=" in shown


def test_series_too_short_to_learn_from_are_said(folder, tmp_path, run_line):
    table = polars.read_csv(folder / "shops.csv")
    new = table.filter(polars.col("shop") == "north").tail(10).with_columns(shop=polars.lit("new"))
    polars.concat([table, new]).write_csv(tmp_path / "three.csv")
    words = line(folder, tmp_path / "run")[2:-1]  # all but the table and -q
    code, _, told = run_line("train", tmp_path / "three.csv", *words)
    assert code == 0
    assert "left out 1 of 3 series: shorter than a look-back and a horizon together" in " ".join(told.split())
