"""Pinball loss: the error of predicted quantiles."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.absolute_error import ErrorMetric
from neurarium.metrics.metric import Average
from neurarium.metrics.regressed import Regressed


def pinball(quantiles: Tensor, targets: Tensor, levels: tuple[float, ...]) -> Tensor:
    """Return the pinball loss `max(level (y - q), (level - 1) (y - q))`.

    Args:
        quantiles: `(batch, levels, quantities)`.
        targets: `(batch, quantities)`.
        levels: the probability below each quantile.

    Returns:
        `(batch, levels, quantities)`.

    Raises:
        ShapeError: not one quantile per level.
    """
    if quantiles.shape[1] != len(levels):
        raise ShapeError(
            "there is not one predicted quantile per level", expected=f"{len(levels)} ({levels})",
            received=quantiles.shape[1],
        )  # fmt: skip
    level = torch.tensor(levels, dtype=torch.float64, device=targets.device)[:, None]
    error = targets[:, None] - quantiles
    return torch.maximum(level * error, (level - 1) * error)


def checked_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Check that levels lie strictly between 0 and 1."""
    if not levels or any(not 0 < level < 1 for level in levels):
        raise OptionError("the levels are not possible", expected="numbers between 0 and 1", received=levels)
    return tuple(levels)


@recorded
class Pinball(ErrorMetric):
    """Pinball loss, the mean over levels; half the mean absolute error at level 0.5.

    Predictions: a dict with `quantiles` `(batch, levels, quantities)`; targets `(batch, quantities)`.

    Args:
        levels: the probability below each quantile, in the order of the predictions.
        average: `uniform`: the mean over quantities; `each`: one value per quantity.

    >>> Pinball(levels=(0.5,)).value({"quantiles": torch.tensor([[1.0], [4.0]])}, torch.tensor([2.0, 1.0]))
    1.0
    """

    goal = "min"

    def __init__(self, levels: tuple[float, ...] = (0.1, 0.5, 0.9), average: Average = "uniform"):
        super().__init__(average)
        self.levels = checked_levels(levels)

    def values(self, examples: Regressed) -> Tensor:
        (quantiles,) = examples.part("quantiles")
        return pinball(quantiles, examples.targets, self.levels).mean(dim=1)
