"""The mean squared error."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from neurarium.core.recipe import recorded
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class MeanSquaredError(PointwiseLoss):
    """The mean squared error.

    v = 1/k sum_j (z_j - y_j)^2: the negative log-likelihood of a Gaussian of fixed variance, but for constants.

    Shapes: outputs and targets `(batch, ..., quantities)` or `(batch,)`; values `(batch, ...)`.

    Raises:
        ShapeError: the shapes differ.

    >>> import torch
    >>> MeanSquaredError()(torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 0.0]))
    Sum(total=tensor(5.), weight=2)
    """

    tasks = ("regression",)

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square()

    def summed(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.mse_loss(outputs, targets, reduction="sum")
