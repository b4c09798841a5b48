"""Mean absolute error."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.metric import Average, MeanMetric
from neurarium.metrics.regressed import Numeric, Regressed


class ErrorMetric(Numeric, MeanMetric):
    """A mean over examples of an error.

    Args:
        average: `uniform`: the mean over quantities; `each`: one value per quantity.
    """

    def __init__(self, average: Average = "uniform"):
        super().__init__()
        self.average = average


@recorded
class MAE(ErrorMetric):
    """Mean absolute error: `sum(w |y - prediction|) / sum(w)`, in the unit of the targets.

    Predictions and targets `(batch, quantities)` in original units; a float of 0 or more, or `(quantities,)`.

    >>> import torch
    >>> MAE().value(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [1.0]]))
    1.0
    """

    goal = "min"

    def values(self, examples: Regressed) -> Tensor:
        return (examples.predictions - examples.targets).abs()
