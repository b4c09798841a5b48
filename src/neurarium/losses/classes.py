"""Losses over classes: what cross-entropy, hinge, focal loss and the KL divergence share."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.losses.base import Loss, blank, constant, mismatch, precise


class ClassLoss(Loss):
    """The base of the losses over classes.

    A member says what each possible class would cost, l_c(z); the value is then that of the target, by index or by
    distribution: v = sum_c w_c q_c l_c(z), with q the target, smoothed: q = (1 - epsilon) target + epsilon / classes.

    Args:
        class_weights: w, one number per class; the sum is divided by sum_c w_c target_c, the weights of what is counted.
        label_smoothing: epsilon.
        ignore_index: a target index that is not counted (padding), or None.
        class_axis: where the outputs have their classes: -1, or 1 for images `(batch, classes, height, width)`.
        several: several labels per example, each a yes or no of its own: `(batch, ..., labels)` on both sides.

    Shapes: outputs `(batch, ..., classes)` logits; targets `(batch, ...)` indices or `(batch, ..., classes)` float
    distributions. One logit stands for two classes with logits 0 and z: outputs `(batch, ..., 1)` or `(batch,)`, and
    float targets `(batch, ...)` are then the probability of class 1. Values `(batch, ...)`.

    Raises:
        OptionError: weights that are negative, a smoothing outside [0, 1].
        ShapeError: shapes that do not fit, an index that is no class, weights of another number of classes.
    """

    def __init__(
        self,
        class_weights: tuple[float, ...] | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        class_axis: int = -1,
        several: bool = False,
    ):
        super().__init__()
        self.class_weights = check_weights(class_weights, number=2 if several else None)
        self.label_smoothing = check_smoothing(label_smoothing)
        self.ignore_index, self.class_axis, self.several = ignore_index, class_axis, several
        table = None if class_weights is None else torch.tensor(self.class_weights)
        self.register_buffer("weight_table", table, persistent=False)
        self.weight_table: Tensor | None

    @abc.abstractmethod
    def class_losses(self, logits: Tensor) -> Tensor:
        """Return what each class would cost if it were the target: `(..., classes)` of `(..., classes)`."""

    def align(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = precise(outputs)
        if self.several:
            return self._align_several(outputs, targets)
        if self.class_axis != -1 and outputs.ndim > 2:
            outputs = outputs.movedim(self.class_axis, -1)
            if targets.ndim == outputs.ndim:
                targets = targets.movedim(self.class_axis, -1)
        if outputs.shape == targets.shape and outputs.ndim == 1:
            outputs = outputs.unsqueeze(-1)
        if outputs.ndim > 1 and outputs.shape[-1] == 1:
            outputs, targets = self._two_classes(outputs, targets)
        indices = targets.shape == outputs.shape[:-1] and not targets.is_floating_point()
        if not indices and not (targets.shape == outputs.shape and targets.is_floating_point()):
            expected = (
                "outputs (batch, ..., classes), targets (batch, ...) integers or (batch, ..., classes) floats"
            )
            fix = "say where the classes are with class_axis" if outputs.ndim > 2 else None
            raise mismatch(self, expected, outputs, targets, fix)
        if self.weight_table is not None and len(self.weight_table) != outputs.shape[-1]:
            raise ShapeError(
                "the class weights do not fit the classes",
                expected=f"{outputs.shape[-1]} numbers",
                received=f"{len(self.weight_table)} numbers",
            )
        return outputs, targets.long() if indices else targets.to(outputs.dtype)

    def _two_classes(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Give one logit z the form of two, (0, z): their softmax is the sigmoid of z."""
        if targets.shape == outputs.shape:
            targets = targets.squeeze(-1)
        if targets.is_floating_point() and targets.shape == outputs.shape[:-1]:
            targets = torch.stack([1 - targets, targets], dim=-1)
        return torch.cat([torch.zeros_like(outputs), outputs], dim=-1), targets

    def _align_several(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if outputs.shape != targets.shape or outputs.ndim < 2:
            raise mismatch(self, "outputs and targets (batch, ..., labels)", outputs, targets)
        targets = targets.to(outputs.dtype)
        logits = torch.stack([torch.zeros_like(outputs), outputs], dim=-1)
        pairs = torch.stack([1 - targets, targets], dim=-1)
        # A label that is ignored has no mass on either class.
        return logits, pairs if self.ignore_index is None else blank(pairs, targets != self.ignore_index)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        losses = self.class_losses(outputs)
        if self.weight_table is not None:
            losses = losses * self._table(losses)
        if targets.is_floating_point():
            values = (self.smoothed(targets) * losses).sum(-1)
        else:
            with explained(outputs, targets, self.ignore_index):
                values = losses.gather(-1, self._safe(targets).unsqueeze(-1)).squeeze(-1)
            if self.label_smoothing:
                values = values + self.label_smoothing * (losses.mean(-1) - values)
            if self.ignore_index is not None:
                values = torch.where(targets == self.ignore_index, 0.0, values)
        return values.mean(-1) if self.several else values

    def counted(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        table = None if self.weight_table is None else self._table(outputs)
        if targets.is_floating_point():
            if table is None and not (self.several and self.ignore_index is not None):
                return None
            counted = targets.sum(-1) if table is None else targets @ table
            return counted.mean(-1) if self.several else counted
        if self.ignore_index is None:
            return None if table is None else table[targets]
        kept = targets != self.ignore_index
        return kept.to(outputs.dtype) if table is None else kept * table[self._safe(targets)]

    def smoothed(self, targets: Tensor) -> Tensor:
        """Return target distributions with label smoothing."""
        if not self.label_smoothing:
            return targets
        return targets + self.label_smoothing * (targets.mean(-1, keepdim=True) - targets)

    def _safe(self, targets: Tensor) -> Tensor:
        """Put class 0 where the index is ignored, so that it can be looked up."""
        return targets if self.ignore_index is None else torch.where(targets == self.ignore_index, 0, targets)

    def _table(self, like: Tensor) -> Tensor:
        return constant(self.weight_table, self.class_weights, like)  # type: ignore[arg-type]


@contextlib.contextmanager
def explained(outputs: Tensor, targets: Tensor, ignore_index: int | None) -> Iterator[None]:
    """Turn torch's refusal of an index (raised on a CPU) into ours; looking beforehand would cost every step."""
    try:
        yield
    except (IndexError, RuntimeError) as error:
        counted = targets if ignore_index is None else targets[targets != ignore_index]
        if counted.numel() and (counted.min() < 0 or counted.max() >= outputs.shape[-1]):
            raise ShapeError(
                "a target is no class index",
                expected=f"0 to {outputs.shape[-1] - 1}"
                + (f", or {ignore_index}" if ignore_index is not None else ""),
                received=f"{int(counted.min())} to {int(counted.max())}",
                fix="set ignore_index for a target that does not count",
            ) from error
        raise


def check_weights(weights: tuple[float, ...] | None, number: int | None = None) -> tuple[float, ...] | None:
    """Return weights as floats.

    Raises:
        OptionError: negative, all zero, or of another number.
    """
    if weights is None:
        return None
    weights = tuple(float(each) for each in weights)
    wrong = not weights or any(not each >= 0 for each in weights) or not any(weights)
    if wrong or (number is not None and len(weights) != number):
        expected = (
            "numbers of at least 0, not all 0"
            if number is None
            else f"{number} numbers of at least 0, not all 0"
        )
        raise OptionError("the class weights are wrong", expected=expected, received=weights)
    return weights


def check_smoothing(smoothing: float) -> float:
    """Return the label smoothing.

    Raises:
        OptionError: outside [0, 1].
    """
    if not 0 <= smoothing <= 1:
        raise OptionError("the label smoothing is wrong", expected="0 to 1", received=smoothing)
    return float(smoothing)
