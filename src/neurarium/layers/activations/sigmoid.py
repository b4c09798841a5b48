"""The sigmoid and its piecewise linear form."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.recipe import recorded


@recorded
class Sigmoid(nn.Sigmoid):
    """The sigmoid: g(x) = 1 / (1 + exp(-x)), between 0 and 1. Elementwise, any shape.

    g' = g (1 - g) <= 1/4: in a deep stack each layer shrinks the gradient at least fourfold, but for its weights.

    >>> import torch
    >>> Sigmoid()(torch.tensor([0.0, -1e4, 1e4]))
    tensor([0.5000, 0.0000, 1.0000])
    """

    widening = 1


@recorded
class HardSigmoid(nn.Hardsigmoid):
    """The hard sigmoid: g(x) = min(max(x / 6 + 1/2, 0), 1). Elementwise, any shape.

    Howard et al., "Searching for MobileNetV3", arXiv 1905.02244, section 5.2.

    >>> import torch
    >>> HardSigmoid()(torch.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)

    def forward(self, inputs: Tensor) -> Tensor:
        # torch's kernel of the hard sigmoid has no second derivative, which MAML and gradient penalties take.
        return nn.functional.relu6(inputs + 3) / 6
