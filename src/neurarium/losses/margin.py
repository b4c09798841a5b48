"""The margin loss of capsules: present classes are long, absent ones short."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.classes import ClassLoss


@recorded
class Margin(ClassLoss):
    """A yes or no of each class, without loss once it is sure enough.

    v = sum_k T_k max(0, upper - p_k)^2 + absent (1 - T_k) max(0, p_k - lower)^2,  p_k = sigmoid(z_k)

    p is the length of a class's capsule; networks of capsules give z = ln(p / (1 - p)). T is 1 for the classes that are there.

    Args:
        upper: length above which a present class costs nothing, m+.
        lower: length below which an absent class costs nothing, m-.
        absent: what absent classes count, lambda: below 1, or the first steps shrink all capsules.
        class_weights, label_smoothing, ignore_index, class_axis, several: as for every loss over classes.

    Shapes: outputs `(batch, ..., classes)` logits of lengths, or one per example, z = z_1 - z_0, which stands for -z/2 and z/2;
    targets `(batch, ...)` indices or `(batch, ..., classes)` floats; values `(batch, ...)`.

    Raises:
        OptionError: margins that are not 0 <= lower < upper <= 1, a negative `absent`.
        ShapeError: shapes that do not fit.

    Sabour, Frosst and Hinton, arXiv:1710.09829, equation 4.

    >>> Margin().elementwise(torch.logit(torch.tensor([[0.5, 0.3]])), torch.tensor([0]))  # 0.4^2 + 0.5 * 0.2^2
    tensor([0.1800])
    """

    tasks = ("binary", "multiclass", "multilabel")

    def __init__(
        self,
        upper: float = 0.9,
        lower: float = 0.1,
        absent: float = 0.5,
        class_weights: tuple[float, ...] | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        class_axis: int = -1,
        several: bool = False,
    ):
        super().__init__(class_weights, label_smoothing, ignore_index, class_axis, several)
        if not 0 <= lower < upper <= 1:
            raise OptionError(
                "the margins of the margin loss are wrong",
                expected="0 <= lower < upper <= 1",
                received=f"lower {lower}, upper {upper}",
            )
        if not absent >= 0:
            raise OptionError("absent classes count less than nothing", expected="0 or more", received=absent)
        self.upper, self.lower, self.absent = upper, lower, absent

    def class_losses(self, logits: Tensor) -> Tensor:
        lengths = torch.sigmoid(logits)
        present = (self.upper - lengths).clamp(min=0).square()
        absent = self.absent * (lengths - self.lower).clamp(min=0).square()
        if self.several:  # each label by itself: (0, z), the second of which is its capsule
            return torch.stack([absent[..., 1], present[..., 1]], dim=-1)
        return present - absent + absent.sum(-1, keepdim=True)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = super().values(outputs, targets)
        return values * outputs.shape[-2] if self.several else values  # the equation adds labels up

    def _two_classes(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits, targets = super()._two_classes(outputs, targets)
        return logits - logits[..., 1:] / 2, targets
