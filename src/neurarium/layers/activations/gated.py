"""Gated linear units: one half of the numbers, scaled by a gate from the other half."""

from __future__ import annotations

import abc

from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded


class Gated(nn.Module, abc.ABC):
    """The base of the gated units: g(x) = a * gate(b), where (a, b) are the halves of x along one axis.

    Args:
        dim: the axis that is halved.

    Shapes: `(..., 2 features)` -> `(..., features)`.

    Raises:
        ShapeError: an odd number of features.
    """

    widening = 2

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    @abc.abstractmethod
    def gate(self, inputs: Tensor) -> Tensor:
        """Return the gate of the second half."""

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.shape[self.dim] % 2:
            raise ShapeError(
                f"{type(self).__name__} halves its inputs",
                expected="an even number of features",
                received=tuple(inputs.shape),
                fix="make the layer before it twice as wide as what should come out",
            )
        values, gates = inputs.chunk(2, dim=self.dim)
        return values * self.gate(gates)


@recorded
class GLU(Gated):
    """The gated linear unit: g(a, b) = a sigmoid(b). `(..., 2 features)` -> `(..., features)`.

    Dauphin et al., "Language modeling with gated convolutional networks", arXiv 1612.08083, equation 1.

    >>> import torch
    >>> GLU()(torch.tensor([4.0, 0.0]))
    tensor([2.])
    """

    def gate(self, inputs: Tensor) -> Tensor:
        return functional.sigmoid(inputs)


@recorded
class GEGLU(Gated):
    """The GELU-gated linear unit: g(a, b) = a gelu(b). `(..., 2 features)` -> `(..., features)`.

    Shazeer, "GLU variants improve transformer", arXiv 2002.05202, equation 5.

    >>> import torch
    >>> GEGLU()(torch.tensor([2.0, 1.0]))
    tensor([1.6827])
    """

    def gate(self, inputs: Tensor) -> Tensor:
        return functional.gelu(inputs)


@recorded
class SwiGLU(Gated):
    """The SiLU-gated linear unit: g(a, b) = a silu(b). `(..., 2 features)` -> `(..., features)`.

    Shazeer, "GLU variants improve transformer", arXiv 2002.05202, equation 5.

    >>> import torch
    >>> SwiGLU()(torch.tensor([2.0, 1.0]))
    tensor([1.4621])
    """

    def gate(self, inputs: Tensor) -> Tensor:
        return functional.silu(inputs)
