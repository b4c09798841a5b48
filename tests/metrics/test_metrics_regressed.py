"""What predictions of quantities may look like."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import DataError, NotFiniteError, ShapeError
from neurarium.metrics import MAE, RMSE
from neurarium.metrics.regressed import Numeric

CHECK = Numeric().check


def test_everything_is_float64_and_two_axes():
    found = CHECK(torch.ones(4, dtype=torch.float16), torch.arange(4))
    assert found.predictions.dtype == found.targets.dtype == torch.float64 and found.targets.shape == (4, 1)
    assert CHECK(torch.zeros(2, 3, 5), torch.zeros(2, 3, 5)).targets.shape == (2, 15)
    assert CHECK(torch.zeros(0), torch.zeros(0)).targets.shape == (0, 1)


def test_a_large_value_keeps_its_digits():
    assert MAE().value(torch.tensor([2**40 + 0.5], dtype=torch.float64), torch.tensor([2**40])) == 0.5


def test_a_distribution_has_a_center():
    samples = torch.tensor([[[1.0], [2.0], [6.0]]])
    assert CHECK({"samples": samples}, torch.zeros(1)).predictions.item() == 3.0
    assert CHECK({"quantiles": samples}, torch.zeros(1)).predictions.item() == 2.0
    assert CHECK({"mean": samples, "std": samples}, torch.zeros(1)).predictions.item() == 3.0
    assert CHECK({"quantiles": torch.tensor([[1.0, 2.0, 6.0]])}, torch.zeros(1)).parts["quantiles"].shape == (
        1,
        3,
        1,
    )


@pytest.mark.parametrize(
    ("predictions", "targets", "error", "message"),
    [
        (torch.zeros(3), torch.zeros(4), ShapeError, "different shapes"),
        (torch.zeros(3, 2), torch.zeros(3), ShapeError, "different shapes"),
        (torch.zeros(()), torch.zeros(()), ShapeError, "batch axis"),
        ({"std": torch.ones(3)}, torch.zeros(3), ShapeError, "no mean"),
        ({"mean": torch.zeros(3), "std": -torch.ones(3)}, torch.zeros(3), DataError, "deviation"),
        ({"mean": torch.zeros(4), "std": torch.ones(3)}, torch.zeros(3), ShapeError, "do not match"),
        (torch.zeros(3), torch.tensor([0.0, float("nan"), 1.0]), NotFiniteError, "1 of 3 targets"),
    ],
)
def test_what_cannot_be_measured_is_refused(predictions, targets, error, message):
    with pytest.raises(error, match=message):
        RMSE().update(predictions, targets)
