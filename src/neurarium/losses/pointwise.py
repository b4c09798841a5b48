"""Losses that compare number with number, and average over the numbers of one example."""

from __future__ import annotations

import abc

from torch import Tensor

from neurarium.losses.base import Loss, Sum, mismatch, precise


class PointwiseLoss(Loss):
    """The base of the losses on numbers: regression, and yes-or-no labels.

    Shapes: targets `(batch, ..., quantities)`, outputs `(batch, ..., quantities * outputs_per_target)` with the
    outputs of one quantity side by side; `(batch,)` stands for one quantity. Values `(batch, ...)`.
    Never broadcasts: outputs `(batch, 1)` against targets `(batch,)` is one number per example, not batch x batch.
    """

    @abc.abstractmethod
    def pointwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compare `(..., quantities)` targets with `(..., quantities)` outputs, which have one more axis,
        `outputs_per_target`, where that is not 1. Returns `(..., quantities)`."""

    def align(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs, per = precise(outputs), self.outputs_per_target
        if per > 1 or targets.shape != outputs.shape:
            if targets.shape == outputs.shape[:-1] and outputs.shape[-1:] == (per,):
                targets = targets.unsqueeze(-1)
            elif per == 1 and outputs.shape == targets.shape[:-1] and targets.shape[-1] == 1:
                outputs = outputs.unsqueeze(-1)
        elif targets.ndim == 1:
            outputs, targets = outputs.unsqueeze(-1), targets.unsqueeze(-1)
        if targets.ndim < 2 or outputs.shape != (*targets.shape[:-1], targets.shape[-1] * per):
            size = "quantities" if per == 1 else f"{per} * quantities"
            raise mismatch(
                self, f"targets (batch, ..., quantities), outputs (batch, ..., {size})", outputs, targets
            )
        targets = targets.to(outputs.dtype)
        return (outputs if per == 1 else outputs.unflatten(-1, (targets.shape[-1], per))), targets

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        points = self.pointwise(outputs, targets)
        return points.squeeze(-1) if points.shape[-1] == 1 else points.mean(-1)

    def unweighted(self, outputs: Tensor, targets: Tensor) -> Sum:
        if self.counted(outputs, targets) is not None:
            return super().unweighted(outputs, targets)
        width = targets.shape[-1]
        total = self.summed(outputs, targets)
        return Sum(total if width == 1 else total / width, targets.numel() // width)

    def summed(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of `pointwise`; a member with a fused kernel for it says so here."""
        return self.pointwise(outputs, targets).sum()

    def point(self, outputs: Tensor) -> Tensor:
        """Return the point prediction `(batch, ..., quantities)` of raw outputs, on the scale of the targets."""
        return outputs
