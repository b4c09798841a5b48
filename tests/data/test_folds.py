"""Folds: no group in two of them, no earlier row predicted from a later one; nothing lost."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import OptionError
from neurarium.data.folds import folds


@given(st.lists(st.integers(0, 8), min_size=12, max_size=60), st.integers(2, 4), st.integers(0, 5))
def test_groups_are_whole_and_every_row_is_tested_once(groups, parts, seed):
    groups = numpy.array(groups)
    if len(set(groups)) < parts:
        return
    found = folds(len(groups), parts, seed, groups=groups)
    tested = numpy.concatenate([fold["test"] for fold in found])
    assert sorted(tested) == list(range(len(groups)))
    for fold in found:
        assert not set(groups[fold["train"]]) & set(groups[fold["test"]])
        assert len(fold["test"]) > 0


def test_folds_of_groups_are_nearly_of_one_size():
    groups = numpy.repeat(numpy.arange(40), numpy.random.default_rng(0).integers(1, 10, 40))
    sizes = [len(fold["test"]) for fold in folds(len(groups), 5, 0, groups=groups)]
    assert max(sizes) - min(sizes) <= 2


@given(st.lists(st.integers(0, 30), min_size=20, max_size=60), st.integers(1, 4))
def test_time_goes_forward(times, parts):
    times = numpy.array(times)
    try:
        found = folds(len(times), parts, 0, times=times)
    except OptionError:
        return  # too few different times
    for number, fold in enumerate(found):
        assert times[fold["train"]].max() < times[fold["test"]].min()
        if number:
            before = found[number - 1]
            assert set(fold["train"]) == set(before["train"]) | set(before["test"])
    assert found[-1]["test"].size + found[-1]["train"].size == len(times)


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="2 to 2 folds"):
        folds(4, 3, 0, groups=numpy.array([0, 0, 1, 1]))
    with pytest.raises(OptionError, match="too few different times"):
        folds(4, 3, 0, times=numpy.zeros(4))
