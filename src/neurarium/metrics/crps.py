"""CRPS: the error of a predicted distribution, in the unit of the targets."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.absolute_error import ErrorMetric
from neurarium.metrics.metric import Average
from neurarium.metrics.quantile_loss import checked_levels, pinball
from neurarium.metrics.regressed import Regressed


@recorded
class CRPS(ErrorMetric):
    """Continuous ranked probability score: the mean of `integral (F(x) - [y <= x])^2 dx = E|X - y| - E|X - X'| / 2`.

    Of a single number it is the absolute error, so CRPS and MAE compare a distribution with a point. In the unit of the
    targets; a float of 0 or more, or `(quantities,)`.

    Predictions: a dict with
    `samples` `(batch, samples, quantities)`: by sorting; with `fair` the estimate free of bias by the number of samples;
    `quantiles` `(batch, levels, quantities)`: twice the mean pinball loss over evenly spaced levels, an approximation;
    `mean` and `std`: the closed form for a Gaussian (Gneiting and Raftery 2007, eq. 21), with a members axis for an
    equal mixture of Gaussians (Grimit et al. 2006).

    Args:
        levels: the probability below each predicted quantile.
        fair: divide pairs of samples by M (M - 1) instead of M^2.
        average: `uniform`: the mean over quantities; `each`: one value per quantity.

    >>> metric = CRPS()
    >>> round(metric.value({"mean": torch.tensor([0.0]), "std": torch.tensor([1.0])}, torch.tensor([0.0])), 4)
    0.2337
    """

    goal = "min"

    def __init__(
        self,
        levels: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        fair: bool = False,
        average: Average = "uniform",
    ):
        super().__init__(average)
        self.levels, self.fair = checked_levels(levels), fair

    def values(self, examples: Regressed) -> Tensor:
        parts, targets = examples.parts, examples.targets
        if "samples" in parts:
            return of_samples(parts["samples"], targets, fair=self.fair)
        if "quantiles" in parts:
            return 2 * pinball(parts["quantiles"], targets, self.levels).mean(dim=1)
        if "std" in parts:
            mean, std = examples.part("mean", "std")
            return of_gaussians(mean, std, targets)
        return (examples.predictions - targets).abs()


def of_samples(samples: Tensor, targets: Tensor, *, fair: bool = False) -> Tensor:
    """Return the CRPS of samples `(batch, samples, quantities)`: `(batch, quantities)`."""
    count = samples.shape[1]
    error = (samples - targets[:, None]).abs().mean(dim=1)
    rank = torch.arange(1, count + 1, dtype=samples.dtype, device=samples.device)[:, None]
    # The sum over pairs |x_i - x_j| is 2 sum_i (2 i - M - 1) x_(i): O(M log M) instead of O(M^2).
    pairs = 2 * ((2 * rank - count - 1) * samples.sort(dim=1).values).sum(dim=1)
    return error - pairs / (2 * count * (max(count - 1, 1) if fair else count))


def of_gaussians(mean: Tensor, std: Tensor, targets: Tensor) -> Tensor:
    """Return the CRPS of Gaussians, or of equal mixtures of Gaussians `(batch, members, quantities)`."""
    if mean.ndim == 2:
        mean, std = mean[:, None], std[:, None]
    near = _distance(targets[:, None] - mean, std).mean(dim=1)
    apart = _distance(
        mean[:, :, None] - mean[:, None], (std[:, :, None].square() + std[:, None].square()).sqrt()
    )
    return near - apart.mean(dim=(1, 2)) / 2


def _distance(mean: Tensor, std: Tensor) -> Tensor:
    """Return E|Z| of a Gaussian."""
    ratio = mean / std
    density = torch.exp(-ratio.square() / 2) / math.sqrt(2 * math.pi)
    return 2 * std * density + mean * torch.erf(ratio / math.sqrt(2))
