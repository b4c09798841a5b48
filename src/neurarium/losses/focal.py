"""The focal loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.classes import ClassLoss


@recorded
class Focal(ClassLoss):
    """The focal loss: cross-entropy that gives less weight to what is already right.

    v = -w_y (1 - p_y)^gamma log p_y,  p = softmax(z), or sigmoid for one logit. The paper's alpha is a class weight
    here: alpha = 0.25 is `class_weights=(0.75, 0.25)`, and then the sum is divided by the weights counted.

    Args:
        gamma: focus; 0 is the cross-entropy.
        class_weights, label_smoothing, ignore_index, class_axis, several: as for every loss over classes.

    Shapes: outputs `(batch, ..., classes)` logits, or one per example; targets `(batch, ...)` indices or
    `(batch, ..., classes)` float distributions; values `(batch, ...)`.

    Raises:
        OptionError: a negative gamma.
        ShapeError: shapes that do not fit.

    Lin et al., "Focal loss for dense object detection", arXiv 1708.02002, equation 4.

    >>> import torch
    >>> Focal(gamma=2.0).elementwise(torch.tensor([[0.0, 0.0]]), torch.tensor([0]))      # 0.5^2 log 2
    tensor([0.1733])
    """

    tasks = ("binary", "multiclass", "multilabel", "segmentation")

    def __init__(
        self,
        gamma: float = 2.0,
        class_weights: tuple[float, ...] | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        class_axis: int = -1,
        several: bool = False,
    ):
        super().__init__(class_weights, label_smoothing, ignore_index, class_axis, several)
        if not gamma >= 0:
            raise OptionError("gamma of the focal loss is negative", expected="0 or more", received=gamma)
        self.gamma = gamma

    def class_losses(self, logits: Tensor) -> Tensor:
        logs = functional.log_softmax(logits, dim=-1)
        if self.gamma == 0:
            return -logs
        # (1 - p)^gamma = exp(gamma log(1 - p)): a power of a saturated 0 would have an infinite slope for gamma < 1.
        negative = logs.clamp(max=-torch.finfo(logs.dtype).tiny)
        return -torch.exp(self.gamma * torch.log(-torch.expm1(negative))) * logs
