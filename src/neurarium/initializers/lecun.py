"""LeCun initialization."""

from __future__ import annotations

import math

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans
from neurarium.initializers.scaled import Scaled


@recorded
class LeCunNormal(Scaled):
    """LeCun, normal: std = sqrt(1 / n_in): a linear layer keeps the variance of its inputs. The one for SELU.

    LeCun et al., "Efficient backprop" (1998), equation 16; Klambauer et al., arXiv 1706.02515, section 2.

    >>> LeCunNormal().std(Fans(100, 300))
    0.1
    """

    def std(self, fans: Fans) -> float:
        return math.sqrt(1 / fans.inputs)


@recorded
class LeCunUniform(LeCunNormal):
    """LeCun, uniform: bound = sqrt(3 / n_in), of the variance of the normal one.

    LeCun et al., "Efficient backprop" (1998), equation 16.
    """

    uniform = True
