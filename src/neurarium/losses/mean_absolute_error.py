"""The mean absolute error."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from neurarium.core.recipe import recorded
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class MeanAbsoluteError(PointwiseLoss):
    """The mean absolute error, which the conditional median minimizes.

    v = 1/k sum_j |z_j - y_j|; its gradient is a sign, and 0 where z = y.

    Shapes: outputs and targets `(batch, ..., quantities)` or `(batch,)`; values `(batch, ...)`.

    Raises:
        ShapeError: the shapes differ.

    >>> import torch
    >>> MeanAbsoluteError().mean(torch.tensor([1.0, -3.0]), torch.tensor([0.0, 0.0]))
    tensor(2.)
    """

    tasks = ("regression",)

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).abs()

    def summed(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.l1_loss(outputs, targets, reduction="sum")
