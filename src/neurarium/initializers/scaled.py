"""Variance scaling: what Glorot, LeCun and He share."""

from __future__ import annotations

import abc
import math
from typing import ClassVar

import torch
from torch import Tensor

from neurarium.initializers.initializer import Fans, Initializer


class Scaled(Initializer):
    """The base of the initializers whose standard deviation follows from the fans.

    A normal one draws from N(0, std^2), a uniform one from U(-sqrt(3) std, sqrt(3) std): the same variance.
    """

    uniform: ClassVar[bool] = False

    @abc.abstractmethod
    def std(self, fans: Fans) -> float:
        """Return the standard deviation for these fans."""

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        std = self.std(fans)
        if self.uniform:
            weight.uniform_(-math.sqrt(3) * std, math.sqrt(3) * std, generator=generator)
        else:
            weight.normal_(0.0, std, generator=generator)
