"""Ranking metrics against scikit-learn, torchmetrics and a count over all orders of tied items."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from torchmetrics.functional.retrieval import (
    retrieval_hit_rate,
    retrieval_normalized_dcg,
    retrieval_reciprocal_rank,
)

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import MRR, NDCG, HitRate


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


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError):
        HitRate(k=0)
    with pytest.raises(OptionError):
        NDCG(gain="square")
    with pytest.raises(ShapeError):
        MRR().value(torch.rand(3, 4), torch.rand(3, 5))
