"""The Tversky loss."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.regions import RegionLoss


@recorded
class Tversky(RegionLoss):
    """The Tversky loss: Dice with different prices for false alarms and misses.

    v = mean_c (1 - (TP + s) / (TP + alpha FP + beta FN + s))^(1 / gamma), with soft counts over the pixels of one example.
    alpha = beta = 1/2 is Dice with twice the smoothing; alpha = beta = 1 is the Jaccard index (IoU). gamma = 4/3 is the
    focal Tversky loss, whose slope grows as a class comes right.

    Args:
        alpha: price of a false positive.
        beta: price of a false negative.
        gamma: 1, or more for the focal loss of regions.
        smooth, class_axis, background, ignore_index: as for every loss on regions (`RegionLoss`).

    Shapes: outputs `(batch, classes, ...)` logits; targets `(batch, ...)` indices, or floats `(batch, classes, ...)`;
    values `(batch,)`.

    Raises:
        OptionError: a negative price, gamma not above 0, or `smooth` not above 0.
        ShapeError: shapes that do not fit.

    Salehi et al., "Tversky loss function for image segmentation", arXiv 1706.05721, equation 3; with gamma
    Abraham and Khan, "A novel focal Tversky loss function", arXiv:1810.07842, equation 4 (there the sum over classes).

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
        gamma: float = 1.0,
    ):
        super().__init__(smooth, class_axis, background, ignore_index)
        if not (alpha >= 0 and beta >= 0):
            raise OptionError(
                "a price of the Tversky loss is negative", expected="0 or more", received=(alpha, beta)
            )
        if not gamma > 0:
            raise OptionError(
                "gamma of the focal Tversky loss is not positive",
                expected="above 0, mostly 4/3",
                received=gamma,
            )
        self.alpha, self.beta, self.gamma = alpha, beta, gamma

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        true, false, missed = self.overlap(outputs, targets)
        share = (true + self.smooth) / (true + self.alpha * false + self.beta * missed + self.smooth)
        if self.gamma == 1:
            return 1 - share.mean(-1)
        # Above a smallest rest: a root has no finite slope at 0.
        powers = (1 - share).clamp(min=torch.finfo(share.dtype).eps).pow(1 / self.gamma).mean(-1)
        counted = self.counted(outputs, targets)
        return powers if counted is None else powers * counted
