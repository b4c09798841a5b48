"""MASE against its definition."""

from __future__ import annotations

import math

import numpy
import pytest
import torch

from neurarium.core.errors import DataError, ShapeError
from neurarium.metrics import MASE, naive_error

HISTORY = torch.tensor([10.0, 12.0, 11.0, 15.0, 9.0, 14.0])


def test_the_scale_is_the_error_of_the_naive_forecast():
    values = HISTORY.numpy()
    assert naive_error(HISTORY).item() == pytest.approx(numpy.abs(numpy.diff(values)).mean())
    assert naive_error(HISTORY, season=2).item() == pytest.approx(numpy.abs(values[2:] - values[:-2]).mean())
    assert naive_error(HISTORY.reshape(-1, 1)).shape == (1,)


def test_the_naive_forecast_of_the_training_series_has_one():
    found = MASE(scale=(naive_error(HISTORY).item(),)).value(HISTORY[:-1], HISTORY[1:])
    assert found == pytest.approx(1.0)


def test_series_have_scales_of_their_own():
    predictions = {"mean": torch.tensor([[1.0, 2.0], [10.0, 20.0]]), "scale": torch.tensor([1.0, 10.0])}
    targets = torch.tensor([[2.0, 2.0], [20.0, 20.0]])
    assert MASE().value(predictions, targets) == pytest.approx(0.5)


def test_a_constant_series_leaves_it_undefined():
    assert math.isnan(MASE(scale=(0.0,)).value(torch.tensor([1.0]), torch.tensor([2.0])))


def test_missing_scales_and_short_histories_are_refused():
    with pytest.raises(ShapeError, match="lack scale"):
        MASE().value(torch.tensor([1.0]), torch.tensor([2.0]))
    with pytest.raises(DataError, match="too short"):
        naive_error(HISTORY, season=6)
