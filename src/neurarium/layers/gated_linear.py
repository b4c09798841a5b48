"""A linear layer with a gate: the first half of a gated feed-forward block."""

from __future__ import annotations

from torch import Tensor, nn

from neurarium.core.members import find
from neurarium.core.recipe import recorded


@recorded
class GatedLinear(nn.Module):
    """A gated linear layer: y = (W x + b) * g(V x + c). With g = silu it is SwiGLU, gelu GEGLU, sigmoid GLU, relu ReGLU.

    Args:
        in_features, out_features: sizes.
        activation: the name of g.
        bias: whether b and c exist.

    Shapes: `(..., in_features)` -> `(..., out_features)`.

    Raises:
        OptionError: an unknown activation.

    Shazeer, "GLU variants improve transformer", arXiv 2002.05202, equations 5 and 6.

    >>> import torch
    >>> GatedLinear(4, 6)(torch.zeros(2, 4)).shape
    torch.Size([2, 6])
    """

    def __init__(self, in_features: int, out_features: int, activation: str = "silu", bias: bool = True):
        super().__init__()
        self.value = nn.Linear(in_features, out_features, bias=bias)
        self.gate = nn.Linear(in_features, out_features, bias=bias)
        self.activation = find("activation", activation)()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.value(inputs) * self.activation(self.gate(inputs))
