"""The Student-t negative log-likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import StudentT
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class StudentTNLL(PointwiseLoss):
    """The negative log-likelihood of Student's t: a Gaussian with heavy tails, for targets with outliers.

    v = -log G((n+1)/2) + log G(n/2) + 1/2 log(n pi) + log s + (n+1)/2 log(1 + e^2 / (n s^2)),  e = y - location,
    s = softplus(raw) + floor, degrees n = 2 + softplus(raw) > 2, so that the variance exists. In nats.

    Args:
        degrees: degrees of freedom n; None learns them too.
        floor: the least scale s, in units of the (standardized) target.

    Shapes: targets `(batch, ..., quantities)`, outputs `(batch, ..., quantities * 3)`: location, raw scale, raw degrees
    of each quantity side by side (2 without the last when `degrees` is given); values `(batch, ...)`.

    Raises:
        OptionError: degrees or floor not above 0.
        ShapeError: the shapes do not fit.

    >>> import torch
    >>> loss = StudentTNLL(degrees=4.0)
    >>> loss.point(torch.tensor([[1.5, 0.0]]))
    tensor([[1.5000]])
    """

    tasks = ("regression",)

    def __init__(self, degrees: float | None = None, floor: float = 1e-3):
        super().__init__()
        if (degrees is not None and not degrees > 0) or not floor > 0:
            raise OptionError(
                "degrees and floor of the Student-t loss must be positive", received=f"{degrees}, {floor}"
            )
        self.degrees, self.floor = degrees, floor
        self.outputs_per_target = 3 if degrees is None else 2

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        location, scale, degrees = self._split(outputs)
        error = (targets - location) / scale
        tail = 0.5 * (degrees + 1) * torch.log1p(error.square() / degrees)
        return 0.5 * (degrees * math.pi).log() - _gamma_ratio(degrees) + scale.log() + tail

    def point(self, outputs: Tensor) -> Tensor:
        """Return the location, `(batch, ..., quantities)`."""
        return outputs[..., 0 :: self.outputs_per_target]

    def distribution(self, outputs: Tensor) -> StudentT:
        """Return the predicted distribution over `(batch, ..., quantities)`."""
        location, scale, degrees = self._split(outputs.unflatten(-1, (-1, self.outputs_per_target)))
        return StudentT(degrees, location, scale)

    def _split(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        location, scale = outputs[..., 0], functional.softplus(outputs[..., 1]) + self.floor
        if self.degrees is None:
            return location, scale, 2 + functional.softplus(outputs[..., 2])
        return location, scale, torch.full_like(location, self.degrees)


def _gamma_ratio(degrees: Tensor) -> Tensor:
    """Return log G((n+1)/2) - log G(n/2); for large n by its series, where the difference would cancel in float32."""
    half = degrees / 2
    small, large = half.clamp(max=50), half.clamp(min=50)
    exact = torch.lgamma(small + 0.5) - torch.lgamma(small)
    series = 0.5 * large.log() - 1 / (8 * large) + 1 / (192 * large**3)
    return torch.where(half < 50, exact, series)
