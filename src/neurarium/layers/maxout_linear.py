"""A maxout layer: the largest of several linear maps."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.layers.activations.maxout import Maxout


@recorded
class MaxoutLinear(nn.Module):
    """A maxout layer: y_i = max_j (W_ij x + b_ij), j = 1..pieces: a convex, piecewise linear unit that is learned.

    Args:
        in_features, out_features: sizes.
        pieces: how many linear maps compete for one output.

    Shapes: `(..., in_features)` -> `(..., out_features)`.

    Raises:
        OptionError: fewer than two pieces.

    Goodfellow et al., "Maxout networks", arXiv 1302.4389, section 2.

    >>> import torch
    >>> MaxoutLinear(4, 6, pieces=3)(torch.zeros(2, 4)).shape
    torch.Size([2, 6])
    """

    def __init__(self, in_features: int, out_features: int, pieces: int = 2):
        super().__init__()
        self.maxout = Maxout(pieces)
        self.linear = nn.Linear(in_features, out_features * pieces)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.maxout(self.linear(inputs))
