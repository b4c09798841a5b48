"""Explained variance: how much of the spread of the targets the predictions account for."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.metric import Average, FoldedMetric, State, averaged
from neurarium.metrics.regressed import Numeric, Regressed


class SpreadMetric(Numeric, FoldedMetric):
    """A metric of the spread of targets and residuals.

    The state holds means and sums of squared deviations, merged as Chan, Golub and LeVeque (1979) do: sums of squares
    would lose all digits where the mean is large beside the spread. The least and the largest target tell exactly
    whether targets are constant.

    Args:
        average: `uniform`: the mean over quantities; `each`: one value per quantity.
    """

    def __init__(self, average: Average = "uniform"):
        super().__init__()
        self.average = average

    def shares(self) -> str:
        return "spread"

    def contribution(self, examples: Regressed) -> State:
        values = torch.stack([examples.targets, examples.targets - examples.predictions])
        weights = examples.weights.expand(values.shape)
        total = weights.sum(dim=1)
        mean = (weights * values).sum(dim=1) / torch.where(total > 0, total, 1.0)
        deviation = (weights * (values - mean[:, None]).square()).sum(dim=1)
        state = {"weight": total, "mean": mean, "deviation": deviation}
        return state | {"low": _extreme(examples, math.inf), "high": _extreme(examples, -math.inf)}

    def joined(self, parts: Sequence[State]) -> State:
        whole = parts[0]
        for part in parts[1:]:
            weight = whole["weight"] + part["weight"]
            share = part["weight"] / torch.where(weight > 0, weight, 1.0)
            apart = part["mean"] - whole["mean"]
            deviation = whole["deviation"] + part["deviation"] + apart.square() * whole["weight"] * share
            whole = {
                "weight": weight,
                "mean": whole["mean"] + apart * share,
                "deviation": deviation,
                "low": torch.minimum(whole["low"], part["low"]),
                "high": torch.maximum(whole["high"], part["high"]),
            }
        return whole

    @abc.abstractmethod
    def unexplained(self, state: State) -> Tensor:
        """Return the part of the sum of squares that is not explained, `(quantities,)`."""

    def result(self, state: State) -> float | Tensor:
        spread = state["deviation"][0]
        varies = state["high"] > state["low"]
        return averaged(torch.where(varies, 1 - self.unexplained(state) / spread, math.nan), self.average)


def _extreme(examples: Regressed, absent: float) -> Tensor:
    """Return the least target (absent: infinity) or the largest (absent: -infinity) of positive weight."""
    kept = torch.where(examples.weights > 0, examples.targets, absent)
    if not len(kept):
        return kept.new_full((kept.shape[1],), absent)
    return kept.amin(dim=0) if absent > 0 else kept.amax(dim=0)


@recorded
class R2(SpreadMetric):
    """Coefficient of determination: `1 - sum(w (y - prediction)^2) / sum(w (y - mean(y))^2)`.

    1 is perfect, 0 what predicting the mean gives, below 0 worse than that. Over a batch it means little: it is
    computed over all examples. NaN when the targets are constant (one example alone, too). Predictions and targets
    `(batch, quantities)`; a float, or `(quantities,)`. The arguments are those of `SpreadMetric`.

    >>> R2().value(torch.tensor([1.0, 2.0, 2.0]), torch.tensor([1.0, 2.0, 3.0]))
    0.5
    """

    goal = "max"

    def unexplained(self, state: State) -> Tensor:
        return state["deviation"][1] + state["weight"][1] * state["mean"][1].square()


@recorded
class ExplainedVariance(SpreadMetric):
    """Explained variance: `1 - Var(y - prediction) / Var(y)`: R2 without the cost of a constant offset.

    NaN when the targets are constant. Predictions and targets `(batch, quantities)`; a float, or `(quantities,)`. The
    arguments are those of `SpreadMetric`.

    >>> ExplainedVariance().value(torch.tensor([2.0, 3.0, 4.0]), torch.tensor([1.0, 2.0, 3.0]))
    1.0
    """

    goal = "max"

    def unexplained(self, state: State) -> Tensor:
        return state["deviation"][1]
