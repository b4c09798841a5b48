"""Series from tables: windows, splits by time, units of the training part, and every rule for odd time stamps."""

from __future__ import annotations

import datetime

import numpy
import pytest
import torch

from neurarium.core.errors import DataError, OptionError
from neurarium.data import forecast, load_preparation
from neurarium.data.specs import Horizon, Window


def hours(count: int, start: str = "2024-01-01") -> list[str]:
    begin = datetime.datetime.fromisoformat(start)
    return [str(begin + datetime.timedelta(hours=n)) for n in range(count)]


def frame(count: int = 200, **more) -> dict:
    values = numpy.sin(numpy.arange(count) / 24 * 2 * numpy.pi) * 10 + 50 + 0.01 * numpy.arange(count)
    return {"when": hours(count), "load": values, **more}


def decided(dataset, subject: str) -> str:
    return next(str(each.choice) for each in dataset.decisions if each.subject == subject)


def test_windows_are_the_rows_in_order_and_standardized_by_the_training_part():
    table = frame()
    data = forecast(table, time="when", horizon=5, lookback=20, calendar="none")
    assert data.inputs == Window(1, 20, 5) and isinstance(data.targets, Horizon)
    assert [len(part) for part in data.splits.values()] == [140 - 24, 26, 26]
    raw = torch.tensor(table["load"])
    mean, scale = raw[:140].mean(), raw[:140].std(correction=0)
    assert data.targets.mean[0] == pytest.approx(float(mean)) and data.targets.scale[0] == pytest.approx(
        float(scale)
    )
    batch = data.test.take([0, 25])
    whole = torch.cat([batch["inputs"]["series"], batch["targets"]], dim=1)[..., 0]
    wanted = torch.stack([raw[150:175], raw[175:200]])
    torch.testing.assert_close(whole, ((wanted - mean) / scale).float())
    torch.testing.assert_close(
        data.targets.original(batch["targets"])[..., 0], wanted[:, 20:], atol=1e-4, rtol=1e-6
    )
    assert data.rows["test"].tolist() == list(range(170, 196))  # where the horizons begin


def test_no_target_of_a_split_lies_in_another_and_none_of_training_is_later():
    data = forecast(frame(), time="when", horizon=5, lookback=20)
    ends = {name: data.rows[name].max() + 5 for name in data.splits}
    assert ends["train"] <= data.rows["validation"].min() and ends["validation"] <= data.rows["test"].min()


def test_the_future_changes_neither_scale_nor_training_windows():
    one, two = frame(), frame()
    two["load"] = two["load"].copy()
    two["load"][140:] = 1e6
    first, second = (forecast(each, time="when", horizon=5, lookback=20) for each in (one, two))
    assert first.targets.mean == second.targets.mean
    assert torch.equal(first.train.targets, second.train.targets)


def test_several_columns_and_borders_as_published():
    table = frame(price=numpy.arange(200.0), name=["x"] * 200)
    data = forecast(table, "all", time="when", horizon=5, lookback=20, borders=(100, 150, 200))
    assert data.targets.names == ("load", "price")
    assert [len(part) for part in data.splits.values()] == [76, 46, 46]
    assert decided(data, "other columns") == "left out: name"
    with pytest.raises(OptionError, match="not said what to forecast"):
        forecast(table, time="when", horizon=5)
    words = {"when": table["when"], "load": ["warm"] * 200}
    for target in (None, "all"):
        with pytest.raises(DataError, match=r"no column of numbers to forecast(.|\n)*'warm' in 'load'"):
            forecast(words, target, time="when", horizon=5)


def test_covariates_stand_beside_the_series():
    table = frame(wind=numpy.arange(200.0), holiday=[n % 7 == 0 for n in range(200)])
    data = forecast(table, "load", time="when", horizon=5, lookback=20, past=("wind",), future=("holiday",),
                    calendar=("hour",))  # fmt: skip
    assert data.inputs.past == ("wind",) and data.inputs.future == ("holiday", "hour sine", "hour cosine")
    batch = data.train.take([0])["inputs"]
    assert batch["past"].shape == (1, 20, 1) and batch["future"].shape == (1, 25, 3)
    wind, mean, scale = torch.arange(20.0), 69.5, torch.arange(140.0).std(correction=0)
    torch.testing.assert_close(batch["past"][0, :, 0], (wind - mean) / scale)
    assert batch["future"][0, 6, 1:].tolist() == pytest.approx([1.0, 0.0], abs=1e-6)  # six o'clock


