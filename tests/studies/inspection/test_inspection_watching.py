"""Traces: what is planted in labels, stamps and values is found, and nothing where nothing is."""

from __future__ import annotations

import numpy
import polars
import pytest

import neurarium as nr
from neurarium.cli.main import main
from neurarium.studies import check_data

LENGTH = 2000


def wave():
    chance = numpy.random.default_rng(0)
    return 20 + 5 * numpy.sin(numpy.arange(LENGTH) / 12) + 0.3 * chance.normal(size=LENGTH)


def checked(values=None, minutes=None, windows=(), **options):
    frame = {
        "minute": numpy.arange(float(LENGTH)) if minutes is None else minutes,
        "value": wave() if values is None else values,
    }
    labels = {"trace": [list(each) for each in windows]} if windows else None
    return check_data(nr.data.traces(frame, "value", time="minute", labels=labels, **options), timing=False)


def put(low, high, value):
    values = wave()
    values[low:high] = value
    return values


def test_nothing_is_found_in_a_sound_trace_and_its_facts_are_told():
    found = checked(windows=[(900, 1000), (1500, 1549)])
    assert not found.findings
    assert found.facts["traces"] == {
        "traces": 1, "moments": LENGTH, "windows": 2, "labelled": 151 / LENGTH, "learned_from": 0.15,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("windows", "severity", "told"),
    [
        ([(100, 200), (900, 1000)], "warning", "1 window lies within what is learned from: trace from moment 101"),
        ([(1900, 2400)], "warning", "1 begin before the first moment of their trace or end behind the last"),
        ([(400, 1000)], "note", "they hold 30.0 % of the moments"),
        ([(400, 1700)], "warning", "they hold 65.0 % of the moments"),
    ],
)  # fmt: skip
def test_labels_that_judge_wrongly_are_named(windows, severity, told):
    (found,) = checked(windows=windows).of("labels")
    assert found.severity == severity and told in found.seen and found.action


@pytest.mark.parametrize(
    ("values", "kind", "severity", "numbers"),
    [
        (put(600, 700, 21.3), "stuck", "note", {"moments": 100}),
        (put(100, 101, 500.0), "outliers", "note", {"values": 1}),
        (put(0, 300, 20.0), "constant start", "warning", {"traces": 1}),
        (put(500, 700, numpy.nan), "missing", "note", {"moments": 200}),
        (put(500, 1300, numpy.nan), "missing", "warning", {"moments": 800}),
    ],
)  # fmt: skip
def test_values_that_teach_the_wrong_thing_are_named(values, kind, severity, numbers):
    (found,) = checked(values).of(kind)
    assert found.severity == severity and found.numbers == numbers and found.subject == "trace trace"


def test_a_later_level_is_told_with_its_side():
    (found,) = checked(put(400, LENGTH, 60.0 + wave()[400:])).of("level")
    assert "above" in found.seen and found.numbers["deviations"] > 10


def test_stamps_that_come_twice_go_back_or_leave_moments_out():
    minutes = numpy.arange(float(LENGTH))
    minutes[700] = minutes[699]
    (found,) = checked(minutes=minutes).of("duplicate stamps")
    assert found.severity == "note" and found.numbers == {"moments": 1}
    twice = numpy.repeat(numpy.arange(LENGTH / 2), 2)
    assert [each.severity for each in checked(minutes=twice).of("duplicate stamps")] == ["warning"]
    back = numpy.arange(float(LENGTH))
    back[1000:] -= 60
    assert checked(minutes=back).of("clock")[0].numbers == {"times": 1}
    holes = numpy.arange(float(LENGTH))
    holes[1000:] += 300
    assert checked(minutes=holes).of("gaps")[0].numbers == {"moments": 300}


def test_short_and_constant_traces_of_a_folder_are_named(tmp_path):
    for name, values in {"long": wave(), "short": wave()[:150], "still": numpy.full(LENGTH, 3.0)}.items():
        polars.DataFrame({"minute": range(len(values)), "value": values}).write_csv(tmp_path / f"{name}.csv")
    data = nr.data.traces(tmp_path, "value", time="minute")
    found = check_data(data, timing=False)
    assert [(each.where, each.severity) for each in found.of("short")] == [(("short.csv",), "warning")]
    assert [each.where for each in found.of("constant")] == [("still.csv",)]
    few = check_data(nr.data.traces(wave()[:400]), timing=False)
    assert [each.numbers["windows"] for each in few.of("few windows")] == [22]


def test_the_command_tells_facts_and_findings_and_strict_makes_it_1(tmp_path, capsys):
    polars.DataFrame({"minute": range(LENGTH), "value": put(0, 300, 20.0)}).write_csv(tmp_path / "a.csv")
    words = ["check", str(tmp_path / "a.csv"), "--time", "minute", "--target", "value", "--task", "anomaly"]
    assert main([*words, "--no-timing", "--strict"]) == 1
    said = capsys.readouterr().out
    assert "learned from" in said and "one value, and later ones differ" in said
