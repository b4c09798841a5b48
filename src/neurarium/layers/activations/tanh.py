"""The hyperbolic tangent and its piecewise linear form."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class Tanh(nn.Tanh):
    """The hyperbolic tangent: g(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x)), between -1 and 1. Elementwise, any shape.

    g' = 1 - g^2 is 1 at zero: near zero a layer is linear, with centred outputs.

    >>> import torch
    >>> Tanh()(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    widening = 1


@recorded
class HardTanh(nn.Hardtanh):
    """The hard hyperbolic tangent: g(x) = min(max(x, -1), 1). Elementwise, any shape.

    >>> import torch
    >>> HardTanh()(torch.tensor([-4.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)
