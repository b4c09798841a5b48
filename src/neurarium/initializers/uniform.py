"""Uniform weights of a given bound."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans, Initializer, positive


@recorded
class Uniform(Initializer):
    """Uniform weights: w ~ U(-bound, bound), of standard deviation bound / sqrt(3).

    Args:
        bound: the greatest size.

    Raises:
        OptionError: a bound that is not above 0.

    >>> weight = torch.empty(300, 300)
    >>> Uniform(0.5)(weight, generator=torch.Generator().manual_seed(0))
    >>> bool(0.49 < weight.max() < 0.5)
    True
    """

    def __init__(self, bound: float = 0.05):
        self.bound = positive(bound, "the bound")

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        weight.uniform_(-self.bound, self.bound, generator=generator)
