"""Gaussian negative log-likelihood: the surprise of a target under a predicted mean and standard deviation."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.metrics.absolute_error import ErrorMetric
from neurarium.metrics.metric import Average
from neurarium.metrics.regressed import Regressed


@recorded
class GaussianNLL(ErrorMetric):
    """Gaussian negative log-likelihood: the mean of `log(2 pi std^2) / 2 + (y - mean)^2 / (2 std^2)`, in nats.

    It depends on the unit of the targets (a unit ten times smaller adds log 10): compare in one unit only.

    Predictions: a dict with `mean` and `std` `(batch, quantities)`, or `(batch, members, quantities)` for the members of
    a deep ensemble or the passes of Monte-Carlo dropout; targets `(batch, quantities)`.

    Args:
        members: `moments`: one Gaussian with the mean and variance of the mixture (Lakshminarayanan et al. 2017,
            arXiv:1612.01474, section 2.4); `mixture`: the mixture itself, `-log mean_m N(y; mean_m, std_m)` (Gal and
            Ghahramani 2016, arXiv:1506.02142, eq. 8).
        average: `uniform`: the mean over quantities; `each`: one value per quantity.

    >>> metric = GaussianNLL()
    >>> round(metric.value({"mean": torch.tensor([0.0]), "std": torch.tensor([1.0])}, torch.tensor([0.0])), 4)
    0.9189
    """

    goal = "min"

    def __init__(self, members: Literal["moments", "mixture"] = "moments", average: Average = "uniform"):
        super().__init__(average)
        if members not in ("moments", "mixture"):
            raise OptionError(
                "members are joined in two ways", expected="moments or mixture", received=members
            )
        self.members = members

    def values(self, examples: Regressed) -> Tensor:
        mean, std = examples.part("mean", "std")
        if mean.ndim == 2:
            return surprise(mean, std, examples.targets)
        if self.members == "moments":
            return surprise(*moments(mean, std), examples.targets)
        each = surprise(mean, std, examples.targets[:, None])
        return math.log(mean.shape[1]) - torch.logsumexp(-each, dim=1)


def moments(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of an equal mixture of Gaussians `(batch, members, quantities)`.

    >>> [each.item() for each in moments(torch.tensor([[[0.0], [2.0]]]), torch.ones(1, 2, 1))][0]
    1.0
    """
    variance = std.square().mean(dim=1) + mean.var(dim=1, correction=0)
    return mean.mean(dim=1), variance.sqrt()


def surprise(mean: Tensor, std: Tensor, targets: Tensor) -> Tensor:
    """Return `-log N(targets; mean, std)` elementwise."""
    return math.log(2 * math.pi) / 2 + std.log() + ((targets - mean) / std).square() / 2
