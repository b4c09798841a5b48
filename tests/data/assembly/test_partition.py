import numpy
import polars
import pytest

from neurarium.core.errors import DataError
from neurarium.data.assembly.partition import How, partition
from neurarium.data.preparation.targets import Labels, Quantities
from neurarium.data.readers.values import times

LABELS = Labels("y", ("a", "b"))
CODES = numpy.array([0, 1] * 50)


def split(way=None, *, plan=LABELS, encoded=CODES, usable=None, frame=None, **columns):
    how = How(0.1, 0.2, way, columns.get("group"), columns.get("time"), 0)
    usable = numpy.arange(len(encoded)) if usable is None else usable
    return partition(frame if frame is not None else polars.DataFrame(), encoded, usable, plan, how)


def test_the_way_is_chosen_by_the_target_and_says_why():
    assert split()[1][0].choice == "stratified"
    rows, decisions = split(plan=Quantities(("y",), ("plain",)), encoded=numpy.arange(100.0)[:, None])
    assert decisions[0].choice == "random"
    assert {name: len(part) for name, part in rows.items()} == {"train": 70, "validation": 10, "test": 20}


def test_only_usable_rows_are_split_and_keep_their_places():
    usable = numpy.arange(0, 100, 2)
    rows, _ = split("random", usable=usable)
    assert sorted(numpy.concatenate(list(rows.values()))) == usable.tolist()


def test_quantities_can_be_stratified_in_bands():
    values = numpy.arange(200.0)[:, None]
    rows, _ = split("stratified", plan=Quantities(("y",), ("plain",)), encoded=values)
    assert numpy.histogram(values[rows["test"]], bins=10, range=(0, 200))[0].tolist() == [4] * 10


def test_rows_without_a_group_are_groups_of_their_own():
    frame = polars.DataFrame({"g": [None] * 90 + ["x"] * 10})
    rows, _ = split(frame=frame, group="g")
    home = next(name for name, part in rows.items() if 95 in part)
    assert set(range(90, 100)) <= set(rows[home].tolist())
    assert all(len(part) for part in rows.values())


def test_classes_too_rare_to_stratify_fall_back_to_chance():
    rows, decisions = split(plan=Labels("y", tuple("abcdefghij")), encoded=numpy.arange(10))
    assert decisions[0].choice == "random"
    assert len(rows["test"]) == 2
    assert any(each.subject == "test split" for each in decisions)


def test_rows_given_are_taken_and_those_without_a_target_left_out():
    rows, _ = split({"train": [5, 3, 1], "test": [0, 2]}, usable=numpy.array([1, 2, 3]))
    assert {name: part.tolist() for name, part in rows.items()} == {"train": [1, 3], "test": [2]}


def test_times_are_numbers_or_dates():
    assert times(polars.Series(["3", "1"])).tolist() == [3, 1]
    dates = times(polars.Series(["31.01.2024", "01.02.2024"]))
    assert dates[1] - dates[0] == 86400e6
    with pytest.raises(DataError, match="1 missing values"):
        times(polars.Series([1.0, None]))
