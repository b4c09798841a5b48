"""The hinge loss, for two classes and for several."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.losses.classes import ClassLoss


@recorded
class Hinge(ClassLoss):
    """The hinge loss of a support vector machine: no loss once the true class leads by the margin.

    Two classes, one logit, y in {-1, 1}:  v = max(0, margin - y z).
    Several, `crammer-singer`:  v = max(0, margin + max_{c != y} z_c - z_y);
    `weston-watkins`:  v = sum_{c != y} max(0, margin + z_c - z_y). Two logits 0 and z make both the binary one.

    Args:
        margin: by how much the true class must lead.
        squared: square each term, which makes the loss smooth.
        form: `crammer-singer` or `weston-watkins`.
        class_weights, label_smoothing, ignore_index, class_axis, several: as for every loss over classes.

    Shapes: outputs `(batch, ..., classes)` scores, or one per example; targets `(batch, ...)` indices (0 and 1, not -1
    and 1) or `(batch, ..., classes)` float distributions; values `(batch, ...)`.

    Raises:
        OptionError: a margin that is not above 0.
        ShapeError: shapes that do not fit.

    Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector machines" (2001).

    >>> import torch
    >>> Hinge().elementwise(torch.tensor([[2.0], [0.5]]), torch.tensor([1, 0]))
    tensor([0.0000, 1.5000])
    """

    tasks = ("binary", "multiclass", "multilabel")

    def __init__(
        self,
        margin: float = 1.0,
        squared: bool = False,
        form: Literal["crammer-singer", "weston-watkins"] = "crammer-singer",
        class_weights: tuple[float, ...] | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        class_axis: int = -1,
        several: bool = False,
    ):
        super().__init__(class_weights, label_smoothing, ignore_index, class_axis, several)
        if not margin > 0:
            raise OptionError(
                "the margin of the hinge loss is not positive", expected="above 0", received=margin
            )
        self.margin, self.squared, self.form = margin, squared, form

    def class_losses(self, logits: Tensor) -> Tensor:
        if self.form == "weston-watkins":
            terms = (self.margin + logits.unsqueeze(-2) - logits.unsqueeze(-1)).clamp(min=0)
            own = torch.eye(logits.shape[-1], dtype=torch.bool, device=logits.device)
            terms = torch.where(own, 0.0, terms)
            return (terms.square() if self.squared else terms).sum(-1)
        best, where = logits.topk(2, dim=-1)
        is_best = torch.arange(logits.shape[-1], device=logits.device) == where[..., :1]
        rival = torch.where(is_best, best[..., 1:], best[..., :1])
        terms = (self.margin + rival - logits).clamp(min=0)
        return terms.square() if self.squared else terms
