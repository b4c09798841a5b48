"""The identity."""

from __future__ import annotations

from torch import nn

from neurarium.core.recipe import recorded


@recorded
class Identity(nn.Identity):
    """The identity: g(x) = x, for linear layers. Any shape; the derivative is 1.

    >>> import torch
    >>> Identity()(torch.tensor([-1.0, 2.0]))
    tensor([-1.,  2.])
    """

    widening = 1

    def __init__(self):
        super().__init__()
