"""The contrastive loss on pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.base import Loss, mismatch, precise


@recorded
class Contrastive(Loss):
    """The contrastive loss: like pairs are drawn together, unlike ones pushed apart up to a margin.

    v = y d^2 + (1 - y) max(0, margin - d)^2,  d the Euclidean distance of the pair, y = 1 for a like pair. (The paper
    has y = 0 for like pairs and a factor 1/2.)

    Args:
        margin: the distance beyond which unlike pairs are left alone.

    Shapes: outputs `(batch, 2, features)`; targets `(batch,)` or `(batch, 1)`, 1 where like, 0 where unlike; values
    `(batch,)`.

    Raises:
        OptionError: a margin that is not above 0.
        ShapeError: shapes that do not fit.

    Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping" (2006), equation 4.

    >>> import torch
    >>> pair = torch.tensor([[[0.0, 0.0], [0.0, 0.6]]])
    >>> Contrastive().elementwise(pair, torch.tensor([1])), Contrastive().elementwise(pair, torch.tensor([0]))
    (tensor([0.3600]), tensor([0.1600]))
    """

    def __init__(self, margin: float = 1.0):
        super().__init__()
        if not margin > 0:
            raise OptionError(
                "the margin of the contrastive loss is not positive", expected="above 0", received=margin
            )
        self.margin = margin

    def align(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = precise(outputs)
        if (
            outputs.ndim != 3
            or outputs.shape[1] != 2
            or targets.shape not in (outputs.shape[:1], (len(outputs), 1))
        ):
            raise mismatch(self, "outputs (batch, 2, features), targets (batch,)", outputs, targets)
        return outputs, targets.reshape(-1).to(outputs.dtype)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        difference = outputs[:, 0] - outputs[:, 1]
        distance = torch.linalg.vector_norm(difference, dim=-1)
        apart = (self.margin - distance).clamp(min=0).square()
        return targets * difference.square().sum(-1) + (1 - targets) * apart
