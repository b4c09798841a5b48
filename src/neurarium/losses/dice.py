"""The Dice loss."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.losses.regions import RegionLoss


@recorded
class Dice(RegionLoss):
    """The Dice loss: one minus the overlap of a region with its prediction, whatever its size.

    v = 1 - mean_c (2 sum_i p_ic y_ic + s) / (sum_i p_ic + sum_i y_ic + s), over the pixels i of one example.

    Args:
        smooth, class_axis, background, ignore_index: as for every loss on regions (`RegionLoss`).

    Shapes: outputs `(batch, classes, ...)` logits; targets `(batch, ...)` indices, or floats `(batch, classes, ...)`;
    values `(batch,)`.

    Raises:
        OptionError: `smooth` not above 0.
        ShapeError: shapes that do not fit.

    Milletari et al., "V-Net", arXiv 1606.04797, section 3 (there with squares in the denominator).

    >>> import torch
    >>> right = torch.full((1, 1, 2, 2), 1e4)
    >>> Dice().elementwise(right, torch.ones(1, 2, 2)), Dice().elementwise(-right, torch.ones(1, 2, 2))
    (tensor([0.]), tensor([0.8000]))
    """

    tasks = ("segmentation",)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        true, false, missed = self.overlap(outputs, targets)
        return 1 - ((2 * true + self.smooth) / (2 * true + false + missed + self.smooth)).mean(-1)
