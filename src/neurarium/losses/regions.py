"""Losses on regions of an image: the overlap that Dice and Tversky share."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses.base import Loss, mismatch, precise


class Overlap(NamedTuple):
    """Soft counts per example and class, each `(batch, classes)`."""

    true_positives: Tensor
    false_positives: Tensor
    false_negatives: Tensor


class RegionLoss(Loss):
    """The base of the losses that compare whole regions.

    Args:
        smooth: added to both sides of the fraction, above 0: empty against empty is then no loss, and nothing is 0 / 0.
        class_axis: where the outputs have their classes: 1 for `(batch, classes, height, width)`, or -1.
        background: whether class 0 counts, where there are several classes.
        ignore_index: a target index whose pixels do not count, or None; an example without any other counts nothing.

    Shapes: outputs `(batch, classes, ...)` logits; with one class its sigmoid is taken, with several their softmax.
    Targets `(batch, ...)` indices (for one class: 0, 1 or a probability), or `(batch, classes, ...)` floats.
    Values `(batch,)`, the mean over classes. A mask may be `(batch,)` or mask pixels, `(batch, ...)`.

    Raises:
        OptionError: `smooth` not above 0.
        ShapeError: shapes that do not fit.
    """

    masks_parts: ClassVar[bool] = True

    def __init__(
        self,
        smooth: float = 1.0,
        class_axis: int = 1,
        background: bool = True,
        ignore_index: int | None = None,
    ):
        super().__init__()
        if not smooth > 0:
            raise OptionError(
                "the smoothing of a region loss is not positive", expected="above 0", received=smooth
            )
        self.smooth, self.class_axis = smooth, class_axis
        self.background, self.ignore_index = background, ignore_index

    def align(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits `(batch, ..., classes)` and `(batch, ..., classes + 1)`: shares, then 1 where a pixel counts."""
        original = outputs, targets
        outputs = precise(outputs)
        if outputs.ndim > 1:
            outputs = outputs.movedim(self.class_axis, -1)
            if targets.ndim == outputs.ndim:
                targets = targets.movedim(self.class_axis, -1)
        fits = targets.shape in (outputs.shape, outputs.shape[:-1])
        if (
            outputs.ndim < 2
            or not fits
            or (targets.shape == outputs.shape and not targets.is_floating_point())
        ):
            expected = "outputs (batch, classes, ...), targets (batch, ...) or floats (batch, classes, ...)"
            raise mismatch(
                self, expected, *original, "give one class an axis of its own: outputs.unsqueeze(1)"
            )
        present = torch.ones_like(outputs[..., :1])
        if self.ignore_index is not None and targets.ndim < outputs.ndim:
            ignored = targets == self.ignore_index
            present, targets = (~ignored).to(outputs.dtype).unsqueeze(-1), torch.where(ignored, 0, targets)
        return outputs, torch.cat([self._shares(outputs, targets) * present, present], dim=-1)

    def counted(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Return 1 for each example of which a pixel counts, 0 for the others, which would else pull every mean to no loss."""
        if self.ignore_index is None:
            return None
        return (targets[..., -1].reshape(len(targets), -1) > 0).any(1).to(outputs.dtype)

    def _shares(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.ndim == outputs.ndim:
            return targets.to(outputs.dtype)
        if outputs.shape[-1] == 1:
            return targets.to(outputs.dtype).unsqueeze(-1)
        classes = torch.arange(outputs.shape[-1], device=outputs.device)
        if targets.is_floating_point():
            raise mismatch(
                self, "integer targets (batch, ...) where there are several classes", outputs, targets
            )
        return (targets.unsqueeze(-1) == classes).to(outputs.dtype)

    def overlap(self, outputs: Tensor, targets: Tensor) -> Overlap:
        """Return the soft counts of aligned outputs and targets."""
        present, targets = targets[..., -1:], targets[..., :-1]
        several = outputs.shape[-1] > 1
        shares = functional.softmax(outputs, dim=-1) if several else torch.sigmoid(outputs)
        axes = tuple(range(1, outputs.ndim - 1))
        true = (shares * targets).sum(axes) if axes else shares * targets
        predicted = (shares * present).sum(axes) if axes else shares * present
        actual = targets.sum(axes) if axes else targets
        counts = Overlap(true, predicted - true, actual - true)
        return counts if self.background or not several else Overlap(*(count[:, 1:] for count in counts))
