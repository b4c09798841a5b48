"""Constants: zeros, and any other number."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans, Initializer


@recorded
class Zeros(Initializer):
    """All zeros: right for biases, wrong for weights.

    With W = 0 every unit of a layer computes the same and gets the same gradient, for ever: the layer is one unit wide.
    With all layers at zero not even that is learned: only the last bias has a gradient that is not zero.

    >>> weight = torch.ones(2, 2)
    >>> Zeros()(weight)
    >>> weight.sum()
    tensor(0.)
    """

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        weight.zero_()


@recorded
class Constant(Initializer):
    """One number everywhere. For weights it has the symmetry of zeros.

    Args:
        value: the number.

    >>> weight = torch.zeros(2, 2)
    >>> Constant(0.5)(weight)
    >>> weight.sum()
    tensor(2.)
    """

    def __init__(self, value: float = 0.0):
        self.value = value

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        weight.fill_(self.value)
