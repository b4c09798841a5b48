"""NDCG against scikit-learn and torchmetrics, ties included."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metric_strategies import table
from sklearn.metrics import ndcg_score

from neurarium.metrics import NDCG


@given(
    table(st.integers(0, 3).map(float)), table(st.integers(0, 2).map(float)), st.sampled_from([None, 1, 3])
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_ndcg_is_scikit_learns_ties_included(scores, relevances, k):
    assume((relevances > 0).any(1).all())
    expected = ndcg_score(relevances, scores, k=k)
    assert NDCG(k=k).value(scores, relevances) == pytest.approx(expected, abs=1e-9)


def test_the_exponential_gain_favours_the_most_relevant():
    scores, relevances = torch.tensor([[0.9, 0.5]]), torch.tensor([[1.0, 3.0]])
    discounts = [1, 1 / math.log2(3)]
    expected = (1 * discounts[0] + 7 * discounts[1]) / (7 * discounts[0] + 1 * discounts[1])
    assert NDCG(gain="exponential").value(scores, relevances) == pytest.approx(expected)
    assert NDCG().value(scores, relevances) > expected
