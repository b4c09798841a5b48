"""Reversible normalization: each window by its own mean and scale, and back after the network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.recipe import recorded


class Statistics(NamedTuple):
    """Mean and scale of each window, `(batch, 1, channels)`."""

    mean: Tensor
    scale: Tensor


@recorded
class ReversibleNormalization(nn.Module):
    r"""Standardize each window and channel over time; undo it on what was forecast (RevIN).

    forward: z = gamma (x - mu) / sqrt(sigma^2 + eps) + beta, mu and sigma^2 over the steps of the window (equations 1, 2);
    restore: y = sqrt(sigma^2 + eps) (z - beta) / gamma + mu (equation 3).

    Args:
        channels: of a series.
        affine: whether gamma and beta are learned; else they are 1 and 0.
        floor: eps, in squared units of the series.

    `forward`: `(batch, steps, channels)` -> the same shape, and the statistics. `restore`: `(batch, steps, channels)` ->
    the same shape.

    Kim et al., "Reversible instance normalization", ICLR 2022, equations 1 to 3.

    >>> norm = ReversibleNormalization(2)
    >>> series = 5 + 3 * torch.randn(4, 9, 2)
    >>> normal, statistics = norm(series)
    >>> bool(normal.mean(dim=1).abs().max() < 1e-5), bool(torch.allclose(norm.restore(normal, statistics), series, atol=1e-4))
    (True, True)
    """

    def __init__(self, channels: int, affine: bool = False, floor: float = 1e-5):
        super().__init__()
        self.floor = floor
        self.gain = nn.Parameter(torch.ones(channels)) if affine else None
        self.shift = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, series: Tensor) -> tuple[Tensor, Statistics]:
        mean = series.mean(dim=1, keepdim=True).detach()
        scale = (series.var(dim=1, keepdim=True, correction=0) + self.floor).sqrt().detach()
        normal = (series - mean) / scale
        if self.gain is not None and self.shift is not None:
            normal = normal * self.gain + self.shift
        return normal, Statistics(mean, scale)

    def restore(self, normal: Tensor, statistics: Statistics) -> Tensor:
        """Bring a forecast back to the level and the spread of its window."""
        if self.gain is not None and self.shift is not None:
            normal = (normal - self.shift) / self.gain
        return normal * statistics.scale + statistics.mean

    def restore_gaussian(self, outputs: Tensor, statistics: Statistics) -> Tensor:
        """Bring means and raw variances back, `(batch, steps, channels, 2)`: variance = softplus(raw), times scale^2.

        A raw variance r becomes r' with softplus(r') = softplus(r) scale^2.
        """
        mean = self.restore(outputs[..., 0], statistics)
        factor = statistics.scale if self.gain is None else statistics.scale / self.gain
        variance = (functional.softplus(outputs[..., 1]) * factor.square()).clamp(min=1e-7)
        raw = variance + torch.log(-torch.expm1(-variance))  # the inverse of softplus
        return torch.stack([mean, raw], dim=-1)
