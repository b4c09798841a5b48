"""Orthogonal initialization."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import Fans, Initializer, positive


@recorded
class Orthogonal(Initializer):
    """Orthogonal weights: W W^T = gain^2 I (or W^T W, for a tall matrix), uniform over such matrices.

    A square layer keeps every length, so that a deep linear network keeps its signal exactly. A kernel counts as the
    matrix `(out, in * kernel)`; each gate of an LSTM is orthogonal for itself.

    Args:
        gain: a factor; sqrt(2) for ReLU.

    Raises:
        OptionError: a gain that is not above 0.

    Saxe et al., "Exact solutions to the nonlinear dynamics of learning", arXiv 1312.6120, section 4.

    >>> weight = torch.empty(4, 9)
    >>> Orthogonal()(weight, generator=torch.Generator().manual_seed(0))
    >>> torch.allclose(weight @ weight.T, torch.eye(4), atol=1e-6)
    True
    """

    def __init__(self, gain: float = 1.0):
        self.gain = positive(gain, "the gain")

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        matrix = weight.reshape(weight.shape[0], -1) if weight.ndim > 1 else weight.reshape(1, -1)
        rows, columns = matrix.shape
        drawn = torch.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=torch.float64)
        basis, triangle = torch.linalg.qr(drawn)
        # The signs make it uniform over the orthogonal group, whatever the sign convention of the QR.
        basis = basis * torch.sign(triangle.diagonal())
        weight.copy_(self.gain * (basis if rows >= columns else basis.T).reshape(weight.shape))
