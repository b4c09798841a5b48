"""Mean squared error."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.absolute_error import ErrorMetric
from neurarium.metrics.regressed import Regressed


@recorded
class MSE(ErrorMetric):
    """Mean squared error: `sum(w (y - prediction)^2) / sum(w)`, in the squared unit of the targets.

    Predictions and targets `(batch, quantities)`; a float of 0 or more, or `(quantities,)`. Forecasts are compared by it on
    standardized values.

    >>> import torch
    >>> MSE().value(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [1.0]]))
    2.0
    """

    goal = "min"

    def values(self, examples: Regressed) -> Tensor:
        return (examples.predictions - examples.targets).square()
