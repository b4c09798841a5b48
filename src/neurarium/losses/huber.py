"""The Huber loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class Huber(PointwiseLoss):
    """The Huber loss: squared near zero, linear for outliers.

    With e = z - y:  v = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); mean over quantities.

    Args:
        delta: where the parabola becomes a line, in units of the (standardized) target.

    Shapes: outputs and targets `(batch, ..., quantities)` or `(batch,)`; values `(batch, ...)`.

    Raises:
        OptionError: delta is not above 0.
        ShapeError: the shapes differ.

    Huber, "Robust estimation of a location parameter" (1964).

    >>> import torch
    >>> Huber(delta=1.0).elementwise(torch.tensor([0.5, 3.0]), torch.tensor([0.0, 0.0]))
    tensor([0.1250, 2.5000])
    """

    tasks = ("regression",)

    def __init__(self, delta: float = 1.0):
        super().__init__()
        if not delta > 0:
            raise OptionError(
                "delta of the Huber loss is not positive", expected="a number above 0", received=delta
            )
        self.delta = delta

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        error = (outputs - targets).abs()
        inside = error.clamp(max=self.delta)
        return inside * (error - 0.5 * inside)

    def summed(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.huber_loss(outputs, targets, reduction="sum", delta=self.delta)
