"""The elastic net."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.regularizers.regularizer import How, Regularizer, checked, soft_threshold


@recorded
class ElasticNet(Regularizer):
    """The elastic net: R(w) = lambda_1 sum |w| + lambda_2 sum w^2: sparse as L1, and of correlated inputs it keeps all.

    The proximal step is w <- sign(w) max(|w| - rate lambda_1, 0) / (1 + 2 rate lambda_2).

    scikit-learn's `ElasticNet(alpha, l1_ratio)` minimizes |y - X w|^2 / (2 n) + alpha l1_ratio |w|_1
    + alpha (1 - l1_ratio) |w|^2 / 2: with the mean squared error as loss it is lambda_1 = 2 alpha l1_ratio and
    lambda_2 = alpha (1 - l1_ratio).

    Args:
        l1: lambda_1, 0 or more.
        l2: lambda_2, 0 or more.
        how: a `proximal` step after the optimizer's, or a `penalty` in the loss.

    Raises:
        OptionError: a negative strength.

    Zou and Hastie, "Regularization and variable selection via the elastic net" (2005), equation 3.

    >>> import torch
    >>> weight = torch.tensor([-2.0, 0.05, 1.0])
    >>> ElasticNet(l1=0.5, l2=0.5).proximal_(weight, step_size=0.2)
    >>> weight
    tensor([-1.5833,  0.0000,  0.7500])
    """

    def __init__(self, l1: float = 1e-4, l2: float = 1e-4, how: How = "proximal"):
        self.l1, self.l2, self.how = checked(l1), checked(l2), how

    def term(self, parameter: Tensor) -> Tensor:
        return self.l1 * parameter.abs().sum() + self.l2 * parameter.square().sum()

    def shrunk(self, parameter: Tensor, step_size: float) -> Tensor:
        return soft_threshold(parameter, step_size * self.l1) / (1 + 2 * step_size * self.l2)
