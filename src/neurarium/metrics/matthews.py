"""Matthews correlation: the correlation between predicted and true classes."""

from __future__ import annotations

import math

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.confusion import ConfusionMetric
from neurarium.metrics.metric import State


@recorded
class MatthewsCorrelation(ConfusionMetric):
    """Matthews correlation coefficient, R_K for several classes; with several labels the mean over labels.

    `(s c - p.t) / sqrt((s^2 - p.p) (s^2 - t.t))` with s examples, c of them right, p and t how often each class was
    predicted and is true (Gorodkin 2004, eq. 8). Predictions `(batch, classes)`; a float in [-1, 1]. A constant
    prediction has 0; targets of one class alone leave it undefined: NaN.

    >>> import torch
    >>> MatthewsCorrelation().value(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), torch.tensor([0, 1, 1]))
    0.5
    """

    goal = "max"

    def result(self, state: State) -> float:
        matrix = state["matrix"]
        if matrix.ndim == 3:
            values = [value for value in map(correlation, matrix) if not math.isnan(value)]
            return sum(values) / len(values) if values else math.nan
        return correlation(matrix)


def correlation(matrix: Tensor) -> float:
    """Return R_K of a confusion matrix `(classes, classes)`."""
    total = matrix.sum()
    if not total > 0:
        return math.nan
    taken, present = matrix.sum(dim=0), matrix.sum(dim=1)
    # Written as sums over pairs of different classes: exactly 0 where one class alone occurs.
    spread_taken, spread_present = _spread(taken), _spread(present)
    if spread_present == 0:
        return math.nan
    if spread_taken == 0:
        return 0.0
    value = float(matrix.diagonal().sum() * total - taken @ present) / math.sqrt(
        spread_taken * spread_present
    )
    return max(-1.0, min(1.0, value))


def _spread(sizes: Tensor) -> float:
    """Return `(sum of sizes)^2 - sum(size^2)` without cancellation."""
    return float((sizes * (sizes.sum() - sizes)).sum()) if int((sizes > 0).sum()) > 1 else 0.0
