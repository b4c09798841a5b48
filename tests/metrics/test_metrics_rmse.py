"""RMSE against scikit-learn."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import mean_squared_error, root_mean_squared_error

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import RMSE


@given(regressed())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_scikit_learns(problem):
    predictions, targets, weights = problem
    each = root_mean_squared_error(targets, predictions, sample_weight=weights, multioutput="raw_values")
    assert RMSE().value(predictions, targets, weights) == pytest.approx(each.mean(), abs=1e-12)
    numpy.testing.assert_allclose(RMSE(average="each").value(predictions, targets, weights), each, atol=1e-12)
    pooled = mean_squared_error(targets, predictions, sample_weight=weights) ** 0.5
    assert RMSE(average="pooled").value(predictions, targets, weights) == pytest.approx(pooled, abs=1e-12)


def test_batches_are_pooled_before_the_root():
    metric = RMSE()
    metric.update(torch.tensor([0.0]), torch.tensor([0.0]))
    metric.update(torch.tensor([0.0]), torch.tensor([2.0]))
    assert metric.compute() == pytest.approx(2**0.5)  # the mean of the batches' roots is 1


def test_a_column_against_a_row_does_not_broadcast():
    column, row = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([1.0, 2.0, 3.0])
    assert RMSE().value(column, row) == pytest.approx((1 / 3) ** 0.5)
    with pytest.raises(ShapeError, match="different shapes"):
        RMSE().value(torch.zeros(3, 3), row)


def test_an_unknown_average_is_refused():
    with pytest.raises(OptionError):
        RMSE(average="median")
