"""Matthews correlation against scikit-learn."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import classified
from sklearn.metrics import matthews_corrcoef

from neurarium.metrics import MatthewsCorrelation


@given(classified())
@settings(max_examples=48, deadline=None, derandomize=True)
def test_it_is_scikit_learns_where_it_is_defined(problem):
    scores, targets, weights = problem
    found = MatthewsCorrelation().value(scores, targets, weights)
    if len(set(targets)) == 1:
        assert math.isnan(found)
    else:
        expected = matthews_corrcoef(targets, scores.argmax(1), sample_weight=weights)
        assert found == pytest.approx(expected, abs=1e-9)


def test_of_two_classes_it_is_pearsons_correlation():
    chosen, targets = numpy.array([0, 1, 1, 0, 1, 1, 0]), numpy.array([0, 1, 0, 0, 1, 1, 1])
    found = MatthewsCorrelation().value(numpy.eye(2)[chosen], targets)
    assert found == pytest.approx(numpy.corrcoef(chosen, targets)[0, 1], abs=1e-12)


def test_a_constant_prediction_has_none_and_constant_targets_leave_it_undefined():
    scores = torch.tensor([[0.9, 0.1]] * 4)
    assert MatthewsCorrelation().value(scores, torch.tensor([0, 1, 0, 1])) == 0.0
    assert math.isnan(MatthewsCorrelation().value(scores, torch.tensor([0, 0, 0, 0])))


def test_of_several_labels_it_is_the_mean_over_labels_where_it_is_defined():
    scores = torch.tensor([[0.9, 0.1], [0.2, 0.1], [0.8, 0.3]])
    assert MatthewsCorrelation().value(scores, torch.tensor([[1, 0], [0, 0], [1, 0]])) == 1.0
