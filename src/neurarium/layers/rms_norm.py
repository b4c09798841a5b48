"""Root mean square normalization, and norms by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded

NORMS = ("layer", "rms")


@recorded
class RMSNorm(nn.Module):
    """Divide by the root mean square: y = g x / sqrt(mean(x^2) + epsilon). No mean is taken away, no bias is added.

    Args:
        dim: how many numbers are normalized together, and the size of the gain g.
        epsilon: keeps zeros finite.

    `forward`: `(..., dim)` -> the same shape.

    Zhang and Sennrich 2019, arXiv:1910.07467, equation 4.

    >>> RMSNorm(2, epsilon=0.0)(torch.tensor([3.0, 3.0])).detach()
    tensor([1., 1.])
    """

    def __init__(self, dim: int, epsilon: float = 1e-6):
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.rms_norm(inputs, self.weight.shape, self.weight, self.epsilon)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, epsilon={self.epsilon}"


def norm(name: str, dim: int, epsilon: float | None = None, bias: bool = True) -> nn.Module:
    """Return a new norm of the last axis by name: "layer" or "rms".

    Args:
        name: "layer" or "rms".
        dim: how many numbers are normalized together.
        epsilon: keeps zeros finite; 1e-5 of a layer norm and 1e-6 of the other when left out.
        bias: whether a layer norm adds one.

    Raises:
        OptionError: an unknown name.

    >>> norm("layer", 4).eps, norm("rms", 4).epsilon
    (1e-05, 1e-06)
    """
    if name not in NORMS:
        raise OptionError("there is no such norm", expected=" or ".join(NORMS), received=name)
    if name == "rms":
        return RMSNorm(dim, 1e-6 if epsilon is None else epsilon)
    return nn.LayerNorm(dim, 1e-5 if epsilon is None else epsilon, bias=bias)