def test_a_long_table_of_several_series_has_units_of_its_own():
    one, two = frame(120), frame(150)
    table = {
        "when": one["when"] + two["when"],
        "load": [*one["load"], *(1000 + 10 * numpy.asarray(two["load"]))],
        "shop": ["a"] * 120 + ["b"] * 150,
    }
    data = forecast(table, "load", time="when", series="shop", horizon=5, lookback=20)
    assert data.inputs.ids == 3 and data.inputs.own_units and data.targets.mean == ()
    batch = data.train.take(slice(None))
    assert batch["inputs"]["id"].unique().tolist() == [1, 2]
    means = [batch["inputs"]["unit"][batch["inputs"]["id"] == each][0, 0, 0].item() for each in (1, 2)]
    assert means[1] == pytest.approx(1000 + 10 * means[0], rel=0.01)
    values = data.targets.original(batch["targets"], batch["inputs"]["unit"])
    assert values[batch["inputs"]["id"] == 2].min() > 1000
    starts = data.train.batch["start"][data.train.batch["series"] == 1]
    assert int(starts.min()) == 120, "no window crosses from one series into the next"


def test_a_new_series_is_measured_by_what_is_given_of_it(tmp_path):
    table = {**frame(), "shop": ["a"] * 200}
    data = forecast(table, "load", time="when", series="shop", horizon=5, lookback=20, scaling="series")
    data.preparation.save(tmp_path)
    other = {"when": hours(40), "load": numpy.arange(40.0), "shop": ["new"] * 40}
    batch, notes = load_preparation(tmp_path).apply(other)
    assert batch["inputs"]["id"].tolist() == [0] and notes["ids"] == ["new"]
    assert batch["inputs"]["unit"][0, 0, 0].item() == pytest.approx(19.5)


def test_memory_holds_the_values_once():
    data = forecast(frame(5000), time="when", horizon=50, lookback=500, calendar="none")
    held = sum(each.numel() for each in data.train.cut.held.values() if each is not None)
    assert held <= 5002 and len(data.train) > 2000, "windows are views"


# ---------------------------------------------------------------------------------------------- odd time stamps


def test_rows_out_of_order_are_sorted_and_it_is_said():
    table = frame()
    order = numpy.random.default_rng(0).permutation(200)
    mixed = {"when": [table["when"][n] for n in order], "load": table["load"][order]}
    one, two = (forecast(each, time="when", horizon=5, lookback=20) for each in (table, mixed))
    assert torch.equal(one.test.targets, two.test.targets)
    assert decided(two, "order") == "sorted by time"
    assert two.rows["test"].tolist() == [order.tolist().index(n) for n in range(170, 196)]


def test_gaps_are_filled_forward_and_do_not_count_as_targets():
    table = frame()
    keep = [n for n in range(200) if n not in (50, 51, 180)]
    cut = {"when": [table["when"][n] for n in keep], "load": table["load"][keep]}
    data = forecast(cut, time="when", horizon=5, lookback=20)
    assert decided(data, "gaps") == "3 steps put in" and decided(data, "missing values") == "filled forward"
    values = data.targets.original(data.train.cut.held["values"][None])[0, :, 0]
    assert values[50] == pytest.approx(table["load"][49], rel=1e-5), "the last value before, never one after"
    batch = data.test.take([10])
    assert batch["weights"].tolist() == [[0.0, 1.0, 1.0, 1.0, 1.0]]


def test_copies_of_a_row_are_left_out_and_other_rows_of_its_time_refused():
    table = frame()
    table["when"].append(table["when"][-1])
    same = {**table, "load": [*table["load"], table["load"][-1]]}
    assert decided(forecast(same, time="when", horizon=5), "rows of one time") == "copies left out"
    other = {**table, "load": [*table["load"], 0.0]}
    with pytest.raises(DataError, match="several rows have one time") as caught:
        forecast(other, time="when", horizon=5)
    assert "rows 200 and 201" in str(caught.value) and "--series COLUMN" in caught.value.fix
    averaged = forecast(other, time="when", horizon=5, duplicates="mean")
    last = averaged.targets.original(averaged.test.targets)[-1, -1, 0]
    assert float(last) == pytest.approx(table["load"][199] / 2, rel=1e-5)


