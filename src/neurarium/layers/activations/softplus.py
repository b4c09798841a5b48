"""The softplus."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.recipe import recorded


@recorded
class Softplus(nn.Softplus):
    """The softplus: g(x) = log(1 + exp(beta x)) / beta, a smooth ReLU; g' = sigmoid(beta x). Elementwise, any shape.

    Args:
        beta: sharpness.

    >>> import torch
    >>> Softplus()(torch.tensor([0.0, 1e4]))
    tensor([6.9315e-01, 1.0000e+04])
    """

    widening = 1

    def __init__(self, beta: float = 1.0):
        super().__init__(beta=beta)

    def forward(self, inputs: Tensor) -> Tensor:
        # torch's own switches to the line at beta x = 20 and is 2e-9 off there; this is exact in float64 too.
        return -functional.logsigmoid(-self.beta * inputs) / self.beta
