"""Relative errors against scikit-learn and torchmetrics."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import mean_absolute_percentage_error
from torchmetrics.functional.regression import symmetric_mean_absolute_percentage_error

from neurarium.metrics import MAPE, SMAPE


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
