"""L1 regularization (the lasso)."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.regularizers.regularizer import How, Regularizer, checked, soft_threshold


@recorded
class L1(Regularizer):
    """L1, the lasso: R(w) = lambda sum |w|; with a proximal step, weights become exactly zero.

    The proximal step is the soft threshold w <- sign(w) max(|w| - rate lambda, 0). The subgradient of the penalty,
    lambda sign(w), steps over zero back and forth by rate * lambda and never rests on it.

    scikit-learn's `Lasso(alpha)` minimizes |y - X w|^2 / (2 n) + alpha |w|_1: with the mean squared error as loss it is
    lambda = 2 alpha.

    Args:
        strength: lambda, 0 or more.
        how: a `proximal` step after the optimizer's, or a `penalty` in the loss.

    Raises:
        OptionError: a negative strength.

    Tibshirani, "Regression shrinkage and selection via the lasso" (1996).

    >>> import torch
    >>> weight = torch.tensor([-2.0, 0.05, 1.0])
    >>> L1(0.5).penalty([("weight", weight)])
    tensor(1.5250)
    >>> L1(0.5).proximal_(weight, step_size=0.2)
    >>> weight
    tensor([-1.9000,  0.0000,  0.9000])
    """

    def __init__(self, strength: float = 1e-4, how: How = "proximal"):
        self.strength, self.how = checked(strength), how

    def term(self, parameter: Tensor) -> Tensor:
        return self.strength * parameter.abs().sum()

    def shrunk(self, parameter: Tensor, step_size: float) -> Tensor:
        return soft_threshold(parameter, step_size * self.strength)
