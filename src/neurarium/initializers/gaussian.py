"""Gaussian weights of a given spread."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans, Initializer, positive


@recorded
class Gaussian(Initializer):
    """Gaussian weights: w ~ N(mean, std^2), whatever the size of the layer.

    Args:
        std: the standard deviation sigma.
        mean: the mean.

    Raises:
        OptionError: a standard deviation that is not above 0.

    >>> weight = torch.empty(300, 300)
    >>> Gaussian(0.1)(weight, generator=torch.Generator().manual_seed(0))
    >>> round(weight.std().item(), 3)
    0.1
    """

    def __init__(self, std: float = 0.01, mean: float = 0.0):
        self.std, self.mean = positive(std, "the standard deviation"), mean

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        weight.normal_(self.mean, self.std, generator=generator)


@recorded
class TruncatedNormal(Initializer):
    """Gaussian weights without tails: drawn again beyond `cut` standard deviations.

    Their standard deviation is `std` itself: the parent Gaussian is as much wider as the cut takes away (by 1.1369 for
    cut = 2), so that no weight exceeds cut * 1.1369 * std. torch's `trunc_normal_` leaves out that correction.

    Args:
        std: the standard deviation of the weights.
        cut: where the parent Gaussian is cut, in its standard deviations.

    Raises:
        OptionError: std or cut not above 0.

    >>> weight = torch.empty(300, 300)
    >>> TruncatedNormal(0.02)(weight, generator=torch.Generator().manual_seed(0))
    >>> round(weight.std().item(), 3), bool(weight.abs().max() < 0.046)
    (0.02, True)
    """

    def __init__(self, std: float = 0.02, cut: float = 2.0):
        self.std, self.cut = positive(std, "the standard deviation"), positive(cut, "the cut")

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        # Inverse transform: a uniform share of the mass between the cuts, through the quantile function.
        share = math.erf(self.cut / math.sqrt(2))
        density = math.exp(-0.5 * self.cut**2) / math.sqrt(2 * math.pi)
        spread = math.sqrt(1 - 2 * self.cut * density / share)
        uniform = torch.empty(weight.shape, dtype=torch.float64).uniform_(-share, share, generator=generator)
        weight.copy_(torch.erfinv(uniform) * (math.sqrt(2) * self.std / spread))
