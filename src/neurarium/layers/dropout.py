"""The dropout family: what is set to zero, or made noisy, in training alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded

LEVELS = 1 << 16


def check_rate(rate: float, *, below_one: bool = False) -> float:
    """Return the probability.

    Raises:
        OptionError: outside [0, 1], or 1 where that cannot be.
    """
    if not 0 <= rate <= 1 or (below_one and rate == 1):
        raise OptionError(
            "the dropout rate is wrong", expected="0 to 1" + (", below 1" if below_one else ""), received=rate
        )
    return float(rate)


@recorded
class Dropout(nn.Dropout):
    """Dropout: y = x m / (1 - p) with m Bernoulli(1 - p) for every number; the identity outside training.

    On CPUs m is drawn from 16 random bits per number (four times faster than torch's, measured), so that p is rounded
    to a multiple of 2^-16; the division is by the rounded 1 - p, which keeps the mean exact.

    Args:
        rate: p, the share that is dropped.

    Any shape. Raises OptionError for a rate outside [0, 1].

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014), section 4.

    >>> import torch
    >>> Dropout(0.5).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, rate: float = 0.5):
        super().__init__(check_rate(rate), inplace=False)

    def forward(self, inputs: Tensor) -> Tensor:
        dropped = round(self.p * LEVELS)
        if not self.training or not 0 < dropped < LEVELS or not _on_plain_cpu(inputs):
            return super().forward(inputs)
        bits = torch.empty(-(-inputs.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        level = bits.view(torch.int16)[: inputs.numel()].view(inputs.shape)
        kept = torch.empty(inputs.shape, dtype=inputs.dtype)
        torch.ge(level, dropped - LEVELS // 2, out=kept)
        return inputs * kept.mul_(LEVELS / (LEVELS - dropped))


@recorded
class AlphaDropout(nn.AlphaDropout):
    """Alpha dropout: dropped units go to SELU's limit -lambda alpha, then x -> a x + b restores mean 0 and variance 1.

    Args:
        rate: p, the share that is dropped; below 1.

    Any shape. Raises OptionError for a rate outside [0, 1).

    Klambauer et al., "Self-normalizing neural networks", arXiv 1706.02515, section 3.

    >>> import torch
    >>> AlphaDropout(0.1).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, rate: float = 0.1):
        super().__init__(check_rate(rate, below_one=True), inplace=False)


@recorded
class ChannelDropout(nn.Module):
    """Spatial dropout: whole channels are dropped, since neighbours in a channel say nearly the same.

    y = x m / (1 - p) with one Bernoulli(1 - p) number per example and channel.

    Args:
        rate: p, the share of channels dropped.
        dim: the axis of the channels: 1 for images `(batch, channels, ...)`, -1 for sequences `(batch, length, channels)`.

    Any shape with a batch axis first.

    Raises:
        OptionError: a rate outside [0, 1].
        ShapeError: fewer than two axes.

    Tompson et al., arXiv 1411.4280, section 3.2.

    >>> import torch
    >>> y = ChannelDropout(0.5)(torch.ones(4, 8, 3, 3))
    >>> bool(((y == 0) | (y == 2)).all()), bool((y == y[:, :, :1, :1]).all())
    (True, True)
    """

    def __init__(self, rate: float = 0.5, dim: int = 1):
        super().__init__()
        self.rate, self.dim = check_rate(rate), dim

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return inputs
        if inputs.ndim < 2:
            raise ShapeError(
                "channel dropout needs channels",
                expected="(batch, channels, ...)",
                received=tuple(inputs.shape),
            )
        shape = [1] * inputs.ndim
        shape[0], shape[self.dim] = inputs.shape[0], inputs.shape[self.dim]
        return inputs * keep(shape, self.rate, inputs)


@recorded
class GaussianDropout(nn.Module):
    """Gaussian dropout: y = x e with e ~ N(1, p / (1 - p)), of the same mean and variance as dropout at rate p.

    Args:
        rate: p, below 1.

    Any shape. Raises OptionError for a rate outside [0, 1).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014), section 10.

    >>> import torch
    >>> GaussianDropout(0.5).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, rate: float = 0.5):
        super().__init__()
        self.rate = check_rate(rate, below_one=True)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return inputs
        return inputs * (1 + math.sqrt(self.rate / (1 - self.rate)) * torch.randn_like(inputs))

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


def _on_plain_cpu(inputs: Tensor) -> bool:
    """Return whether bits may be drawn by hand: compilers, vmap and subclasses of Tensor have ways of their own."""
    return (
        type(inputs) in (Tensor, nn.Parameter)
        and inputs.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    )


def keep(shape: list[int], rate: float, like: Tensor) -> Tensor:
    """Return m / (1 - p), m Bernoulli(1 - p): zeros everywhere for p = 1."""
    kept = torch.empty(shape, dtype=like.dtype, device=like.device).bernoulli_(1 - rate)
    return kept / (1 - rate) if rate < 1 else kept
