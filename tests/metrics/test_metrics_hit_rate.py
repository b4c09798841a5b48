"""The hit rate against a count over all orders of tied items."""

from __future__ import annotations

import itertools

import numpy
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metric_strategies import table

from neurarium.metrics import HitRate


@given(
    table(st.integers(0, 2).map(float), 1, 5), table(st.integers(0, 1).map(float), 1, 5), st.integers(1, 5)
)
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_the_mean_over_all_orders_of_tied_items(scores, relevances, k):
    assume((relevances > 0).any())
    places = []
    for order in itertools.permutations(range(5)):
        if all(scores[0, a] >= scores[0, b] for a, b in itertools.pairwise(order)):
            places.append(next(place for place, item in enumerate(order, 1) if relevances[0, item]))
    places = numpy.array(places)
    assert HitRate(k=k).value(scores, relevances) == pytest.approx((places <= k).mean(), abs=1e-9)
