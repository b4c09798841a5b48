"""The max-norm constraint."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.regularizers.regularizer import Regularizer, no_penalty


@recorded
class MaxNorm(Regularizer):
    """The max-norm constraint: no unit's incoming weights are longer than c, |w_i| <= c.

    R is 0 within the ball and infinite outside: it has no penalty, and its proximal step is the projection
    w_i <- w_i min(1, c / |w_i|), whatever the step size. A unit is a row of `(out, in, ...)`.

    Args:
        limit: c, above 0.

    Raises:
        OptionError: a limit that is not above 0.
        RefusalError: asked for its penalty.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014), section 5.1.

    >>> weight = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    >>> MaxNorm(1.0).proximal_(weight, step_size=0.1)
    >>> weight
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """

    how = "proximal"

    def __init__(self, limit: float = 3.0):
        if not limit > 0:
            raise OptionError("the limit of the max-norm is not positive", expected="above 0", received=limit)
        self.limit = float(limit)

    def term(self, parameter: Tensor) -> Tensor:
        raise no_penalty("MaxNorm")

    def shrunk(self, parameter: Tensor, step_size: float) -> Tensor:
        axes = tuple(range(1, parameter.ndim)) or (0,)
        length = torch.linalg.vector_norm(parameter, dim=axes, keepdim=True)
        # What is within stays bitwise: a factor of exactly 1.
        return parameter * (self.limit / length.clamp(min=self.limit))
