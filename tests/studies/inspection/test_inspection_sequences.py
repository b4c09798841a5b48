"""Series, pairs of texts, and other data in memory: what is planted is found, and nothing where nothing is."""

from __future__ import annotations

import numpy
import polars
import pytest

import neurarium as nr
from neurarium.cli.main import main
from neurarium.studies import check_data

STEPS = 600


def history(**change):
    chance = numpy.random.default_rng(0)
    wave = 10 + numpy.sin(numpy.arange(STEPS) * 2 * numpy.pi / 24) + 0.1 * chance.normal(size=STEPS)
    frame = {"hour": list(range(STEPS)), "load": wave, "wind": chance.normal(size=STEPS)}
    return {**frame, **{name: make(numpy.array(frame[name])) for name, make in change.items()}}


def checked(frame, **options):
    return check_data(
        nr.data.forecast(frame, "all", time="hour", horizon=12, lookback=48, **options), timing=False
    )


def put(low, high, value):
    def change(values):
        values = values.astype(float)
        values[low:high] = value
        return values

    return change


def test_nothing_is_found_in_sound_series():
    found = checked(history())
    assert not found.findings
    assert found.facts["series"]["channels"] == ["load", "wind"]
    assert found.facts["series"]["missing"] == {"train": 0.0, "validation": 0.0, "test": 0.0}


@pytest.mark.parametrize(
    ("change", "kind", "severity"),
    [
        ({"load": put(500, 600, 20.0)}, "level", "warning"),
        ({"load": put(100, 160, 10.123)}, "stuck", "note"),
        ({"load": put(200, 201, 500.0)}, "outliers", "note"),
        ({"load": lambda values: numpy.full(STEPS, 3.0)}, "constant", "warning"),
        ({"load": put(60, 120, numpy.nan)}, "missing", "note"),
        ({"load": put(60, 240, numpy.nan)}, "missing", "warning"),
    ],
)
def test_what_is_wrong_with_a_series_is_named(change, kind, severity):
    found = checked(history(**change)).of(kind)
    assert [each.severity for each in found] == [severity]
    assert kind == "missing" or found[0].subject == "series load"
    assert found[0].action and found[0].matters


def test_a_level_is_told_in_deviations_and_its_side():
    (found,) = checked(history(load=put(500, 600, 20.0))).of("level")
    assert "above" in found.seen and "test" in found.seen and found.numbers["apart"]["test"] > 2


def test_nights_without_sun_are_not_stuck_and_few_windows_are_told():
    sun = history(load=lambda values: numpy.where(numpy.arange(STEPS) % 100 < 60, 0.0, values))
    assert not checked(sun).of("stuck")
    short = {name: values[:150] for name, values in history().items()}
    assert [each.severity for each in checked(short).of("few windows")] == ["warning"]


def test_series_that_are_too_short_or_begin_too_late_are_named():
    lengths = {"long": (0, 200), "twin": (0, 200), "stub": (0, 20), "late": (140, 60)}
    rows = [(name, hour) for name, (first, count) in lengths.items() for hour in range(first, first + count)]
    frame = {"shop": [name for name, _ in rows], "hour": [hour for _, hour in rows],
             "load": [float(hour % 24) + hour % 7 for _, hour in rows]}  # fmt: skip

    def looked_at(chosen):
        kept = [place for place, (name, _) in enumerate(rows) if name in chosen]
        held = {key: [column[place] for place in kept] for key, column in frame.items()}
        made = nr.data.forecast(held, "load", time="hour", series="shop", horizon=12, lookback=24)
        return check_data(made, timing=False)

    (short,) = looked_at(lengths).of("short series")
    assert short.severity == "warning" and short.numbers == {"series": 1}
    assert short.seen.endswith("together, 36 steps: stub") and "1 of 4" in short.seen
    (late,) = looked_at(lengths).of("late series")
    assert late.seen.endswith(": late") and late.numbers == {"series": 1}
    whole = looked_at(("long", "twin"))
    assert not whole.of("short series") and not whole.of("late series")


def test_pairs_of_texts_that_teach_the_wrong_thing():
    rows = {
        "en": [f"sentence number {n} is here" for n in range(200)],
        "de": [f"Satz Nummer {n} steht hier" for n in range(200)],
    }
    split = {"train": range(150), "validation": range(150, 175), "test": range(175, 200)}
    clean = nr.data.text_pairs(rows, text="en", target="de", tokenizer="words", split=split)
    found = check_data(clean, timing=False)
    assert not found.findings and found.facts["texts"]["read"]["median"] == 5
    rows["de"][3] = rows["en"][3]
    rows["de"][4] = "ja"
    rows["en"][4] = "yes " * 12
    for place in range(180, 190):
        rows["en"][place] = rows["en"][place - 170]
    found = check_data(
        nr.data.text_pairs(rows, text="en", target="de", tokenizer="words", split=split), timing=False
    )
    assert found.of("equal")[0].where == (4,) and found.of("lengths")[0].where == (5,)
    (again,) = found.of("duplicates across splits")
    assert again.severity == "error" and again.numbers == {"examples": 10, "measured": 50}


def test_series_that_are_there_twice_and_those_with_two_classes():
    chance = numpy.random.default_rng(0)
    waves = [chance.normal(size=20) for _ in range(120)]
    split = {"train": range(80), "validation": range(80, 100), "test": range(100, 120)}
    labels = [str(number % 2) for number in range(120)]
    assert not check_data(nr.data.series(waves, labels, split=split), timing=False).findings
    waves[105], waves[110] = waves[5], waves[11]  # 105 is of class 1, as 5 is; 110 of 0, and 11 of 1
    for number in range(20, 24):
        waves[number] = waves[20]
    found = check_data(nr.data.series(waves, labels, split=split), timing=False)
    (across,) = found.of("duplicates across splits")
    assert across.severity == "warning" and across.numbers == {"examples": 2, "measured": 40}
    assert found.of("duplicates")[0].numbers == {"repeated": 3}
    assert found.of("conflicting labels")[0].numbers == {"inputs": 2}


def test_arrays_are_looked_at_too():
    inputs = numpy.random.default_rng(0).normal(size=(60, 4)).astype(numpy.float32)
    inputs[50:] = inputs[:10]
    split = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}
    data = nr.data.arrays(inputs, numpy.arange(60) % 3, split=split)
    assert check_data(data, timing=False).of("duplicates across splits")[0].severity == "error"


def test_the_command_says_it(tmp_path, capfd):
    path = tmp_path / "load.csv"
    polars.DataFrame(history(load=put(500, 600, 20.0))).write_csv(path)
    line = ["check", str(path), "--time", "hour", "--target", "load", "--horizon", "12", "--no-timing"]
    assert main([*line, "--out", str(tmp_path / "check.html")]) == 0
    page = (tmp_path / "check.html").read_text()
    assert "steps forecast" in page and "its mean lies elsewhere" in page
    assert "its mean lies elsewhere than in training" in " ".join(capfd.readouterr().out.split())
