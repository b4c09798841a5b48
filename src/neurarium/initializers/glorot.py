"""Glorot (Xavier) initialization."""

from __future__ import annotations

import math

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans, positive
from neurarium.initializers.scaled import Scaled


@recorded
class GlorotNormal(Scaled):
    """Glorot (Xavier), normal: std = gain sqrt(2 / (n_in + n_out)), between what keeps signals and what keeps gradients.

    Derived for activations that are linear about zero (tanh). The formula sqrt(1 / n_in) that often bears the name Xavier
    is LeCun's.

    Args:
        gain: a factor.

    Raises:
        OptionError: a gain that is not above 0.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 12.

    >>> GlorotNormal().std(Fans(100, 300))
    0.07071067811865475
    """

    def __init__(self, gain: float = 1.0):
        self.gain = positive(gain, "the gain")

    def std(self, fans: Fans) -> float:
        return self.gain * math.sqrt(2 / (fans.inputs + fans.outputs))


@recorded
class GlorotUniform(GlorotNormal):
    """Glorot (Xavier), uniform: bound = gain sqrt(6 / (n_in + n_out)), of the variance of the normal one.

    Args:
        gain: a factor.

    Raises:
        OptionError: a gain that is not above 0.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 16.
    """

    uniform = True

    def __init__(self, gain: float = 1.0):
        super().__init__(gain)
