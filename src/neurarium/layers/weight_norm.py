"""Weight normalization: the length of each output's weights apart from their direction."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from neurarium.core.errors import RefusalError

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class WeightNorm(nn.Module):
    """w = g v / |v|, one g per output: what `normalize_weight` puts in place of a weight."""

    def forward(self, length: Tensor, direction: Tensor) -> Tensor:
        return direction * (length / _lengths(direction))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return (g, v) of a weight: its lengths and itself."""
        return _lengths(weight), weight


def normalize_weight(layer: nn.Module) -> nn.Module:
    """Write the weight of a layer as w = g v / |v|, and learn g and v: the step no longer depends on the size of v.

    In place, by torch's parametrization: the trainable tensors become `parametrizations.weight.original0` (g, one per
    output) and `original1` (v). What the layer computes stays as it was.

    Args:
        layer: a linear or convolutional layer.

    Returns:
        The layer.

    Raises:
        RefusalError: a layer of another kind.

    Salimans and Kingma 2016, arXiv:1602.07868, equation 2.

    >>> layer = nn.Linear(3, 2)
    >>> x = torch.randn(4, 3)
    >>> torch.allclose(layer(x), normalize_weight(layer)(x), atol=1e-6)
    True
    """
    if not isinstance(layer, LAYERS):
        raise RefusalError(
            "weight normalization is for linear and convolutional layers",
            expected=", ".join(each.__name__ for each in LAYERS),
            received=type(layer).__name__,
        )
    parametrize.register_parametrization(layer, "weight", WeightNorm())
    return layer


def _lengths(weight: Tensor) -> Tensor:
    return torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
