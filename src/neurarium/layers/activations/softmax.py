"""The softmax."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class Softmax(nn.Softmax):
    """The softmax: g(x)_i = exp(x_i) / sum_j exp(x_j), positive numbers that sum to 1.

    The greatest x is taken off first, so that no finite x overflows. Its Jacobian is diag(g) - g g^T. Losses take logits:
    do not put it before one.

    Args:
        dim: the axis that sums to 1.

    >>> import torch
    >>> Softmax()(torch.tensor([1e4, 1e4]))
    tensor([0.5000, 0.5000])
    """

    widening = 1

    def __init__(self, dim: int = -1):
        super().__init__(dim)
