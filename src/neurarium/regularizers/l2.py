"""L2 regularization (ridge)."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.regularizers.regularizer import How, Regularizer, checked


@recorded
class L2(Regularizer):
    """L2, ridge: R(w) = lambda sum w^2; weights become small, none becomes zero.

    The proximal step is w <- w / (1 + 2 rate lambda). Under plain gradient descent the penalty is the weight decay
    w <- (1 - 2 rate lambda) w, so lambda is half of an optimizer's `weight_decay`; under Adam the two differ, and
    decoupled weight decay (AdamW) is the better one.

    scikit-learn's `Ridge(alpha)` minimizes |y - X w|^2 + alpha |w|^2: with the mean squared error as loss it is
    lambda = alpha / n.

    Args:
        strength: lambda, 0 or more.
        how: a `penalty` in the loss, or a `proximal` step after the optimizer's.

    Raises:
        OptionError: a negative strength.

    Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv 1711.05101.

    >>> import torch
    >>> weight = torch.tensor([-2.0, 1.0])
    >>> L2(0.5).penalty([("weight", weight)])
    tensor(2.5000)
    >>> L2(0.5).proximal_(weight, step_size=1.0)
    >>> weight
    tensor([-1.0000,  0.5000])
    """

    def __init__(self, strength: float = 1e-4, how: How = "penalty"):
        self.strength, self.how = checked(strength), how

    def term(self, parameter: Tensor) -> Tensor:
        return self.strength * parameter.square().sum()

    def shrunk(self, parameter: Tensor, step_size: float) -> Tensor:
        return parameter / (1 + 2 * step_size * self.strength)
