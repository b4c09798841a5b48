"""He initialization."""

from __future__ import annotations

import math
from typing import Literal

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans
from neurarium.initializers.scaled import Scaled


@recorded
class HeNormal(Scaled):
    """He (Kaiming), normal: std = sqrt(2 / ((1 + a^2) n)): a rectifier halves the second moment, 2 restores it.

    Args:
        slope: a, the slope below zero of a leaky ReLU; 0 for ReLU.
        keeps: what stays level from layer to layer: the `signal` (n = n_in) or the `gradient` (n = n_out).

    He et al., "Delving deep into rectifiers", arXiv 1502.01852, equations 10, 14 and 15.

    >>> HeNormal().std(Fans(200, 50))
    0.1
    """

    def __init__(self, slope: float = 0.0, keeps: Literal["signal", "gradient"] = "signal"):
        self.slope, self.keeps = slope, keeps

    def std(self, fans: Fans) -> float:
        return math.sqrt(
            2 / ((1 + self.slope**2) * (fans.inputs if self.keeps == "signal" else fans.outputs))
        )


@recorded
class HeUniform(HeNormal):
    """He (Kaiming), uniform: bound = sqrt(6 / ((1 + a^2) n)), of the variance of the normal one.

    Args:
        slope: a, the slope below zero of a leaky ReLU; 0 for ReLU.
        keeps: what stays level: the `signal` (n = n_in) or the `gradient` (n = n_out).

    He et al., "Delving deep into rectifiers", arXiv 1502.01852.
    """

    uniform = True

    def __init__(self, slope: float = 0.0, keeps: Literal["signal", "gradient"] = "signal"):
        super().__init__(slope, keeps)