def test_the_hour_that_comes_twice_in_autumn_and_the_one_that_spring_lacks():
    """Wall-clock hours of Berlin over both changes, beside the same hours in UTC."""
    zone = "Europe/Berlin"
    import zoneinfo

    begin = datetime.datetime(2024, 3, 25, tzinfo=datetime.UTC)
    moments = [begin + datetime.timedelta(hours=n) for n in range(24 * 225)]
    wall = [f"{each.astimezone(zoneinfo.ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}" for each in moments]
    values = numpy.arange(float(len(moments)))
    with pytest.raises(DataError, match="one time") as caught:
        forecast({"when": wall, "load": values}, time="when", horizon=5)
    assert "zone=Europe/Berlin" in caught.value.fix
    data = forecast({"when": wall, "load": values}, time="when", horizon=5, zone=zone)
    assert "gaps" not in [each.subject for each in data.decisions]
    found = data.targets.original(data.test.take(slice(None))["inputs"]["series"])[0, :, 0]
    assert torch.allclose(found.diff(), torch.ones(1, dtype=torch.float64), atol=0.05)
    assert data.preparation.axis.stamps(numpy.array([0]))[0] == "2024-03-25T01:00:00+01:00"


def test_an_hour_that_a_clock_without_a_zone_leaves_out_in_spring_is_told():
    def told(first, gap):
        begin = datetime.datetime.fromisoformat(first)
        moments = [begin + datetime.timedelta(hours=n) for n in range(400)]
        kept = [each for each in moments if str(each) not in gap]
        values = numpy.sin(numpy.arange(float(len(kept))))
        data = forecast({"when": [str(each) for each in kept], "load": values}, time="when", horizon=5)
        return next(each for each in data.decisions if each.subject == "gaps")

    spring = told("2024-03-25", {"2024-03-31 02:00:00"})
    assert "clocks are put forward" in spring.reason and "--set zone=" in spring.override
    for first, gap in (
        ("2024-03-25", {"2024-03-30 02:00:00"}),  # a Saturday
        ("2024-03-25", {"2024-03-31 12:00:00"}),
        ("2024-03-25", {"2024-03-31 02:00:00", "2024-03-31 03:00:00"}),
    ):
        assert "clocks" not in told(first, gap).reason and told(first, gap).override == "--set step="


def test_new_rows_may_write_their_times_in_another_way():
    table = frame(240)
    preparation = forecast(table, time="when", horizon=5).preparation
    short = [each.replace(":00:00", ":00") for each in table["when"]]
    german = [f"{datetime.datetime.fromisoformat(each):%d.%m.%Y %H:%M}" for each in table["when"]]
    wanted, told = preparation.apply(table)
    for way in (short, german):
        batch, notes = preparation.apply({**table, "when": way})
        assert torch.equal(batch["inputs"]["series"], wanted["inputs"]["series"])
        assert notes["future"][0].to_list() == told["future"][0].to_list()
    with pytest.raises(DataError, match="gives no time"):
        preparation.apply({**table, "when": [*short[:-1], "soon"]})


def test_irregular_steps_are_refused_or_averaged():
    chance = numpy.random.default_rng(0)
    begin = datetime.datetime(2024, 1, 1)
    seconds = numpy.sort(chance.uniform(0, 20 * 86400, 4000))
    table = {
        "when": [str(begin + datetime.timedelta(seconds=float(each))) for each in seconds],
        "load": seconds,
    }
    with pytest.raises(DataError, match="irregular"):
        forecast(table, time="when", horizon=5)
    data = forecast(table, time="when", horizon=5, step="1h")
    assert data.summary["step"] == "1 h"
    first = data.targets.original(data.train.cut.held["values"][None])[0, 0, 0]
    assert float(first) == pytest.approx(seconds[seconds < 3600].mean(), rel=1e-3)


def test_missing_stamps_leave_their_rows_out():
    table = frame()
    table["when"][10] = None
    data = forecast(table, time="when", horizon=5)
    assert decided(data, "rows without a time") == "1 left out" and decided(data, "gaps") == "1 step put in"


