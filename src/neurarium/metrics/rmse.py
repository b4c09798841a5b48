"""RMSE: the root of the mean squared error."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.metrics.metric import MeanMetric
from neurarium.metrics.regressed import Numeric, Regressed


@recorded
class RMSE(Numeric, MeanMetric):
    """Root mean squared error: `sqrt(sum(w (y - prediction)^2) / sum(w))`, in the unit of the targets.

    Predictions and targets `(batch, quantities)` in original units; a float of 0 or more, or `(quantities,)`.

    Args:
        average: `uniform`: the mean over quantities of their roots; `pooled`: one root over everything (forecasts);
            `each`: one value per quantity.

    >>> import torch
    >>> metric = RMSE()
    >>> metric.update(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [1.0]]))
    >>> round(metric.compute(), 4)
    1.4142
    """

    goal = "min"

    def __init__(self, average: Literal["uniform", "pooled", "each"] = "uniform"):
        super().__init__()
        if average not in ("uniform", "pooled", "each"):
            raise OptionError(
                "there is no such average", expected="uniform, pooled or each", received=average
            )
        self.average = average

    def values(self, examples: Regressed) -> Tensor:
        return (examples.predictions - examples.targets).square()

    def quotient(self, total: Tensor, weight: Tensor) -> Tensor:
        return total.sum(-1) / weight.sum(-1) if self.average == "pooled" else total / weight

    def finish(self, means: Tensor) -> Tensor:
        return means.sqrt()
