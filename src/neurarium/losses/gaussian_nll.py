"""The Gaussian negative log-likelihood."""

from __future__ import annotations

import math

from torch import Tensor
from torch.distributions import Normal
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class GaussianNLL(PointwiseLoss):
    """The negative log-likelihood of a Gaussian whose mean and variance are both learned.

    v = 1/2 log(2 pi s2) + (y - m)^2 / (2 s2),  s2 = softplus(raw) + floor; mean over quantities, in nats.

    Args:
        floor: the least variance, in squared units of the (standardized) target; keeps the loss bounded below.

    Shapes: targets `(batch, ..., quantities)`, outputs `(batch, ..., quantities * 2)`: mean and raw variance of each
    quantity side by side; values `(batch, ...)`.

    Raises:
        OptionError: the floor is not above 0.
        ShapeError: the shapes do not fit.

    Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles",
    arXiv 1612.01474, equation 1.

    >>> import torch
    >>> raw = torch.log(torch.expm1(torch.tensor(1.0)))             # softplus(raw) = 1
    >>> GaussianNLL().mean(torch.stack([torch.zeros(1), raw[None]], dim=1), torch.ones(1))
    tensor(1.4189)
    """

    tasks = ("regression",)
    outputs_per_target = 2

    def __init__(self, floor: float = 1e-6):
        super().__init__()
        if not floor > 0:
            raise OptionError(
                "the least variance is not positive", expected="a number above 0", received=floor
            )
        self.floor = floor

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        mean, raw = outputs.unbind(-1)
        variance = functional.softplus(raw) + self.floor
        return 0.5 * (math.log(2 * math.pi) + variance.log() + (targets - mean).square() / variance)

    def point(self, outputs: Tensor) -> Tensor:
        """Return the mean, `(batch, ..., quantities)`."""
        return outputs[..., 0::2]

    def distribution(self, outputs: Tensor) -> Normal:
        """Return the predicted distribution over `(batch, ..., quantities)`."""
        variance = functional.softplus(outputs[..., 1::2]) + self.floor
        return Normal(outputs[..., 0::2], variance.sqrt())
