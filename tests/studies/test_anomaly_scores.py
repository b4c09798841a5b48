"""Scores of anomalies: the tail by counting, one alarm per event, and no look ahead."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.studies.anomalies.scores import anomaly_scores, once, outside, rarity


def test_rarity_is_the_share_of_errors_before_that_are_as_large():
    errors = numpy.random.default_rng(0).exponential(size=200).round(1)
    found = rarity(errors, memory=50)
    for place in range(200):
        before = errors[max(0, place - 50) : place]
        share = (1 + (before >= errors[place]).sum()) / (1 + len(before))
        more = max(1.0, errors[place] / before.max()) if len(before) and before.max() > 0 else 1.0
        assert found[place] == pytest.approx(-numpy.log10(share) + numpy.log10(more), abs=1e-12)


def test_a_range_is_left_by_more_than_a_share_of_it():
    values = numpy.array([0.0, 10.0, 10.4, 11.0, -0.4, -1.0, 5.0])
    assert outside(values).tolist() == [False, False, False, True, False, True, False]
    assert not outside(numpy.full(9, 3.0)).any()


def test_one_event_is_one_alarm():
    scores = numpy.zeros(500)
    scores[100:110], scores[105], scores[350] = 0.8, 0.9, 0.8
    found = once(scores, quiet=200)
    assert numpy.flatnonzero(found >= 0.8).tolist() == [100, 105, 350]
    assert found[101] == 0.4


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 79))
def test_no_score_knows_of_what_comes_after(seed, place):
    chance = numpy.random.default_rng(seed)
    values, expected = chance.normal(size=(2, 80))
    changed = values.copy()
    changed[place:] = chance.normal(size=80 - place) * 1000
    numpy.testing.assert_array_equal(
        anomaly_scores(values, expected)[:place], anomaly_scores(changed, expected)[:place]
    )


def test_scores_lie_between_0_and_1_and_a_spike_is_the_highest():
    values = numpy.sin(numpy.arange(400) / 4)
    values[300] = 5
    scores = anomaly_scores(values, numpy.sin(numpy.arange(400) / 4))
    assert scores.min() >= 0 and scores.max() == scores[300] == 1.0
