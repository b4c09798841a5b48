"""The feed-forward part of a transformer's block: each position by itself, through a wider layer."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.activations import activation
from neurarium.layers.dropout import Dropout
from neurarium.layers.gated_linear import GatedLinear

GATES = {"swiglu": "silu", "geglu": "gelu", "reglu": "relu", "glu": "sigmoid"}


@recorded
class FeedForward(nn.Module):
    """Two layers at each position: y = W_2 g(W_1 x + b_1) + b_2, or gated: y = W_2 ((W_1 x + b_1) g(V x + c)) + b_2.

    Args:
        dim: numbers per position.
        inner: numbers in between; see `inner_width`.
        activation: the name of g; "swiglu", "geglu", "reglu" and "glu" are gated.
        bias: whether b and c exist.
        dropout: the probability that an inner number is zero in training.

    `forward`: `(..., dim)` -> the same shape.

    Raises:
        OptionError: an unknown activation, or one that takes several numbers for one.

    Vaswani et al. 2017, arXiv:1706.03762, equation 2; Shazeer 2020, arXiv:2002.05202, equation 6.

    >>> import torch
    >>> FeedForward(4, 8, "swiglu")(torch.zeros(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(
        self, dim: int, inner: int, activation: str = "gelu", bias: bool = True, dropout: float = 0.0
    ):
        super().__init__()
        if activation in GATES:
            self.rise: nn.Module = GatedLinear(dim, inner, GATES[activation], bias)
            self.activate: nn.Module = nn.Identity()
        else:
            self.rise = nn.Linear(dim, inner, bias=bias)
            self.activate = _elementwise(activation)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.fall = nn.Linear(inner, dim, bias=bias)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.fall(self.dropout(self.activate(self.rise(inputs))))


def inner_width(width: int, expansion: float | None, activation: str) -> int:
    """Return the inner width: `expansion` times the width; 4 times when None, or 8/3 of a gated layer: as many weights.

    >>> inner_width(96, None, "gelu"), inner_width(96, None, "swiglu"), inner_width(96, 2.0, "swiglu")
    (384, 256, 192)
    """
    usual = 8 / 3 if activation in GATES else 4.0
    return max(1, round(width * (usual if expansion is None else expansion)))


def _elementwise(name: str) -> nn.Module:
    found = activation(name)
    if found.widening != 1:
        raise OptionError(
            f"the activation '{name}' does not fit here: it takes {found.widening} numbers for each it gives",
            expected=f"an activation of one number, such as relu or gelu, or one of {', '.join(GATES)}",
            received=name,
        )
    return found
