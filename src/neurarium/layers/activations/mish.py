"""Mish."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class Mish(nn.Mish):
    """Mish: g(x) = x tanh(log(1 + exp(x))). Elementwise, any shape.

    Misra, arXiv 1908.08681, equation 1.

    >>> import torch
    >>> Mish()(torch.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])
    """

    widening = 1

    def __init__(self):
        super().__init__(inplace=False)
