"""Relative errors: percentages of the target, or of target and prediction."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.absolute_error import ErrorMetric
from neurarium.metrics.regressed import Regressed


@recorded
class MAPE(ErrorMetric):
    """Mean absolute percentage error: the mean of `|y - prediction| / |y|`, as a fraction (0.1 is 10 %).

    NaN when a target is 0, for which it has no meaning: use `smape` or `mae` there. It favours predictions that are
    too small. Predictions and targets `(batch, quantities)`; a float of 0 or more, or `(quantities,)`.

    >>> MAPE().value(torch.tensor([[90.0], [220.0]]), torch.tensor([[100.0], [200.0]]))
    0.1
    """

    goal = "min"

    def values(self, examples: Regressed) -> Tensor:
        size = examples.targets.abs()
        return torch.where(size > 0, (examples.predictions - examples.targets).abs() / size, math.nan)


@recorded
class SMAPE(ErrorMetric):
    """Symmetric mean absolute percentage error: the mean of `2 |y - prediction| / (|y| + |prediction|)`, in [0, 2].

    0 / 0 counts as 0. The M4 competition gives it times 100. Predictions and targets `(batch, quantities)`.

    >>> SMAPE().value(torch.tensor([[3.0], [0.0]]), torch.tensor([[1.0], [0.0]]))
    0.5
    """

    goal = "min"

    def values(self, examples: Regressed) -> Tensor:
        size = examples.targets.abs() + examples.predictions.abs()
        error = 2 * (examples.predictions - examples.targets).abs()
        return torch.where(size > 0, error / torch.where(size > 0, size, 1.0), 0.0)
