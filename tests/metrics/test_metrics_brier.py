"""The Brier score against scikit-learn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_strategies import classified, labelled
from sklearn.metrics import brier_score_loss

from neurarium.metrics import BrierScore


@given(classified(kinds=st.just(2)))
@settings(max_examples=24, deadline=None, derandomize=True)
def test_of_two_classes_it_is_scikit_learns(problem):
    scores, targets, weights = problem
    expected = brier_score_loss(targets, scores[:, 1], sample_weight=weights, labels=[0, 1])
    assert BrierScore().value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(classified(kinds=st.integers(3, 4)))
@settings(max_examples=24, deadline=None, derandomize=True)
def test_of_more_classes_it_is_scikit_learns(problem):
    scores, targets, weights = problem
    expected = brier_score_loss(targets, scores, sample_weight=weights, labels=range(scores.shape[1]))
    assert BrierScore().value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(labelled())
@settings(max_examples=18, deadline=None, derandomize=True)
def test_of_several_labels_it_is_the_mean_squared_distance(problem):
    scores, targets, weights = problem
    expected = (weights[:, None] * (scores - targets) ** 2).sum() / weights.sum() / scores.shape[1]
    assert BrierScore().value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)