@pytest.mark.parametrize(
    ("change", "options", "match", "fix"),
    [
        ({}, {"horizon": 300}, "too long for a series", "horizon of 33 steps or fewer, or more of the past"),
        (
            {},
            {"horizon": 80},
            "too long for a series",
            "33 steps or fewer; or no validation part: --validation 0",
        ),
        ({}, {"horizon": 5, "lookback": 150}, "do not fit", "--set lookback=67"),
        ({"load": ["high"] * 200}, {"target": "load"}, "does not hold numbers", "choose a column of numbers"),
        (
            {"load": ["3"] * 40 + ["off line", "4"] * 80},
            {"target": "load"},
            r"'off line' in row 41 \(80 such values\)",
            "--set 'missing=off line'",
        ),
        ({"load": [None] * 200}, {"target": "load"}, "every value of load is missing", "another --target"),
        ({}, {"time": "date"}, "there is no column", None),
        ({}, {"past": ("wind",)}, "there is no", None),
        ({}, {"target": "when"}, "two roles", "name another column"),
        ({}, {"quantiles": (0.9, 0.1)}, "quantiles are wrong", None),
        ({}, {"borders": (5, 3, 2)}, "borders are wrong", None),
        ({}, {"horizon": 0}, "horizon is too short", None),
        ({}, {"zone": "Europe/Atlantis"}, "no such time zone", "did you mean"),
        ({}, {"zone": "new york"}, "no such time zone", "did you mean --set zone=America/New_York?"),
        ({}, {"calendar": ("moon",)}, "rhythm of the calendar", None),
        ({"shop": ["a"] * 199 + [None]}, {"series": "shop", "target": "load"}, "which series", "fill it in"),
    ],
)
def test_mistakes_are_named(change, options, match, fix):
    with pytest.raises((DataError, OptionError), match=match) as caught:
        forecast({**frame(), **change}, **{"time": "when", "horizon": 5, **options})
    assert fix is None or fix in caught.value.fix


def test_a_constant_series_has_the_scale_one_and_it_is_said():
    data = forecast({**frame(), "load": [3.0] * 200}, time="when", horizon=5)
    assert decided(data, "constant series") == "load" and data.targets.scale == (1.0,)
    assert data.train.targets.abs().max() == 0


def test_the_season_and_the_look_back_are_chosen_from_the_training_part():
    data = forecast(frame(600), time="when", horizon=5)
    assert decided(data, "season") == "24 steps" and data.inputs.lookback == 48
    given = forecast(frame(600), time="when", horizon=5, season=7)
    assert given.targets.season == 7


def test_the_seasonal_naive_forecast_repeats_the_last_season():
    data = forecast(frame(600), time="when", horizon=30, lookback=6, season=24)
    cut, start = data.test.cut, int(data.test.batch["start"][0])
    found = data.test.seasonal(data.test.subset([0]).batch, 24)[0, :, 0]
    values, now = cut.held["values"][:, 0], start + 6
    wanted = torch.cat([values[now - 24 : now], values[now - 24 : now - 18]])
    assert torch.equal(found, wanted), "it reaches back beyond the look-back"


def test_what_was_saved_reads_the_same_and_writes_what_comes_next(tmp_path):
    table = frame(wind=numpy.arange(200.0))
    data = forecast(table, "load", time="when", horizon=3, lookback=20, future=("wind",))
    data.preparation.save(tmp_path)
    loaded = load_preparation(tmp_path)
    assert loaded.specs == (data.inputs, data.targets)
    more = {"when": hours(203), "load": [*table["load"], None, None, None], "wind": numpy.arange(203.0)}
    batch, notes = loaded.apply(more)
    assert notes["future"][0].to_list() == hours(203)[-3:]
    assert torch.equal(batch["inputs"]["series"][0, -3:], data.test.take([len(data.test) - 1])["targets"][0])
    want = (torch.arange(180.0, 203.0) - 69.5) / torch.arange(140.0).std(correction=0)
    torch.testing.assert_close(batch["inputs"]["future"][0, :, 0], want, atol=1e-5, rtol=1e-5)
    with pytest.raises(DataError, match="not known for the 3 steps to come"):
        loaded.apply(table)
    with pytest.raises(DataError, match="no series is long enough"):
        loaded.apply({"when": hours(10), "load": [1.0] * 10, "wind": [1.0] * 10})
