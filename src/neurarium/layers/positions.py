"""Positions: what tells a transformer where a token stands. Without them it sees a bag of tokens."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded


@recorded
class SinusoidalPositions(nn.Module):
    """Add waves of falling frequency: P(i, 2k) = sin(i / 10000^(2k/d)), P(i, 2k+1) = cos(i / 10000^(2k/d)).

    Nothing is learned, and any length can be read.

    Args:
        dim: d, numbers per position.

    `forward`: `(batch, length, dim)`, and the position of the first, 0 when left out -> the same shape.

    Vaswani et al. 2017, arXiv:1706.03762, section 3.5.

    >>> SinusoidalPositions(4)(torch.zeros(1, 2, 4))[0, 0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, inputs: Tensor, start: int = 0) -> Tensor:
        even = torch.arange(0, self.dim, 2, device=inputs.device, dtype=torch.float32)
        place = torch.arange(start, start + inputs.shape[1], device=inputs.device, dtype=torch.float32)
        angles = place[:, None] * torch.exp(-math.log(10_000.0) / self.dim * even)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, : self.dim]
        return inputs + waves.to(inputs.dtype)


@recorded
class LearnedPositions(nn.Module):
    """Add a learned vector per position: x_i + p_i.

    Args:
        dim: numbers per position.
        longest: how many positions there are.

    `forward`: `(batch, length, dim)`, and the position of the first, 0 when left out -> the same shape.

    Raises:
        ShapeError: a sequence that is longer.

    >>> LearnedPositions(4, 8)(torch.zeros(2, 5, 4)).shape
    torch.Size([2, 5, 4])
    """

    def __init__(self, dim: int, longest: int):
        super().__init__()
        self.table = nn.Parameter(0.02 * torch.randn(longest, dim))

    def forward(self, inputs: Tensor, start: int = 0) -> Tensor:
        if start + inputs.shape[1] > len(self.table):
            raise ShapeError(
                "the sequence is longer than the network has positions for",
                expected=f"at most {len(self.table)}",
                received=start + inputs.shape[1],
                fix="positions=sinusoidal or positions=rotary read any length",
            )
        return inputs + self.table[start : start + inputs.shape[1]]


@recorded
class Rotary(nn.Module):
    """Turn pairs of numbers by their position, so that a score depends on how far two tokens are apart.

    (x_k, x_(k+d/2)) at position i is turned by the angle i * base^(-2k/d).

    Args:
        dim: d, numbers per head; even.
        base: of the frequencies.
        scaling: stretches them for longer texts: (factor,) divides all, as if positions stood closer; (factor, low, high,
            context) leaves those that turn more than `high` times within the context, divides those that turn less than `low`
            times, and blends between, as Llama 3.1 does.

    `forward`: `(batch, heads, length, dim)`, and the position of the first, 0 when left out -> the same shape.

    Raises:
        OptionError: an odd number per head, or a scaling of other numbers.

    Su et al. 2021, arXiv:2104.09864, equation 34, with the halves paired as in Llama's layout.

    >>> turned = Rotary(4)(torch.ones(1, 1, 3, 4))
    >>> turned[0, 0, 0].tolist(), round(float(turned.square().sum(-1)[0, 0, 2]), 4)
    ([1.0, 1.0, 1.0, 1.0], 4.0)
    """

    def __init__(self, dim: int, base: float = 10_000.0, scaling: tuple[float, ...] | None = None):
        super().__init__()
        if scaling is not None and len(scaling) not in (1, 4):
            raise OptionError(
                "a rotary scaling has a factor, or four numbers",
                expected="(factor,) or (factor, low, high, context)",
                received=scaling,
            )
        if dim % 2:
            raise OptionError(
                "rotary positions turn pairs of numbers", expected="an even width per head", received=dim
            )
        self.dim, self.base = dim, base
        self.scaling = None if scaling is None else tuple(scaling)

    def forward(self, inputs: Tensor, start: int = 0) -> Tensor:
        half = torch.arange(0, self.dim, 2, device=inputs.device, dtype=torch.float32)
        place = torch.arange(start, start + inputs.shape[-2], device=inputs.device, dtype=torch.float32)
        angles = place[:, None] * self._stretched(self.base ** (-half / self.dim))
        cosine, sine = angles.cos().to(inputs.dtype), angles.sin().to(inputs.dtype)
        first, second = inputs.chunk(2, dim=-1)
        return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)

    def _stretched(self, frequencies: Tensor) -> Tensor:
        if self.scaling is None:
            return frequencies
        factor = self.scaling[0]
        if len(self.scaling) == 1:
            return frequencies / factor
        low, high, context = self.scaling[1:]
        turns = context * frequencies / (2 * math.pi)
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        return frequencies * (kept + (1 - kept) / factor)
