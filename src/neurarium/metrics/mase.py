"""MASE: the error of a forecast relative to that of the naive forecast."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.core.recipe import recorded
from neurarium.metrics.absolute_error import ErrorMetric
from neurarium.metrics.checks import finite, tensor
from neurarium.metrics.metric import Average
from neurarium.metrics.regressed import Regressed


def naive_error(history: Any, season: int = 1) -> Tensor:
    """Return the mean absolute error, over the training series, of predicting the value one season before.

    Args:
        history: `(length,)` or `(length, quantities)`, the training part of the series.
        season: how many steps lie between like values: 1 for the last value, 12 for months of a year.

    Raises:
        DataError: the history is not longer than a season.

    >>> naive_error(torch.tensor([1.0, 3.0, 2.0])).item()
    1.5
    """
    history = tensor(history, "history").to(torch.float64)
    finite(history=history)
    if season < 1 or len(history) <= season:
        raise DataError(
            "the history is too short for its season",
            expected=f"more than {season} steps",
            received=len(history),
        )
    return (history[season:] - history[:-season]).abs().mean(dim=0)


@recorded
class MASE(ErrorMetric):
    """Mean absolute scaled error: the mean of `|y - prediction| / scale` (Hyndman and Koehler 2006).

    The scale is the naive error over the training series (`naive_error`), never over the test part. Below 1 is better
    than the naive forecast. NaN where the scale is 0 (a constant series).

    Predictions `(batch, quantities)`, or a dict with `mean` and `scale` `(batch,)` or `(batch, quantities)` where
    series have scales of their own; targets `(batch, quantities)`.

    Args:
        scale: one number per quantity, or one for all; None: the predictions hold `scale`.
        average: `uniform`: the mean over quantities; `each`: one value per quantity.

    >>> MASE(scale=(2.0,)).value(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]))
    1.0
    """

    goal = "min"

    def __init__(self, scale: tuple[float, ...] | None = None, average: Average = "uniform"):
        super().__init__(average)
        self.scale = scale

    def values(self, examples: Regressed) -> Tensor:
        error = (examples.predictions - examples.targets).abs()
        if self.scale is None:
            (scale,) = examples.part("scale")
        else:
            scale = torch.tensor(self.scale, dtype=torch.float64, device=error.device).expand(error.shape)
        return torch.where(scale > 0, error / scale, math.nan)
