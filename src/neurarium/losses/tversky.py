"""The Tversky loss."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.regions import RegionLoss


@recorded
class Tversky(RegionLoss):
    """The Tversky loss: Dice with different prices for false alarms and misses.

    v = 1 - mean_c (TP + s) / (TP + alpha FP + beta FN + s), with soft counts over the pixels of one example.
    alpha = beta = 1/2 is Dice with twice the smoothing; alpha = beta = 1 is the Jaccard index (IoU).

    Args:
        alpha: price of a false positive.
        beta: price of a false negative.
        smooth, class_axis, background, ignore_index: as for every loss on regions (`RegionLoss`).

    Shapes: outputs `(batch, classes, ...)` logits; targets `(batch, ...)` indices, or floats `(batch, classes, ...)`;
    values `(batch,)`.

    Raises:
        OptionError: a negative price, or `smooth` not above 0.
        ShapeError: shapes that do not fit.

    Salehi et al., "Tversky loss function for image segmentation", arXiv 1706.05721, equation 3.

    >>> import torch
    >>> Tversky(alpha=0.3, beta=0.7).elementwise(torch.full((1, 1, 2), -1e4), torch.ones(1, 2))       # 1 - 1 / 2.4
    tensor([0.5833])
    """

    tasks = ("segmentation",)

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth: float = 1.0,
        class_axis: int = 1,
        background: bool = True,
        ignore_index: int | None = None,
    ):
        super().__init__(smooth, class_axis, background, ignore_index)
        if not (alpha >= 0 and beta >= 0):
            raise OptionError(
                "a price of the Tversky loss is negative", expected="0 or more", received=(alpha, beta)
            )
        self.alpha, self.beta = alpha, beta

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        true, false, missed = self.overlap(outputs, targets)
        return 1 - (
            (true + self.smooth) / (true + self.alpha * false + self.beta * missed + self.smooth)
        ).mean(-1)
