"""Splits are complete, disjoint, of the size asked for, and keep the promise of their name."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import DataError
from neurarium.data import splits

FRACTIONS = {"validation": 0.15, "test": 0.2}


def covers(rows: splits.Rows, count: int) -> bool:
    return sorted(numpy.concatenate(list(rows.values())).tolist()) == list(range(count))


@given(st.integers(8, 400), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_random_splits_cover_every_row_once(count, seed):
    rows = splits.random(count, FRACTIONS, seed)
    assert covers(rows, count)
    assert len(rows["test"]) == max(1, round(0.2 * count))
    assert len(rows["validation"]) == max(1, round(0.15 * count))


def test_random_splits_depend_on_the_seed_alone():
    first, again, other = (splits.random(200, FRACTIONS, seed)["test"] for seed in (0, 0, 1))
    assert (first == again).all()
    assert len(numpy.intersect1d(first, other)) < 25
    assert first[:5].tolist() == splits.random(200, FRACTIONS, 0)["test"][:5].tolist()


@given(st.lists(st.integers(0, 4), min_size=20, max_size=300), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_stratified_splits_keep_shares_and_a_training_row_of_each_class(labels, seed):
    labels = numpy.array(labels)
    rows = splits.stratified(labels, FRACTIONS, seed)
    assert covers(rows, len(labels))
    for code in numpy.unique(labels):
        held = (labels == code).sum()
        assert (labels[rows["train"]] == code).any()
        if held >= 20:
            for name, fraction in FRACTIONS.items():
                assert abs((labels[rows[name]] == code).sum() - fraction * held) < 2


def test_stratified_sizes_are_those_of_a_random_split():
    labels = numpy.arange(1000) % 7
    sizes = {name: len(rows) for name, rows in splits.stratified(labels, FRACTIONS, 0).items()}
    assert sizes == {name: len(rows) for name, rows in splits.random(1000, FRACTIONS, 0).items()}


@given(st.lists(st.integers(0, 12), min_size=60, max_size=200), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_no_group_straddles_two_splits(groups, seed):
    groups = numpy.array(groups)
    if len(numpy.unique(groups)) < 3:
        return
    rows = splits.grouped(groups, FRACTIONS, seed)
    assert covers(rows, len(groups))
    parts = [set(groups[part].tolist()) for part in rows.values()]
    assert all(parts)
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_groups_fill_a_split_to_about_its_fraction():
    rows = splits.grouped(numpy.repeat(numpy.arange(100), 5), FRACTIONS, 0)
    assert (len(rows["test"]), len(rows["validation"])) == (100, 75)


@given(st.lists(st.integers(0, 60), min_size=20, max_size=120))
@settings(max_examples=60, deadline=None)
def test_later_rows_are_tested(times):
    times = numpy.array(times)
    if len(numpy.unique(times)) < 15:
        return
    try:
        rows = splits.by_time(times, FRACTIONS)
    except DataError:
        return
    assert covers(rows, len(times))
    assert times[rows["train"]].max() < times[rows["validation"]].min()
    assert times[rows["validation"]].max() < times[rows["test"]].min()


def test_equal_times_stay_together():
    rows = splits.by_time(numpy.array([1, 1, 2, 2, 3, 3, 3, 3]), {"test": 0.25})
    assert rows["test"].tolist() == [4, 5, 6, 7]


def test_folds_test_every_row_once_and_keep_shares():
    labels = numpy.array([0] * 80 + [1] * 20)
    folds = splits.folds(100, 5, 0, labels=labels)
    assert sorted(numpy.concatenate([fold["test"] for fold in folds]).tolist()) == list(range(100))
    assert [int(labels[fold["test"]].sum()) for fold in folds] == [4] * 5
    assert all(len(numpy.intersect1d(fold["train"], fold["test"])) == 0 for fold in folds)


@pytest.mark.parametrize("fractions", [{"test": 1.0}, {"test": -0.1}, {"validation": 0.5, "test": 0.5}])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(DataError, match="fractions"):
        splits.random(100, fractions, 0)


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="too few rows"):
        splits.random(2, FRACTIONS, 0)
    with pytest.raises(DataError, match="folds"):
        splits.folds(3, 4, 0)
