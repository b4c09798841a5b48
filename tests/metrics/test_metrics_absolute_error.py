"""Absolute errors against scikit-learn and torchmetrics."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, median_absolute_error
from torchmetrics.functional.regression import symmetric_mean_absolute_percentage_error

from neurarium.metrics import MAE, MAPE, SMAPE, MedianAbsoluteError


@given(regressed())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_mean_and_median_are_scikit_learns(problem):
    predictions, targets, weights = problem
    each = mean_absolute_error(targets, predictions, sample_weight=weights, multioutput="raw_values")
    assert MAE().value(predictions, targets, weights) == pytest.approx(each.mean(), abs=1e-12)
    numpy.testing.assert_allclose(MAE(average="each").value(predictions, targets, weights), each, atol=1e-12)
    for given_weights in (weights, None):
        median = median_absolute_error(targets, predictions, sample_weight=given_weights)
        assert MedianAbsoluteError().value(predictions, targets, given_weights) == pytest.approx(
            median, abs=1e-12
        )


@given(regressed())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_relative_errors_are_the_oracles(problem):
    predictions, targets, weights = problem
    found = MAPE().value(predictions, targets, weights)
    if (targets == 0).any():
        assert math.isnan(found)
    else:
        expected = mean_absolute_percentage_error(targets, predictions, sample_weight=weights)
        assert found == pytest.approx(expected, rel=1e-12)
    expected = symmetric_mean_absolute_percentage_error(
        torch.from_numpy(predictions), torch.from_numpy(targets)
    )
    assert SMAPE().value(predictions, targets) == pytest.approx(float(expected), abs=1e-5)


def test_a_target_of_zero_and_weight_zero_spoils_nothing():
    assert MAPE().value(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0])) == 0.5


def test_the_median_forgets_an_outlier_and_the_mean_does_not():
    predictions, targets = torch.tensor([1.0, 2.0, 3.0, 4.0, 1e6]), torch.tensor([1.5, 2.5, 3.5, 4.5, 5.0])
    assert MedianAbsoluteError().value(predictions, targets) == 0.5
    assert MAE().value(predictions, targets) > 1e5


def test_each_target_may_have_a_weight_of_its_own():
    predictions, targets = torch.zeros(2, 2), torch.tensor([[1.0, 5.0], [3.0, 7.0]])
    found = MAE(average="each").value(predictions, targets, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert found.tolist() == [1.0, 7.0]
