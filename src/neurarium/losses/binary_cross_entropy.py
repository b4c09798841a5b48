"""The binary cross-entropy, from logits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.recipe import recorded
from neurarium.losses.base import Sum, constant
from neurarium.losses.classes import check_smoothing, check_weights
from neurarium.losses.pointwise import PointwiseLoss


@recorded
class BinaryCrossEntropy(PointwiseLoss):
    """The binary cross-entropy of one logit, or of one logit per label.

    v = -[y log p + (1 - y) log(1 - p)],  p = sigmoid(z), computed as max(z, 0) - y z + log(1 + exp(-|z|)), which is
    finite for every z. The mean over labels where an example has several.

    Args:
        class_weights: weights of the classes 0 and 1; the sum is divided by the weights of the classes counted.
        positive_weights: how much more a positive counts, one number per label; the division does not change.
        label_smoothing: epsilon; targets become (1 - epsilon) y + epsilon / 2.
        ignore_index: a target value that is not counted (for missing labels), or None.

    Shapes: targets `(batch, ..., labels)` of 0 and 1 or probabilities, any number type, outputs the same; one label may
    come as `(batch,)` on either side; values `(batch, ...)`.

    Raises:
        OptionError: weights that are negative or of the wrong number, a smoothing outside [0, 1].
        ShapeError: the shapes do not fit.

    >>> import torch
    >>> BinaryCrossEntropy()(torch.tensor([[0.0], [1e4]]), torch.tensor([1, 1]))
    Sum(total=tensor(0.6931), weight=2)
    """

    tasks = ("binary", "multilabel", "frames")

    def __init__(
        self,
        class_weights: tuple[float, ...] | None = None,
        positive_weights: tuple[float, ...] | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
    ):
        super().__init__()
        self.class_weights = check_weights(class_weights, number=2)
        self.positive_weights = check_weights(positive_weights)
        self.label_smoothing = check_smoothing(label_smoothing)
        self.ignore_index = ignore_index
        positive = None if positive_weights is None else torch.tensor(self.positive_weights)
        self.register_buffer("positive", positive, persistent=False)
        self.positive: Tensor | None

    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        ignored = None if self.ignore_index is None else targets == self.ignore_index
        target = targets if ignored is None else torch.where(ignored, 0.0, targets)
        if self.label_smoothing:
            target = target + self.label_smoothing * (0.5 - target)
        if self.class_weights is None:
            values = self._entropy(outputs, target)
        else:
            zero, one = self.class_weights
            values = one * target * functional.softplus(-outputs) + zero * (1 - target) * functional.softplus(
                outputs
            )
        return values if ignored is None else torch.where(ignored, 0.0, values)

    def _entropy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        positive = None
        if self.positive is not None and self.positive_weights is not None:
            positive = constant(self.positive, self.positive_weights, outputs)
        return functional.binary_cross_entropy_with_logits(
            outputs, targets, pos_weight=positive, reduction="none"
        )

    def _counted(self, targets: Tensor) -> Tensor | None:
        if self.ignore_index is None and self.class_weights is None:
            return None
        zero, one = self.class_weights or (1.0, 1.0)
        counted = zero + (one - zero) * targets
        return (
            counted if self.ignore_index is None else torch.where(targets == self.ignore_index, 0.0, counted)
        )

    def counted(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        counted = self._counted(targets)
        return None if counted is None else counted.mean(-1)

    def unweighted(self, outputs: Tensor, targets: Tensor) -> Sum:
        if (
            self.class_weights
            or self.positive_weights
            or self.label_smoothing
            or self.ignore_index is not None
        ):
            return super().unweighted(outputs, targets)
        total = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
        width = targets.shape[-1]
        return Sum(total if width == 1 else total / width, targets.numel() // width)
