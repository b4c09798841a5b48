"""Median absolute error: half of the errors are smaller."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.metric import Average, KeptMetric, State, averaged
from neurarium.metrics.regressed import Numeric, Regressed


@recorded
class MedianAbsoluteError(Numeric, KeptMetric):
    """Median absolute error: the median of `|y - prediction|`, which outliers do not move.

    With weights the value where half of the weight is reached, the mean of two values where it is reached exactly.
    Predictions and targets `(batch, quantities)`; a float of 0 or more, or `(quantities,)` with `average="each"`.

    >>> MedianAbsoluteError().value(torch.tensor([1.0, 3.0, 100.0]), torch.tensor([1.0, 1.0, 1.0]))
    2.0
    """

    goal = "min"

    def __init__(self, average: Average = "uniform"):
        super().__init__()
        self.average = average

    def contribution(self, examples: Regressed) -> State:
        return {"error": (examples.predictions - examples.targets).abs(), "weights": examples.weights}

    def result(self, state: State) -> float | Tensor:
        columns = zip(state["error"].unbind(1), state["weights"].unbind(1), strict=True)
        return averaged(torch.cat([weighted_median(e, w[None]) for e, w in columns]), self.average)

    def many(self, examples: Regressed, weightings: Tensor) -> Tensor:
        state = self.contribution(examples)
        columns = zip(state["error"].unbind(1), state["weights"].unbind(1), strict=True)
        return torch.stack([weighted_median(e, weightings * w) for e, w in columns]).mean(dim=0).cpu()


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the median of values `(batch,)` under each weighting `(resamples, batch)`: `(resamples,)`; NaN without weight.

    >>> weighted_median(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([[1.0, 1.0, 1.0, 1.0], [5.0, 1.0, 1.0, 1.0]]))
    tensor([2.5000, 1.0000], dtype=torch.float64)
    """
    if not len(values):
        return torch.full((len(weights),), math.nan, dtype=torch.float64, device=values.device)
    ordered, order = values.double().sort()
    reached = weights.double().index_select(1, order).cumsum(dim=1)
    half = reached[:, -1:] / 2
    # Sums of equal weights may miss the half by rounding.
    low = torch.searchsorted(reached, half * (1 - 1e-12)).clamp(max=len(values) - 1)
    high = torch.searchsorted(reached, half * (1 + 1e-12), right=True).clamp(max=len(values) - 1)
    median = (ordered[low] + ordered[high]) / 2
    return torch.where(half > 0, median, math.nan)[:, 0]
