"""Maxout."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded


@recorded
class Maxout(nn.Module):
    """Maxout: g(x)_i = max of the pieces x_i1 ... x_ik; after a linear layer, a learned convex function.

    Args:
        pieces: k, how many numbers compete for one.
        dim: the axis of the features.

    Shapes: `(..., pieces * features)` -> `(..., features)`, the pieces of one feature side by side.

    Raises:
        OptionError: fewer than two pieces.
        ShapeError: features that the pieces do not divide.

    Goodfellow et al., "Maxout networks", arXiv 1302.4389, section 2.

    >>> import torch
    >>> Maxout()(torch.tensor([1.0, 3.0, -2.0, -5.0]))
    tensor([ 3., -2.])
    """

    def __init__(self, pieces: int = 2, dim: int = -1):
        super().__init__()
        if pieces < 2:
            raise OptionError("maxout needs pieces to choose from", expected="2 or more", received=pieces)
        self.pieces, self.dim = pieces, dim

    @property
    def widening(self) -> int:
        return self.pieces

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.shape[self.dim] % self.pieces:
            raise ShapeError(
                "the pieces of maxout do not divide its inputs",
                expected=f"a multiple of {self.pieces} features",
                received=tuple(inputs.shape),
                fix=f"make the layer before it {self.pieces} times as wide as what should come out",
            )
        return inputs.unflatten(self.dim, (-1, self.pieces)).amax(self.dim if self.dim < 0 else self.dim + 1)
