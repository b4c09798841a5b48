"""Balanced accuracy against scikit-learn."""

from __future__ import annotations

import warnings

import numpy
import pytest
from hypothesis import given, settings
from metric_strategies import classified, labelled
from sklearn.metrics import balanced_accuracy_score

from neurarium.metrics import BalancedAccuracy


@given(classified())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_scikit_learns(problem):
    scores, targets, weights = problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = balanced_accuracy_score(targets, scores.argmax(1), sample_weight=weights)
    assert BalancedAccuracy().value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(labelled())
@settings(max_examples=18, deadline=None, derandomize=True)
def test_of_several_labels_it_is_the_mean_over_labels(problem):
    scores, targets, weights = problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = zip(targets.T, (scores > 0.5).T.astype(int), strict=True)
        each = [balanced_accuracy_score(t, p, sample_weight=weights) for t, p in pairs]
    assert BalancedAccuracy().value(scores, targets, weights) == pytest.approx(numpy.mean(each), abs=1e-12)


def test_a_constant_prediction_has_what_chance_has():
    scores = numpy.tile([0.9, 0.1], (10, 1))
    assert BalancedAccuracy().value(scores, numpy.array([0] * 9 + [1])) == 0.5
