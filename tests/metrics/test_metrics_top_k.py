"""Top-k accuracy against scikit-learn, and ties."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_strategies import classified
from sklearn.metrics import top_k_accuracy_score

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import Accuracy, TopKAccuracy


@given(classified(kinds=st.integers(3, 5)), st.integers(1, 3), st.integers(0, 1000))
@settings(max_examples=36, deadline=None, derandomize=True)
def test_without_ties_it_is_scikit_learns(problem, k, seed):
    scores, targets, weights = problem
    scores = scores + numpy.random.default_rng(seed).random(scores.shape) * 1e-3
    k = min(k, scores.shape[1] - 1)
    expected = top_k_accuracy_score(
        targets, scores, k=k, labels=range(scores.shape[1]), sample_weight=weights
    )
    assert TopKAccuracy(k=k).value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(classified(), st.integers(1, 3))
@settings(max_examples=36, deadline=None, derandomize=True)
def test_with_ties_the_lower_index_comes_first(problem, k):
    scores, targets, weights = problem
    first = numpy.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = numpy.average((first == targets[:, None]).any(1), weights=weights)
    assert TopKAccuracy(k=k).value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(classified())
@settings(max_examples=18, deadline=None, derandomize=True)
def test_the_first_place_is_the_accuracy_and_all_places_are_certain(problem):
    scores, targets, weights = problem
    assert TopKAccuracy(k=1).value(scores, targets, weights) == Accuracy().value(scores, targets, weights)
    assert TopKAccuracy(k=9).value(scores, targets, weights) == pytest.approx(1.0)


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError):
        TopKAccuracy(k=0)
    with pytest.raises(ShapeError, match="one class"):
        TopKAccuracy().update(torch.rand(3, 2), torch.ones(3, 2))
