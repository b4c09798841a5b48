"""The triplet loss."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.base import Loss, Sum, mismatch, precise


@recorded
class Triplet(Loss):
    """The triplet loss: an anchor must be nearer to its positive than to its negative, by a margin.

    v = max(0, margin + d(a, p) - d(a, n)),  d the Euclidean distance, or its square as in the paper.

    Args:
        margin: by how much.
        squared: compare squared distances.

    Shapes: outputs `(batch, 3, features)`: anchor, positive, negative; targets are not looked at, and may be None;
    values `(batch,)`.

    Raises:
        OptionError: a margin that is not above 0.
        ShapeError: shapes that do not fit.

    Schroff et al., "FaceNet", arXiv 1503.03832, equation 3.

    >>> import torch
    >>> Triplet(margin=0.5).elementwise(torch.tensor([[[0.0], [1.0], [1.2]]]))
    tensor([0.3000])
    """

    def __init__(self, margin: float = 1.0, squared: bool = False):
        super().__init__()
        if not margin > 0:
            raise OptionError(
                "the margin of the triplet loss is not positive", expected="above 0", received=margin
            )
        self.margin, self.squared = margin, squared

    def align(self, outputs: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor]:
        outputs = precise(outputs)
        if outputs.ndim != 3 or outputs.shape[1] != 3:
            raise mismatch(self, "outputs (batch, 3, features)", outputs, targets)
        return outputs, outputs.new_zeros(len(outputs))

    def elementwise(self, outputs: Tensor, targets: Tensor | None = None) -> Tensor:
        return self.values(*self.align(outputs))

    def forward(  # type: ignore[override]
        self,
        outputs: Tensor,
        targets: Tensor | None = None,
        weights: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Sum:
        return super().forward(outputs, outputs, weights, mask)

    def mean(  # type: ignore[override]
        self,
        outputs: Tensor,
        targets: Tensor | None = None,
        weights: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        return self(outputs, None, weights, mask).mean()

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        anchor, positive, negative = outputs.unbind(1)
        return (self.margin + self._distance(anchor - positive) - self._distance(anchor - negative)).clamp(
            min=0
        )

    def _distance(self, difference: Tensor) -> Tensor:
        return difference.square().sum(-1) if self.squared else torch.linalg.vector_norm(difference, dim=-1)
