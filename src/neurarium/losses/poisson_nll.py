"""The Poisson negative log-likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Poisson

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.base import constant
from neurarium.losses.pointwise import PointwiseLoss

CAP = 20.0


@recorded
class PoissonNLL(PointwiseLoss):
    """The negative log-likelihood of counts, with the output z as the logarithm of the rate.

    v = exp(z) - y z + log(y!), in nats; mean over quantities. Beyond z = 20 (a rate of half a billion) the exponential
    goes on as its tangent, so that a runaway output has a finite loss and gradient.

    Args:
        mean, scale: how the targets were standardized, one number per quantity: counts = targets * scale + mean. Empty
            for targets that are counts already.

    Shapes: outputs and targets `(batch, ..., quantities)` or `(batch,)`; values `(batch, ...)`. A negative count makes
    its value NaN.

    Raises:
        OptionError: a scale that is not above 0, or mean without scale.
        ShapeError: the shapes differ.

    >>> import torch
    >>> PoissonNLL().mean(torch.log(torch.tensor([2.0])), torch.tensor([2.0]))     # -log(2^2 e^-2 / 2!)
    tensor(1.3069)
    """

    tasks = ("regression",)

    def __init__(self, mean: tuple[float, ...] = (), scale: tuple[float, ...] = ()):
        super().__init__()
        if len(mean) != len(scale) or any(not each > 0 for each in scale):
            raise OptionError(
                "the standardization of the counts is wrong",
                expected="mean and scale of one length, scales above 0",
                received=f"mean {mean}, scale {scale}",
            )
        self.shifts, self.scales = tuple(mean) or (0.0,), tuple(scale) or (1.0,)
        self.register_buffer("shift", torch.tensor(self.shifts), persistent=False)
        self.register_buffer("scale", torch.tensor(self.scales), persistent=False)
        self.shift: Tensor
        self.scale: Tensor
        self.standardized = bool(scale)

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        counts = targets
        if self.standardized:
            counts = targets * constant(self.scale, self.scales, targets) + constant(
                self.shift, self.shifts, targets
            )
        safe = counts.clamp(min=0)
        values = _exponential(outputs) - safe * outputs + torch.lgamma(safe + 1)
        # Standardizing rounds: a count of 0 may come back as -1e-5. Anything lower is no count.
        return torch.where(counts < -1e-2, torch.full_like(values, math.nan), values)

    def point(self, outputs: Tensor) -> Tensor:
        """Return the rate on the scale of the targets, `(batch, ..., quantities)`."""
        shift, scale = constant(self.shift, self.shifts, outputs), constant(self.scale, self.scales, outputs)
        return (_exponential(outputs) - shift) / scale

    def distribution(self, outputs: Tensor) -> Poisson:
        """Return the predicted distribution of the counts themselves."""
        return Poisson(_exponential(outputs))


def _exponential(outputs: Tensor) -> Tensor:
    capped = outputs.clamp(max=CAP)
    return capped.exp() + math.exp(CAP) * (outputs - capped)
