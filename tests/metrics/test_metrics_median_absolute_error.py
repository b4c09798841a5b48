"""The median absolute error against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import median_absolute_error

from neurarium.metrics import MAE, MedianAbsoluteError


@given(regressed())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_scikit_learns_with_and_without_weights(problem):
    predictions, targets, weights = problem
    for given_weights in (weights, None):
        median = median_absolute_error(targets, predictions, sample_weight=given_weights)
        assert MedianAbsoluteError().value(predictions, targets, given_weights) == pytest.approx(
            median, abs=1e-12
        )


def test_the_median_forgets_an_outlier_and_the_mean_does_not():
    predictions, targets = torch.tensor([1.0, 2.0, 3.0, 4.0, 1e6]), torch.tensor([1.5, 2.5, 3.5, 4.5, 5.0])
    assert MedianAbsoluteError().value(predictions, targets) == 0.5
    assert MAE().value(predictions, targets) > 1e5
