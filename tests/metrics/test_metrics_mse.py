"""The mean squared error against scikit-learn."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import mean_squared_error

from neurarium.metrics import MSE, goal


@given(regressed())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_it_is_scikit_learns(problem):
    predictions, targets, weights = problem
    each = mean_squared_error(targets, predictions, sample_weight=weights, multioutput="raw_values")
    assert MSE().value(predictions, targets, weights) == pytest.approx(each.mean(), abs=1e-12)
    numpy.testing.assert_allclose(MSE(average="each").value(predictions, targets, weights), each, atol=1e-12)
    assert goal("naive: mse") == "min"
