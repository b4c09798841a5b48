"""The connectionist temporal classification (CTC) loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.transcripts import BLANK, real_frames
from neurarium.losses.base import Loss, Sum, blank, mismatch, precise, spread


@recorded
class CTC(Loss):
    """The CTC loss: the likelihood of a label sequence, summed over all its alignments to the frames.

    v = -log sum_{alignments a of y} prod_t p_t(a_t),  p = softmax(z) with one class for "blank". In nats per example.
    A target that cannot be aligned (fewer frames than labels, with one more for each repeated label) has likelihood 0:
    it is left out, and counts nothing.

    Args:
        blank: the class that stands for no label.
        padding: the value that fills up short targets; no class.

    Shapes: outputs `(batch, frames, classes)` logits; targets `(batch, labels)` indices, padded at the end; values
    `(batch,)`. A mask may be `(batch,)`, or `(batch, frames)` with True for the real frames, which come first; without one,
    frames of `data.transcripts.certain_of_blank` are padding.

    Raises:
        OptionError: padding that is also a class.
        ShapeError: shapes that do not fit.

    Graves et al., "Connectionist temporal classification" (2006), equation 8.

    >>> import torch
    >>> CTC().elementwise(torch.zeros(1, 2, 2), torch.tensor([[1]]))          # 3 of 4 paths say "1": -log 0.75
    tensor([0.2877])
    """

    tasks = ("transcript",)

    def __init__(self, blank: int = 0, padding: int = -1):
        super().__init__()
        if padding >= 0 and padding != blank:
            raise OptionError("the padding of CTC targets is a class", expected="negative, or the blank")
        self.blank, self.padding = blank, padding

    def align(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits with a last channel that is 1 for real frames, and the padded targets."""
        outputs = precise(outputs)
        if (
            outputs.ndim != 3
            or targets.ndim != 2
            or len(outputs) != len(targets)
            or targets.is_floating_point()
        ):
            raise mismatch(
                self, "outputs (batch, frames, classes), targets (batch, labels)", outputs, targets
            )
        return torch.cat([outputs, torch.ones_like(outputs[..., :1])], dim=-1), targets.long()

    def forward(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None, mask: Tensor | None = None
    ) -> Sum:
        if mask is None and self.blank == BLANK and outputs.ndim == 3:
            mask = real_frames(outputs)
        outputs, targets = self.align(outputs, targets)
        scale = outputs.new_ones(len(outputs))
        if mask is not None:
            mask = mask.to(torch.bool)
            # Blanking takes the frames' presence away with them, so that they shorten the example.
            outputs = blank(outputs, mask)
            scale = scale * self._examples(outputs, targets, mask)
        if weights is not None:
            scale = scale * spread(weights, scale.shape, "weights")
        scale = scale * self.feasible(outputs, targets)
        return Sum((self.values(outputs, targets) * scale).sum(), scale.sum())

    def _examples(self, outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Return which examples a mask leaves, `(batch,)`."""
        if mask.ndim == 1:
            return mask
        if mask.ndim != 2 or bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            raise mismatch(self, "a mask (batch, frames) with the real frames first", outputs, mask)
        return mask.any(-1)

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        frames, labels = self._lengths(outputs, targets)
        logs = functional.log_softmax(outputs[..., :-1], dim=-1).transpose(0, 1)
        filled = targets.clamp(min=0)
        return functional.ctc_loss(
            logs, filled, frames, labels, blank=self.blank, reduction="none", zero_infinity=True
        )

    def feasible(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return 1 for each aligned example whose target has an alignment, else 0: `(batch,)`."""
        frames, labels = self._lengths(outputs, targets)
        repeats = ((targets[:, 1:] == targets[:, :-1]) & (targets[:, 1:] != self.padding)).sum(-1)
        return (labels + repeats <= frames).to(outputs.dtype)

    def _lengths(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return outputs[..., -1].sum(-1).long(), (targets != self.padding).sum(-1)
