"""Ranking metrics against scikit-learn, torchmetrics and a count over all orders of tied items."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import ndcg_score
from torchmetrics.functional.retrieval import (
    retrieval_hit_rate,
    retrieval_normalized_dcg,
    retrieval_reciprocal_rank,
)

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import MRR, NDCG, HitRate


def table(elements, rows=3, items=5):
    return arrays.arrays(numpy.float64, (rows, items), elements=elements)


@given(
    table(st.integers(0, 3).map(float)), table(st.integers(0, 2).map(float)), st.sampled_from([None, 1, 3])
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_ndcg_is_scikit_learns_ties_included(scores, relevances, k):
    assume((relevances > 0).any(1).all())
    expected = ndcg_score(relevances, scores, k=k)
    assert NDCG(k=k).value(scores, relevances) == pytest.approx(expected, abs=1e-9)


@given(
    table(st.integers(0, 2).map(float), 1, 5), table(st.integers(0, 1).map(float), 1, 5), st.integers(1, 5)
)
@settings(max_examples=36, deadline=None, derandomize=True)
def test_the_others_are_the_mean_over_all_orders_of_tied_items(scores, relevances, k):
    assume((relevances > 0).any())
    places = []
    for order in itertools.permutations(range(5)):
        if all(scores[0, a] >= scores[0, b] for a, b in itertools.pairwise(order)):
            places.append(next(place for place, item in enumerate(order, 1) if relevances[0, item]))
    places = numpy.array(places)
    assert HitRate(k=k).value(scores, relevances) == pytest.approx((places <= k).mean(), abs=1e-9)
    assert MRR().value(scores, relevances) == pytest.approx((1 / places).mean(), abs=1e-9)
    assert MRR(k=k).value(scores, relevances) == pytest.approx(((places <= k) / places).mean(), abs=1e-9)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_without_ties_they_are_torchmetrics(k):
    source = torch.Generator().manual_seed(k)
    scores, relevant = torch.rand(20, 10, generator=source), torch.rand(20, 10, generator=source) < 0.3
    relevant[:, 0] = True
    rows = list(zip(scores, relevant, strict=True))
    for metric, oracle in (
        (HitRate, retrieval_hit_rate),
        (MRR, retrieval_reciprocal_rank),
        (NDCG, retrieval_normalized_dcg),
    ):
        expected = numpy.mean([float(oracle(s, r, top_k=k)) for s, r in rows])
        assert metric(k=k).value(scores, relevant) == pytest.approx(expected, abs=1e-6)


def test_the_index_of_one_relevant_item_will_do():
    scores = torch.tensor([[0.1, 0.9, 0.5], [0.8, 0.1, 0.3]])
    assert MRR().value(scores, torch.tensor([2, 0])) == pytest.approx(0.75)
    assert MRR().value(scores, torch.tensor([[0, 0, 1], [1, 0, 0]])) == pytest.approx(0.75)


def test_a_constant_score_earns_what_chance_earns():
    scores = torch.zeros(1, 100)
    assert HitRate(k=10).value(scores, torch.tensor([3])) == pytest.approx(0.1)
    assert MRR().value(scores, torch.tensor([3])) == pytest.approx(sum(1 / i for i in range(1, 101)) / 100)


def test_padding_is_no_item_and_a_query_without_relevant_items_is_left_out():
    short = NDCG().value(torch.tensor([[0.2, 0.7]]), torch.tensor([[1.0, 0.0]]))
    padded = NDCG().value(torch.tensor([[0.2, 0.7, 9.0]]), torch.tensor([[1.0, 0.0, -1.0]]))
    assert padded == pytest.approx(short)
    scores = torch.tensor([[0.2, 0.7], [0.9, 0.1]])
    assert MRR().value(scores, torch.tensor([[0.0, 0.0], [1.0, 0.0]])) == 1.0
    assert math.isnan(MRR().value(scores, torch.zeros(2, 2)))


def test_the_exponential_gain_favours_the_most_relevant():
    scores, relevances = torch.tensor([[0.9, 0.5]]), torch.tensor([[1.0, 3.0]])
    discounts = [1, 1 / math.log2(3)]
    expected = (1 * discounts[0] + 7 * discounts[1]) / (7 * discounts[0] + 1 * discounts[1])
    assert NDCG(gain="exponential").value(scores, relevances) == pytest.approx(expected)
    assert NDCG().value(scores, relevances) > expected


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError):
        HitRate(k=0)
    with pytest.raises(OptionError):
        NDCG(gain="square")
    with pytest.raises(ShapeError):
        MRR().value(torch.rand(3, 4), torch.rand(3, 5))
