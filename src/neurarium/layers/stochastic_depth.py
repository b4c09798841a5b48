"""Stochastic depth: whole residual branches are left out in training."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.layers.dropout import check_rate, keep


@recorded
class StochasticDepth(nn.Module):
    """Stochastic depth, or drop path: a residual branch F is left out with probability p.

    y = x + m F(x) / (1 - p), m Bernoulli(1 - p); this module is the factor, to be called on F(x). The paper scales F by
    1 - p at prediction instead, which is the same in expectation.

    Args:
        rate: p; the paper lets it grow linearly with depth (see `rates`).
        per: whether each `example` draws its own m, or the whole `batch` one.

    Any shape with a batch axis first. Raises OptionError for a rate outside [0, 1].

    Huang et al., "Deep networks with stochastic depth", arXiv 1603.09382, equation 2.

    >>> import torch
    >>> y = StochasticDepth(0.5)(torch.ones(6, 3))
    >>> bool((y == y[:, :1]).all()), sorted(set(y.flatten().tolist()) | {0.0, 2.0})
    (True, [0.0, 2.0])
    """

    def __init__(self, rate: float = 0.1, per: Literal["example", "batch"] = "example"):
        super().__init__()
        self.rate, self.per = check_rate(rate), per

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return inputs
        shape = [1] * inputs.ndim
        if self.per == "example":
            shape[0] = inputs.shape[0]
        return inputs * keep(shape, self.rate, inputs)

    def extra_repr(self) -> str:
        return f"rate={self.rate}, per={self.per}"


def rates(last: float, depth: int) -> list[float]:
    """Return the linear rule of the paper: the rate of block l of L is p l / L (equation 4).

    >>> rates(0.2, 4)
    [0.05, 0.1, 0.15, 0.2]
    """
    return [round(check_rate(last) * (block + 1) / depth, 12) for block in range(depth)]
