"""The cross-entropy (softmax), from logits."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from neurarium.core.recipe import recorded
from neurarium.losses.base import Sum
from neurarium.losses.classes import ClassLoss, explained

# An index that no target can have: torch's own default, -100, would ignore such a target without a word.
NONE = -(2**40)


@recorded
class CrossEntropy(ClassLoss):
    """The categorical cross-entropy of a softmax.

    v = -sum_c w_c q_c log p_c,  p = softmax(z), by log-sum-exp: finite for every finite z.

    Args:
        class_weights: w, one number per class; the sum is divided by sum_c w_c target_c, as torch does for indices.
        label_smoothing: epsilon; q = (1 - epsilon) target + epsilon / classes.
        ignore_index: a target index that is not counted (padding), or None.
        class_axis: where the outputs have their classes: -1, or 1 for images `(batch, classes, height, width)`.

    Shapes: outputs `(batch, ..., classes)` logits; targets `(batch, ...)` indices or `(batch, ..., classes)` float
    distributions; values `(batch, ...)`.

    Raises:
        OptionError: weights that are negative, a smoothing outside [0, 1].
        ShapeError: shapes that do not fit, an index that is no class.

    Label smoothing: Szegedy et al., arXiv 1512.00567, section 7.

    >>> import torch
    >>> CrossEntropy()(torch.tensor([[0.0, 0.0], [1e4, 0.0]]), torch.tensor([1, 0]))
    Sum(total=tensor(0.6931), weight=2)
    """

    tasks = ("multiclass", "segmentation", "language", "tagging", "text")

    def __init__(
        self,
        class_weights: tuple[float, ...] | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        class_axis: int = -1,
    ):
        super().__init__(class_weights, label_smoothing, ignore_index, class_axis)

    def class_losses(self, logits: Tensor) -> Tensor:
        return -functional.log_softmax(logits, dim=-1)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self._fused(outputs, targets, "none").reshape(outputs.shape[:-1])

    def unweighted(self, outputs: Tensor, targets: Tensor) -> Sum:
        total, counted = self._fused(outputs, targets, "sum"), self.counted(outputs, targets)
        return Sum(total, outputs.numel() // outputs.shape[-1] if counted is None else counted.sum())

    def _fused(self, outputs: Tensor, targets: Tensor, reduction: str) -> Tensor:
        if outputs.ndim > 2:
            classes = outputs.shape[-1]
            outputs = outputs.reshape(-1, classes)
            targets = targets.reshape(-1, classes) if targets.is_floating_point() else targets.reshape(-1)
        weights = None if self.weight_table is None else self._table(outputs)
        with explained(outputs, targets, self.ignore_index):
            return functional.cross_entropy(
                outputs,
                targets,
                weight=weights,
                ignore_index=NONE if self.ignore_index is None else self.ignore_index,
                label_smoothing=self.label_smoothing,
                reduction=reduction,
            )
