"""Traces: files, folders, times, gaps, labels, and the message of what cannot be watched."""

from __future__ import annotations

import json
import re

import numpy
import pytest

from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.traces import traces
from neurarium.data.readers.trace_files import arrival, read_traces


def write(path, values, start=0, header="timestamp,value"):
    rows = [
        f"2024-01-{1 + (start + place) // 1440:02d} {(start + place) // 60 % 24:02d}:{(start + place) % 60:02d}:00,{value}"
        for place, value in enumerate(values)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_file_is_cut_into_what_is_learned_from_and_what_comes_after(tmp_path):
    path = write(tmp_path / "machine.csv", numpy.sin(numpy.arange(1000) / 5))
    found = traces(path, "value", time="timestamp")
    sizes = {name: len(part) for name, part in found.splits.items()}
    assert sizes == {"train": 94, "validation": 24, "test": 850}  # 150 - 32 windows, the last fifth of them
    assert found.name == "machine" and len(found.preparation.context) == 1000
    assert {"learned from", "threshold", "scaling"} <= {each.subject for each in found.decisions}
    longer = traces(path, "value", time="timestamp", probation=0.5, window=8)
    assert len(longer.train) + len(longer.validation) == 492


def test_a_folder_comes_with_the_windows_beside_it(tmp_path):
    for name in ("a/one.csv", "b/two.csv"):
        write(tmp_path / "data" / name, numpy.sin(numpy.arange(1000) / 5))
    labels = {"a/one.csv": [["2024-01-01 08:20:00.000000", "2024-01-01 08:30:00.000000"]], "b/two.csv": []}
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(labels))
    found = traces(tmp_path / "data", "value", time="timestamp").traces
    assert [(each.name, each.windows) for each in found] == [("a/one.csv", ((500, 510),)), ("b/two.csv", ())]
    assert found[0].times[500] == "2024-01-01 08:20:00"


def test_a_gap_holds_the_value_before_it_and_never_one_after(tmp_path):
    values = ["1.0", "", "NA", "4.0", ""]
    path = write(tmp_path / "gaps.csv", values)
    found = read_traces(path, "value", "timestamp")[0]
    assert found.values.tolist() == [1, 1, 1, 4, 4]


def test_rows_stay_as_they_came_unless_they_fall_or_jump_about():
    steady = numpy.arange(500.0)
    back = steady.copy()
    back[200:] -= 12  # a clock set back for an hour
    assert numpy.array_equal(arrival(back), numpy.arange(500))
    assert numpy.array_equal(arrival(steady[::-1]), numpy.arange(500)[::-1])
    mixed = numpy.random.default_rng(0).permutation(steady)
    assert numpy.array_equal(mixed[arrival(mixed)], steady)


def test_what_cannot_be_watched_is_refused_with_its_reason(tmp_path):
    good = numpy.sin(numpy.arange(1000) / 5)
    with pytest.raises(DataError, match=r"too little to learn(.|\n)*probation"):
        traces(good[:100])
    with pytest.raises(DataError, match="one constant"):
        traces(numpy.full(1000, 3.0))
    with pytest.raises(OptionError, match="window >= 2"):
        traces(good, window=1)
    path = write(tmp_path / "odd.csv", [*good[:-1], "broken"])
    with pytest.raises(DataError, match=r"no number(.|\n)*'broken'"):
        traces(path, "value", time="timestamp")
    with pytest.raises(DataError, match="did you mean 'value'"):
        traces(path, "valu", time="timestamp")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no trace"):
        traces(tmp_path / "empty", "value")
    two = write(tmp_path / "two.csv", [f"{value},0" for value in good], header="timestamp,value,other")
    with pytest.raises(OptionError, match="one is to be watched"):
        traces(two, time="timestamp")
    fine = write(tmp_path / "fine.csv", good)
    for labels, told in (
        ({"fin.csv": []}, "no labelled trace 'fin.csv'(.|\n)*did you mean 'fine.csv'"),
        ({"fine.csv": [["2025-01-01 00:00:00", "2025-01-02 00:00:00"]]}, "holds no moment"),
        ({"fine.csv": ["2024-01-01"]}, "are no windows"),
    ):
        with pytest.raises(DataError, match=told):
            traces(fine, "value", time="timestamp", labels=labels)


def test_one_file_takes_its_own_of_the_labels_of_a_collection(tmp_path):
    fine = write(tmp_path / "fine.csv", numpy.sin(numpy.arange(1000) / 5))
    times = fine.read_text().splitlines()[901:911]
    window = [times[0].split(",")[0], times[-1].split(",")[0]]
    others = {"real/other.csv": [["2014-04-10 07:15:00", "2014-04-11 16:45:00"]]}
    for name in ("real/fine.csv", "fine.csv"):
        found = traces(fine, "value", time="timestamp", labels={**others, name: [window]})
        assert found.traces[0].windows == ((900, 909),)
    with pytest.raises(DataError, match=r"no labelled trace 'a/fine\.csv'"):
        traces(fine, "value", time="timestamp", labels={"a/fine.csv": [window], "b/fine.csv": []})


@pytest.mark.parametrize(("length", "window"), [(90, 32), (120, 32), (60, 32), (49, 32), (60, 8)])
def test_what_is_advised_for_a_short_trace_is_enough(length, window):
    values = numpy.sin(numpy.arange(float(length)))
    with pytest.raises(DataError, match="too little to learn") as found:
        traces(values, window=window)
    given = dict(re.findall(r"(\w+)=([\d.]+)", str(found.value.fix)))
    options = {name: float(value) if "." in value else int(value) for name, value in given.items()}
    assert len(traces(values, **{"window": window, **options}).train) >= 16
    with pytest.raises(DataError, match="49 moments or more"):
        traces(values[:48], window=window)
