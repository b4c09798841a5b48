"""The mean absolute error against scikit-learn."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import mean_absolute_error

from neurarium.metrics import MAE


@given(regressed())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_scikit_learns(problem):
    predictions, targets, weights = problem
    each = mean_absolute_error(targets, predictions, sample_weight=weights, multioutput="raw_values")
    assert MAE().value(predictions, targets, weights) == pytest.approx(each.mean(), abs=1e-12)
    numpy.testing.assert_allclose(MAE(average="each").value(predictions, targets, weights), each, atol=1e-12)


def test_each_target_may_have_a_weight_of_its_own():
    predictions, targets = torch.zeros(2, 2), torch.tensor([[1.0, 5.0], [3.0, 7.0]])
    found = MAE(average="each").value(predictions, targets, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert found.tolist() == [1.0, 7.0]
