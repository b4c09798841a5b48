"""The Kullback-Leibler divergence from a target distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.recipe import recorded
from neurarium.losses.classes import ClassLoss


@recorded
class KLDivergence(ClassLoss):
    """The Kullback-Leibler divergence KL(q || p) of a softmax p from the target q.

    v = sum_c q_c (log q_c - log p_c),  p = softmax(z),  with 0 log 0 = 0. Log-probabilities are logits too. Its
    gradient in z is the cross-entropy's; its value is 0 where p = q.

    Args:
        label_smoothing: epsilon; q = (1 - epsilon) target + epsilon / classes.
        ignore_index: a target index that is not counted, or None.
        class_axis: where the outputs have their classes: -1, or 1 for images.

    Shapes: outputs `(batch, ..., classes)` logits; targets `(batch, ..., classes)` float distributions, or
    `(batch, ...)` indices; values `(batch, ...)`, in nats.

    Raises:
        ShapeError: shapes that do not fit.

    >>> import torch
    >>> KLDivergence().elementwise(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    tensor([0.6931])
    """

    tasks = ("binary", "multiclass")

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None, class_axis: int = -1):
        super().__init__(None, label_smoothing, ignore_index, class_axis)

    def class_losses(self, logits: Tensor) -> Tensor:
        return -functional.log_softmax(logits, dim=-1)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        cross = super().values(outputs, targets)
        if targets.is_floating_point():
            target = self.smoothed(targets)
            # The clamp makes 0 log 0 = 0 with a finite gradient, should the target be learned too.
            return cross + (target * target.clamp(min=torch.finfo(target.dtype).tiny).log()).sum(-1)
        if not self.label_smoothing:
            return cross
        one_hot = functional.one_hot(self._safe(targets), outputs.shape[-1]).to(outputs.dtype)
        entropy = torch.special.entr(self.smoothed(one_hot)).sum(-1)
        if self.ignore_index is not None:
            entropy = torch.where(targets == self.ignore_index, 0.0, entropy)
        return cross - entropy
