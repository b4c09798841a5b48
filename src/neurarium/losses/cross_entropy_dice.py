"""Cross-entropy and Dice together: what segmentation is usually trained with."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.dice import Dice


@recorded
class CrossEntropyDice(Dice):
    """The mean cross-entropy over the pixels of an image, plus its Dice loss.

    v = (1 - m) mean_i -log p_i(y_i) + m (1 - mean_c (2 sum_i p_ic y_ic + s) / (sum_i p_ic + sum_i y_ic + s)), over the
    pixels i of one example that count. The first has a gradient everywhere; the second does not care how small a class is.

    Args:
        mix: m, the share of Dice, from 0 to 1.
        smooth, class_axis, background, ignore_index: as for every loss on regions (`RegionLoss`).

    Shapes: outputs `(batch, classes, ...)` logits of two classes or more; targets `(batch, ...)` indices, or floats
    `(batch, classes, ...)`; values `(batch,)`.

    Raises:
        OptionError: a share outside 0 to 1, `smooth` not above 0.
        ShapeError: shapes that do not fit.

    Isensee et al., "nnU-Net", arXiv:1809.10486, section 2.3 (their sum; here the mean of the two).

    >>> import torch
    >>> CrossEntropyDice(mix=0.0).elementwise(torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.int64))
    tensor([0.6931])
    """

    tasks = ("segmentation",)

    def __init__(
        self,
        mix: float = 0.5,
        smooth: float = 1.0,
        class_axis: int = 1,
        background: bool = True,
        ignore_index: int | None = None,
    ):
        super().__init__(smooth, class_axis, background, ignore_index)
        if not 0 <= mix <= 1:
            raise OptionError("the share of Dice is no share", expected="0 to 1", received=mix)
        self.mix = mix

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        shares, present = targets[..., :-1], targets[..., -1]
        surprise = -(outputs.log_softmax(-1) * shares).sum(-1).flatten(1).sum(1)
        mean = surprise / present.flatten(1).sum(1).clamp(min=1)
        return (1 - self.mix) * mean + self.mix * super().values(outputs, targets)
