"""The quantile (pinball) loss."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.base import constant
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class Quantile(PointwiseLoss):
    """The quantile loss: each output learns one conditional quantile.

    With e = y - z:  v = max(tau e, (tau - 1) e), mean over the levels tau and over quantities. At tau = 1/2 it is half
    the absolute error.

    Args:
        levels: increasing probabilities tau in (0, 1). Quantiles that are learned apart may cross.

    Shapes: targets `(batch, ..., quantities)`, outputs `(batch, ..., quantities * levels)`; values `(batch, ...)`.

    Raises:
        OptionError: levels that are not increasing numbers between 0 and 1.
        ShapeError: the shapes do not fit.

    Koenker and Bassett, "Regression quantiles" (1978).

    >>> import torch
    >>> Quantile((0.9,)).elementwise(torch.tensor([0.0, 0.0]), torch.tensor([1.0, -1.0]))
    tensor([0.9000, 0.1000])
    """

    tasks = ("regression",)

    def __init__(self, levels: tuple[float, ...] = (0.1, 0.5, 0.9)):
        super().__init__()
        levels = tuple(float(level) for level in levels)
        if not levels or sorted(set(levels)) != list(levels) or not (levels[0] > 0 and levels[-1] < 1):
            raise OptionError(
                "the quantile levels are wrong", expected="increasing, in (0, 1)", received=levels
            )
        self.levels = levels
        self.outputs_per_target = len(levels)
        self.register_buffer("level", torch.tensor(levels), persistent=False)
        self.level: Tensor

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        level = constant(self.level, self.levels, outputs)
        if len(self.levels) == 1:
            error = targets - outputs
            return torch.maximum(level * error, (level - 1) * error)
        error = targets.unsqueeze(-1) - outputs
        return torch.maximum(level * error, (level - 1) * error).mean(-1)

    def point(self, outputs: Tensor) -> Tensor:
        """Return the quantile nearest to the median, `(batch, ..., quantities)`."""
        middle = min(range(len(self.levels)), key=lambda index: abs(self.levels[index] - 0.5))
        return outputs.unflatten(-1, (-1, len(self.levels)))[..., middle]
